import type { Response, Router } from 'express'
import { browserSessionOf } from '../../http/browser-session.ts'
import { field, goTo } from '../layout/forms.ts'
import type { PageText } from '../layout/pages.ts'
import { showAccount } from './account-page.ts'
import type { Portal } from './portal.ts'
import { hasUnsavedCodes } from './recovery-codes.ts'
import { destinationOf, goOn, keepNotes, showSignIn } from './signing-in.ts'

/** Signs users in: a name and a password, then the code of those who have an authenticator. */
export function signInRoutes(router: Router, portal: Portal): void {
  const { signingIn } = portal.services

  router.get('/', async (request, response) => {
    const { session } = browserSessionOf(request)
    switch (session?.stage) {
      case 'code':
        return showCode(response)
      case 'enrol':
        return goTo(response, '/enrol')
      case 'in':
        if (hasUnsavedCodes(session)) return goTo(response, '/recovery-codes')
        return showAccount(response, portal, session)
      default:
        return showSignIn(response, portal)
    }
  })

  router.post('/sign-in', async (request, response) => {
    const outcome = await signingIn.withPassword(request, field(request, 'name'), field(request, 'password'))
    if (outcome.kind === 'refusal') return showSignIn(response, portal, portal.problemOf(outcome, 'password'))
    await goOn(response, portal, outcome, destinationOf(field(request, 'to')))
  })

  router.post('/passkeys/sign-in', async (request, response) => {
    const outcome = await signingIn.withPasskey(request, field(request, 'passkey'))
    if (outcome.kind === 'refusal') return showSignIn(response, portal, portal.problemOf(outcome, 'passkey'))
    await goOn(response, portal, outcome, destinationOf(field(request, 'to')))
  })

  router.post('/code', async (request, response) => {
    const { session } = browserSessionOf(request)
    if (session?.stage !== 'code') return showSignIn(response, portal)
    const outcome = await signingIn.withCode(request, field(request, 'code'))
    // The sign-in is over: it starts again with the password.
    if (outcome.kind === 'refusal') {
      const form = outcome.reason === 'bad_credentials' ? 'password' : 'code'
      return showSignIn(response, portal, portal.problemOf(outcome, form))
    }
    const destination = destinationOf(session.notes?.to)
    const { prompt } = outcome.kind === 'challenge' ? outcome : {}
    if (prompt?.kind !== 'wrong_code' && prompt?.kind !== 'used_code')
      return goOn(response, portal, outcome, destination)
    if (outcome.kind === 'challenge') await keepNotes(request, outcome, destination)
    const { kind, triesLeft } = prompt
    const key = kind === 'wrong_code' ? 'portal.code.wrong' : 'portal.code.used'
    showCode(response, (t) => t(key, { triesLeft }))
  })

  function showCode(response: Response, problem?: PageText): void {
    const { session } = browserSessionOf(response.req)
    portal.show(response, {
      view: 'code',
      title: (t) => t('portal.code.title'),
      data: {
        prompt: session?.notes?.prompt,
        name: session?.typed,
        provider: session?.signedOn && portal.services.singleSignOn?.name,
      },
      problem,
    })
  }
}
