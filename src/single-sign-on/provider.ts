import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  fetchUserInfo,
} from 'openid-client'
import type { Clock } from '../domain/clock.ts'
import { OperatorError, Unavailable } from '../domain/errors.ts'
import type { Log } from '../domain/log.ts'
import type {
  ClaimRules,
  ProviderAnswer,
  SignOnSecrets,
  SingleSignOnProvider,
} from '../domain/single-sign-on.ts'
import { answerOfError } from './answer-of-error.ts'
import { PROVIDER } from './bounded-fetch.ts'
import { type ClientOptions, type Discovered, discover } from './discover.ts'
import { type SignOutReader, signOutReader } from './sign-out-token.ts'

export interface ProviderOptions extends ClientOptions {
  readonly scopes: readonly string[]
  readonly rules: ClaimRules
  /** Whether a sign-out also ends the session at the provider. */
  readonly logout: boolean
  /** The address of the broker's pages. */
  readonly publicUrl: string
  /** Below `publicUrl`: where the provider sends the browser back. */
  readonly callbackPath: string
  readonly clock: Clock
  readonly log: Log
}

interface Known extends Discovered {
  readonly signOuts: SignOutReader
  readonly at: number
}

/** The provider may have changed its addresses after this time. */
const KNOWN_FOR_MS = 10 * 60_000

/** A provider of OpenID Connect, which is asked who it is when the first user comes, and not before. */
export function openIdProvider(options: ProviderOptions): SingleSignOnProvider {
  const { clientId, publicUrl, callbackPath, scopes, rules, clock, log } = options
  const redirectUri = `${publicUrl}${callbackPath}`
  let last: Promise<Known> | undefined

  async function ask(): Promise<Known> {
    try {
      const found = await discover(options)
      return { ...found, signOuts: signOutReader(found, clientId, log), at: clock.monotonic() }
    } catch (error) {
      last = undefined
      if (!(error instanceof OperatorError)) throw error
      throw new Unavailable(PROVIDER, error.message, { cause: error })
    }
  }

  async function known(): Promise<Known> {
    const before = await last
    if (before !== undefined && clock.monotonic() - before.at < KNOWN_FOR_MS) return before
    last = ask()
    return last
  }

  return {
    async signInUrl({ state, nonce, verifier }) {
      const { newClient } = await known()
      const url = buildAuthorizationUrl(newClient(), {
        redirect_uri: redirectUri,
        response_type: 'code',
        scope: scopes.join(' '),
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...(rules.acr.length > 0 && { acr_values: rules.acr.join(' ') }),
      })
      return url.href
    },

    async redeem(query, secrets) {
      const { newClient } = await known()
      try {
        return await exchange(newClient(), new URL(`${redirectUri}?${query}`), secrets, rules)
      } catch (error) {
        return answerOfError(error)
      }
    },

    async signOutUrl(idToken) {
      if (!options.logout) return undefined
      const { newClient, metadata } = await known()
      if (metadata.end_session_endpoint === undefined) return undefined
      const url = buildEndSessionUrl(newClient(), {
        post_logout_redirect_uri: `${publicUrl}/`,
        ...(idToken !== undefined && { id_token_hint: idToken }),
      })
      return url.href
    },

    async readSignOut(token) {
      return (await known()).signOuts.read(token)
    },
  }
}

async function exchange(
  client: Configuration,
  callback: URL,
  { state, nonce, verifier }: SignOnSecrets,
  rules: ClaimRules,
): Promise<ProviderAnswer> {
  const tokens = await authorizationCodeGrant(client, callback, {
    expectedState: state,
    expectedNonce: nonce,
    pkceCodeVerifier: verifier,
    idTokenExpected: true,
  })
  const claims: Readonly<Record<string, unknown>> | undefined = tokens.claims()
  const { id_token: idToken } = tokens
  if (claims === undefined || idToken === undefined)
    return { kind: 'refused', detail: 'there is no ID token' }
  const more = await claimsBeside(client, tokens.access_token, claims, rules)
  return { kind: 'claims', claims: { ...more, ...claims }, idToken }
}

/** Names and groups that the provider tells only at its UserInfo endpoint. What proves factors is never read from there. */
async function claimsBeside(
  client: Configuration,
  accessToken: string,
  claims: Readonly<Record<string, unknown>>,
  { userClaim, groupsClaim }: ClaimRules,
): Promise<Readonly<Record<string, unknown>>> {
  const names = [userClaim, groupsClaim, userClaim === 'email' ? 'email_verified' : undefined]
  const wanted = names.filter((each) => each !== undefined)
  const isComplete = wanted.every((each) => claims[each] !== undefined)
  if (isComplete || client.serverMetadata().userinfo_endpoint === undefined) return {}
  const info = await fetchUserInfo(client, accessToken, String(claims.sub))
  return Object.fromEntries(wanted.map((each) => [each, info[each]]))
}
