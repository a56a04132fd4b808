import { createRemoteJWKSet, customFetch, type JWTPayload, jwtVerify } from 'jose'
import { messageOf } from '../domain/errors.ts'
import type { Log } from '../domain/log.ts'
import type { SignOutOrder } from '../domain/single-sign-on.ts'
import { throwIfOutage } from './answer-of-error.ts'
import type { Discovered } from './discover.ts'

/** Only algorithms that take the provider's public key: never `none`, never the client's secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const CLOCK_TOLERANCE_S = 30
/** A token that is older ends no session, in seconds. */
const MAX_AGE_S = 5 * 60

export interface SignOutReader {
  read(token: string): Promise<SignOutOrder | undefined>
}

/** Reads the logout tokens of one provider (OpenID Connect Back-Channel Logout 1.0 §2.6). */
export function signOutReader({ metadata, fetch }: Discovered, clientId: string, log: Log): SignOutReader {
  const { issuer, jwks_uri: keysAt = '' } = metadata
  const keys = createRemoteJWKSet(new URL(keysAt), {
    [customFetch]: (url, options) => fetch(url, { ...options, headers: options.headers }),
  })
  return {
    async read(token) {
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience: clientId,
          algorithms: ALGORITHMS,
          maxTokenAge: MAX_AGE_S,
          clockTolerance: CLOCK_TOLERANCE_S,
          requiredClaims: ['iat', 'jti', 'events'],
        })
        return orderIn(payload, issuer)
      } catch (error) {
        throwIfOutage(error)
        log.warn('single_sign_on.bad_sign_out', { why: messageOf(error) })
        return undefined
      }
    },
  }
}

/** @throws Error where the token is not about a sign-out. */
function orderIn({ sub, sid, jti, nonce, events }: JWTPayload, issuer: string): SignOutOrder {
  // An ID token must never pass for one.
  if (nonce !== undefined) throw new Error('the token has a nonce')
  const isSignOut = typeof events === 'object' && events !== null && Object.hasOwn(events, EVENT)
  if (!isSignOut) throw new Error('the token is not about a sign-out')
  const session = typeof sid === 'string' ? sid : undefined
  if (sub === undefined && session === undefined) throw new Error('the token names neither sub nor sid')
  if (jti === undefined) throw new Error('the token has no jti')
  return { issuer, subject: sub, session, id: jti }
}
