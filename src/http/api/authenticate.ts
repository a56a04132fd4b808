import type { Request } from 'express'
import { type ApiToken, type TokenStore, tokenHash, tokenStateOf } from '../../domain/api-token.ts'
import type { Clock } from '../../domain/clock.ts'
import type { LockoutScope } from '../../domain/lockout.ts'
import type { Log } from '../../domain/log.ts'
import { usernameOf } from '../../domain/login-name.ts'
import type { RequestLimits } from '../../domain/request-limits.ts'
import {
  covers,
  type RoleGrants,
  reachOf,
  rightsNow,
  rightsOf,
  rightsToAll,
  type Scope,
} from '../../domain/scope.ts'
import { browserSessionOf } from '../browser-session.ts'
import type { Caller } from '../caller.ts'
import type { Admission } from '../contract.ts'
import { addressOf } from '../peer.ts'
import { Problem } from '../problem.ts'
import { count } from '../rate.ts'
import type { HttpServices } from '../services.ts'

export interface AuthenticateOptions {
  readonly tokens: TokenStore
  readonly roles: RoleGrants
  readonly limits: RequestLimits
  readonly clock: Clock
  readonly log: Log
}

/** The last use of a token is stored at most this often, in milliseconds. */
const NOTE_EVERY_MS = 60_000

/** Why a caller may not act on a user. */
export const BEYOND_RIGHTS =
  'The user is not among those for whom the caller has this right, or has, or may have, a right that the caller lacks.'

const NO_CREDENTIALS = { headers: { 'WWW-Authenticate': 'Bearer realm="ocbroker"' } }
/** The same answer for an unknown, an expired and a revoked token. */
const INVALID_TOKEN = { headers: { 'WWW-Authenticate': 'Bearer realm="ocbroker", error="invalid_token"' } }

/** Identifies the caller by the token, or else by the browser's session. */
export class Authentication {
  readonly #options: AuthenticateOptions
  /** When the use of each token was last stored: concurrent requests store it once. */
  readonly #noted = new Map<string, number>()

  constructor(options: AuthenticateOptions) {
    this.#options = options
  }

  /** @param isForAPart as of `demand`. @throws Problem */
  async callerOf(
    request: Request,
    admission: Exclude<Admission, 'everybody'>,
    isForAPart = false,
  ): Promise<Caller> {
    const { authorization } = request.headers
    const caller = authorization === undefined ? this.#personOf(request) : await this.#holderOf(authorization)
    // The caller is known: its own limit applies instead of the address's.
    await this.#options.limits.refund('address', addressOf(request))
    await count(this.#options.limits, 'token', caller.key)
    if (caller.gateway !== undefined || admission === 'agent') demandAgentOf(request, caller, admission)
    else if (admission !== 'known') demand(caller, admission, isForAPart)
    return caller
  }

  async #holderOf(authorization: string): Promise<Caller> {
    const { tokens, clock } = this.#options
    const text = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    const hash = text === undefined ? undefined : tokenHash(text)
    const token = hash === undefined ? undefined : await tokens.findByHash(hash)
    const state = token && tokenStateOf(token, clock.now())
    if (hash === undefined || token === undefined || state !== 'valid')
      throw new Problem('unauthenticated', { ...INVALID_TOKEN, detail: agentFault(token, state) })
    if (clock.now() - (token.lastUsedAt ?? 0) > NOTE_EVERY_MS) this.#noteUse(token.id)
    return {
      kind: 'token',
      key: `token ${token.id}`,
      name: token.name,
      actor: `${token.name} (token)`,
      rights: rightsToAll(token.scopes),
      gateway: token.gateway,
      until: token.expiresAt,
      async isStillGood() {
        const now = await tokens.findByHash(hash)
        return now !== undefined && tokenStateOf(now, clock.now()) === 'valid'
      },
    }
  }

  /** Two factors are required: after a password alone the user may only enrol an authenticator. */
  #personOf(request: Request): Caller {
    const browser = browserSessionOf(request)
    const { session } = browser
    if (session === undefined || session.stage !== 'in' || session.factors < 2)
      throw new Problem('unauthenticated', NO_CREDENTIALS)
    const { roles } = this.#options
    const rights = rightsNow(session.groups, roles, session.passkey !== undefined)
    return {
      kind: 'person',
      key: `person ${session.subject ?? session.user}`,
      name: session.user,
      actor: `${session.user} (web)`,
      rights,
      async isStillGood() {
        const now = await browser.present()
        return now !== undefined && covers(rightsNow(now.groups, roles, now.passkey !== undefined), rights)
      },
    }
  }

  #noteUse(id: string): void {
    const { tokens, clock, log } = this.#options
    const now = clock.now()
    if (now - (this.#noted.get(id) ?? 0) <= NOTE_EVERY_MS) return
    this.#noted.set(id, now)
    tokens.noteUse(id, now).catch((error: unknown) => log.warn('token.use_not_noted', { token: id, error }))
  }
}

/** An agent's operator reads in the agent's log why it is refused. A caller who shows the token has it anyway. */
function agentFault(
  token: ApiToken | undefined,
  state: ReturnType<typeof tokenStateOf> | undefined,
): string | undefined {
  if (token?.gateway === undefined) return undefined
  return `The token ${state === 'revoked' ? 'was revoked' : 'has expired'}: give the agent a new one.`
}

/** An agent may call the operations of its own gateway's agent, and nobody else may. @throws Problem `missing-scope` */
function demandAgentOf({ params }: Request, { gateway }: Caller, admission: Admission): void {
  if (admission === 'agent' && gateway !== undefined && params.gateway === gateway) return
  throw new Problem('missing-scope', {
    detail:
      gateway === undefined
        ? 'This needs the token of the gateway’s agent.'
        : 'The token is for its own gateway’s agent alone.',
  })
}

/** For a caller who was identified some time ago. @throws Problem `unauthenticated` */
export async function demandStillGood(caller: Caller): Promise<void> {
  if (await caller.isStillGood()) return
  throw new Problem('unauthenticated', caller.kind === 'token' ? INVALID_TOKEN : NO_CREDENTIALS)
}

/**
 * @param isForAPart whether what is asked for keeps to the users for whom the right is good. Otherwise the right must be
 * good for everybody. @throws Problem `missing-scope`
 */
export function demand({ rights }: Caller, scope: Scope, isForAPart = false): void {
  const reach = rights.get(scope)
  if (reach === undefined) throw new Problem('missing-scope', { detail: `This needs ${scope}.` })
  if (!isForAPart && reach !== 'everybody')
    throw new Problem('missing-scope', { detail: `This needs ${scope} for all users.` })
}

/** For a change to a person, or to the person's authenticator. @throws Problem `missing-scope`, Unavailable */
export async function demandRightsOver(
  target: string,
  { rights }: Pick<Caller, 'rights'>,
  { mayActOn }: Pick<HttpServices, 'mayActOn'>,
): Promise<void> {
  if (await mayActOn(target, rights)) return
  throw new Problem('missing-scope', { detail: BEYOND_RIGHTS })
}

/** For a lock: an address may be of users for whom the caller's right is not good. @throws Problem `missing-scope`, Unavailable */
export async function demandLock(
  { scope, user = '' }: { readonly scope: LockoutScope; readonly user?: string },
  caller: Pick<Caller, 'rights'>,
  services: Pick<HttpServices, 'mayActOn' | 'subjectOf'>,
): Promise<void> {
  if (reachOf(caller.rights, 'lockouts:write') === undefined) return
  if (scope === 'address')
    throw new Problem('missing-scope', {
      detail: 'The address may be of users for whom the caller has no right.',
    })
  // A lockout covers everybody of the username, and of that of the account where another of its names was typed.
  const names = [user, (await services.subjectOf(user)) ?? user]
  for (const target of new Set([...names, ...names.map(usernameOf)]))
    await demandRightsOver(target, caller, services)
}

/** @param name of a user, or a subject. @throws Problem `not-found`, as of a user who is not there; Unavailable */
export async function demandSight(
  name: string,
  caller: Caller,
  { maySee }: Pick<HttpServices, 'maySee'>,
): Promise<void> {
  if (!(await maySee(name, caller))) throw new Problem('not-found')
}

/**
 * A caller who adds users to the groups of a role can then act as such a user.
 * @throws Problem `missing-scope` where the role may do more than the caller.
 */
export function demandRightsOfGroups(
  groups: readonly string[],
  { rights }: Caller,
  { roles }: Pick<HttpServices, 'roles'>,
): void {
  if (!covers(rights, rightsOf(groups, roles)))
    throw new Problem('missing-scope', {
      detail: 'A group of the user has a role that may do more than the caller.',
    })
}
