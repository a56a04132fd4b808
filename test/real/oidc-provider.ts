import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { type Configuration, Provider } from 'oidc-provider'

/** Whom the provider knows, and what it says of them. Everybody's password is right: it is not what the tests are about. */
interface ProviderUser {
  readonly preferred_username?: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly groups?: readonly string[]
  /** What the provider says of how they signed in. */
  readonly acr?: string
  readonly amr?: readonly string[]
}

/** How the ID token differs from the one that the provider has made. It is signed with the provider's own key. */
export type Forgery =
  | { readonly claims: JWTPayload }
  /** Signed with another key under the name of the right one. */
  | { readonly key: 'another' }

export interface RealProvider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly users: Map<string, ProviderUser>
  /** From here on each ID token is like that; undefined: as the provider makes it. */
  forge(forgery: Forgery | undefined): void
  /** Gives up its key and makes another. */
  rotateKeys(): Promise<void>
  /** Takes requests and answers none, until it is called with false. */
  hang(isHanging: boolean): void
  /** Sends the broker that the user has signed out, as it does by itself too. */
  logoutToken(claims: JWTPayload, forgery?: Forgery): Promise<string>
  stop(): Promise<void>
}

const CLIENT_ID = 'ocbroker'
const CLIENT_SECRET = 'between-provider-and-broker-that-no-log-may-show'

/** Starts the provider of the package `oidc-provider` on a free port. @param publicUrl of the broker's pages. */
export async function startOidcProvider(publicUrl: string): Promise<RealProvider> {
  const users = new Map<string, ProviderUser>()
  let forgery: Forgery | undefined
  let isHanging = false
  let answer: (request: IncomingMessage, response: ServerResponse) => void = () => undefined
  const server = createServer((request, response) => {
    if (!isHanging) answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let key = await newKey()
  const anotherKey = await newKey()

  async function sign(claims: JWTPayload, typ: string, forged?: Forgery): Promise<string> {
    const { privateKey } = forged !== undefined && 'key' in forged ? anotherKey : key
    const changed = forged !== undefined && 'claims' in forged ? forged.claims : {}
    return new SignJWT({ ...claims, ...changed })
      .setProtectedHeader({ alg: 'RS256', kid: key.jwk.kid, typ })
      .sign(privateKey)
  }

  function begin(): void {
    const provider = new Provider(issuer, configuration(publicUrl, key.jwk, users))
    provider.use(async (context, next) => {
      await next()
      const body = context.body as { id_token?: string }
      if (forgery === undefined || body?.id_token === undefined) return
      const [, payload = ''] = body.id_token.split('.')
      body.id_token = await sign(JSON.parse(Buffer.from(payload, 'base64url').toString()), 'JWT', forgery)
    })
    const callback = provider.callback()
    answer = (request, response) => {
      const uid = /^\/interaction\/([\w-]+)/.exec(request.url ?? '')?.[1]
      if (uid === undefined) callback(request, response)
      else void interact(provider, request, response)
    }
  }
  begin()

  return {
    issuer,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    users,
    forge(next) {
      forgery = next
    },
    async rotateKeys() {
      key = await newKey()
      begin()
    },
    hang(next) {
      isHanging = next
    },
    logoutToken: (claims, forged) => sign(claims, 'logout+jwt', forged),
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }

  /** The provider's own page: who are you? */
  async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse) {
    if (request.method === 'GET') {
      response.setHeader('content-type', 'text/html')
      response.end(
        '<!doctype html><html lang="en"><title>Provider</title><form method="post"><label>User <input name="user" id="user"></label><button id="go">Go on</button><button id="cancel" name="cancel" value="yes">Cancel</button></form>',
      )
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const form = new URLSearchParams(Buffer.concat(chunks).toString())
    const accountId = form.get('user') ?? ''
    const { acr, amr } = users.get(accountId) ?? {}
    const result = form.has('cancel')
      ? { error: 'access_denied', error_description: 'the user said no' }
      : { login: { accountId, ...(acr && { acr }), ...(amr && { amr: [...amr] }) } }
    await provider.interactionFinished(request, response, result)
  }
}

interface Key {
  readonly privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey']
  readonly jwk: JWK
}

let keys = 0

async function newKey(): Promise<Key> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: `key-${keys++}` }
  return { privateKey, jwk }
}

function configuration(publicUrl: string, jwk: JWK, users: ReadonlyMap<string, ProviderUser>): Configuration {
  return {
    jwks: { keys: [jwk] } as unknown as NonNullable<Configuration['jwks']>,
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [`${publicUrl}/sign-in/sso/callback`],
        post_logout_redirect_uris: [`${publicUrl}/`],
        backchannel_logout_uri: `${publicUrl}/sign-in/sso/sign-out`,
        backchannel_logout_session_required: true,
      },
    ],
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: {
      openid: ['sub', 'acr', 'amr', 'sid'],
      profile: ['preferred_username'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    acrValues: ['urn:two-factors', 'urn:one-factor'],
    cookies: { keys: ['of-the-tests'] },
    ttl: { Interaction: 600, Grant: 600, Session: 600, AccessToken: 600, IdToken: 600 },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, accountId) => ({
      accountId,
      claims: async () => {
        const { acr: _acr, amr: _amr, ...claims } = users.get(accountId) ?? {}
        return { sub: accountId, ...claims, groups: [...(claims.groups ?? [])] }
      },
    }),
    // Nobody is asked whether the broker may read names and groups.
    async loadExistingGrant(context) {
      const { client, session, provider, params } = context.oidc
      const grant = new provider.Grant({
        clientId: client?.clientId ?? '',
        accountId: session?.accountId ?? '',
      })
      grant.addOIDCScope(String(params?.scope))
      await grant.save()
      return grant
    },
  }
}
