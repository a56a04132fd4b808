import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
} from 'openid-client'
import { OperatorError } from '../domain/errors.ts'
import type { Secret } from '../domain/secret.ts'
import { detailOf, throwIfOutage } from './answer-of-error.ts'
import { boundedFetch, type Fetch } from './bounded-fetch.ts'

export interface ClientOptions {
  readonly issuer: string
  readonly clientId: string
  readonly secret: Secret
  readonly authentication: 'basic' | 'post'
  /** CA certificates in PEM; absent: the system's. */
  readonly authorities?: string
}

/** What the provider says of itself (OpenID Connect Discovery 1.0 §3). */
type Metadata = Readonly<ReturnType<Configuration['serverMetadata']>>

/** The provider as the broker's client knows it. */
export interface Discovered {
  readonly metadata: Metadata
  /** A client that has fetched no key yet, so that keys which the provider has changed are known at once. */
  newClient(): Configuration
  readonly fetch: Fetch
}

/** Of one request. */
const TIMEOUT_MS = 4000
/** Seconds by which the provider's clock may differ. */
const CLOCK_TOLERANCE_S = 30

/** Asks the provider who it is. @throws Unavailable; OperatorError where it is not what the configuration says. */
export async function discover(options: ClientOptions): Promise<Discovered> {
  const { issuer, clientId, secret } = options
  const fetch = boundedFetch(options.authorities, TIMEOUT_MS)
  const isPlain = issuer.startsWith('http:')
  const metadata = await askMetadata(options, fetch, isPlain)
  if (metadata.issuer !== issuer)
    throw new OperatorError(
      `the provider at ${issuer} calls itself ${metadata.issuer}: write that as portal.single_sign_on.issuer, if it is right`,
    )
  for (const each of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const)
    if (metadata[each] === undefined) throw new OperatorError(`the provider at ${issuer} names no ${each}`)
  const own = { [clockTolerance]: CLOCK_TOLERANCE_S, client_secret: secret.reveal() }
  return {
    metadata,
    fetch,
    newClient() {
      const client = new Configuration(structuredClone(metadata), clientId, own, authentication(options))
      client[customFetch] = fetch
      client.timeout = TIMEOUT_MS / 1000
      // Without it the library goes by TLS alone where the token comes straight from the provider.
      enableNonRepudiationChecks(client)
      if (isPlain) allowInsecureRequests(client)
      return client
    },
  }
}

async function askMetadata(
  { issuer, clientId }: ClientOptions,
  fetch: Fetch,
  isPlain: boolean,
): Promise<Metadata> {
  try {
    const found = await discovery(new URL(issuer), clientId, undefined, undefined, {
      [customFetch]: fetch,
      timeout: TIMEOUT_MS / 1000,
      execute: isPlain ? [allowInsecureRequests] : [],
    })
    return found.serverMetadata()
  } catch (error) {
    throwIfOutage(error)
    throw new OperatorError(
      `${issuer}/.well-known/openid-configuration describes no provider of that issuer (${detailOf(error)}): see that portal.single_sign_on.issuer is written as the provider has it`,
      { cause: error },
    )
  }
}

function authentication({ authentication, secret }: ClientOptions): ClientAuth {
  return authentication === 'basic' ? ClientSecretBasic(secret.reveal()) : ClientSecretPost(secret.reveal())
}
