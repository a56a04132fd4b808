import express, { Router } from 'express'
import { noBodyBeyond } from './body.ts'
import { SIGN_OUT_PATH, type SingleSignOn } from './single-sign-on.ts'

const MAX_OCTETS = 16 * 1024

/**
 * Where the provider says that a user has signed out (OpenID Connect Back-Channel Logout 1.0). The provider's signature
 * shows who speaks, so neither cookie nor form token is asked for.
 */
export function providerSignOut(singleSignOn: SingleSignOn): Router {
  const router = Router()
  router.post(
    SIGN_OUT_PATH,
    noBodyBeyond(MAX_OCTETS),
    express.urlencoded({ extended: false, limit: MAX_OCTETS, parameterLimit: 10, inflate: false }),
    async (request, response) => {
      const body: unknown = request.body
      const token =
        typeof body === 'object' && body !== null && 'logout_token' in body ? body.logout_token : undefined
      const isDone = typeof token === 'string' && (await singleSignOn.signOut(request, token))
      if (isDone) response.status(200).end()
      else response.status(400).json({ error: 'invalid_request' })
    },
  )
  return router
}
