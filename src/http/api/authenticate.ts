import type { Request } from 'express'
import { standingOf, type TokenStore, tokenHash } from '../../domain/api-token.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Log } from '../../domain/log.ts'
import type { RequestLimits } from '../../domain/request-limits.ts'
import { type RoleGroups, rolesOf, type Scope, scopesOf } from '../../domain/scope.ts'
import type { Caller } from '../caller.ts'
import type { Admission } from '../contract.ts'
import { addressOf } from '../peer.ts'
import { Problem } from '../problem.ts'
import { count } from '../rate.ts'
import { visitOf } from '../visit.ts'

export interface AuthenticateOptions {
  readonly tokens: TokenStore
  readonly roles: RoleGroups
  readonly limits: RequestLimits
  readonly clock: Clock
  readonly log: Log
}

/** How often the last use of a token is written down, in milliseconds. */
const NOTE_EVERY_MS = 60_000

const WHO_ARE_YOU = { headers: { 'WWW-Authenticate': 'Bearer realm="ocbroker"' } }
/** The same for a token that never was, one that has expired and one that was revoked. */
const NOT_THIS_TOKEN = { headers: { 'WWW-Authenticate': 'Bearer realm="ocbroker", error="invalid_token"' } }

/** Finds out who calls, by the token or else by the visit. */
export class Authentication {
  readonly #options: AuthenticateOptions
  /** By token, when its use was last noted: requests that arrive together note it once. */
  readonly #noted = new Map<string, number>()

  constructor(options: AuthenticateOptions) {
    this.#options = options
  }

  /** @throws Problem */
  async callerOf(request: Request, admission: Exclude<Admission, 'everybody'>): Promise<Caller> {
    const { authorization } = request.headers
    const caller = authorization === undefined ? this.#personOf(request) : await this.#holderOf(authorization)
    // It has shown itself: its own limit counts in the place of its address's.
    await this.#options.limits.giveBack('address', addressOf(request))
    await count(this.#options.limits, 'token', caller.key)
    if (admission !== 'known') demand(caller, admission)
    return caller
  }

  async #holderOf(authorization: string): Promise<Caller> {
    const { tokens, clock } = this.#options
    const text = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    const hash = text === undefined ? undefined : tokenHash(text)
    const token = hash === undefined ? undefined : await tokens.findByHash(hash)
    if (hash === undefined || token === undefined || standingOf(token, clock.now()) !== 'valid')
      throw new Problem('unauthenticated', NOT_THIS_TOKEN)
    if (clock.now() - (token.lastUsedAt ?? 0) > NOTE_EVERY_MS) this.#noteUse(token.id)
    return {
      kind: 'token',
      key: `token ${token.id}`,
      name: token.name,
      actor: `${token.name} (token)`,
      scopes: new Set(token.scopes),
      until: token.expiresAt,
      async isStillGood() {
        const now = await tokens.findByHash(hash)
        return now !== undefined && standingOf(now, clock.now()) === 'valid'
      },
    }
  }

  /** Two factors are needed: a password alone may enrol an authenticator and nothing more. */
  #personOf(request: Request): Caller {
    const visit = visitOf(request)
    const { session } = visit
    if (session === undefined || session.stage !== 'in' || session.factors < 2)
      throw new Problem('unauthenticated', WHO_ARE_YOU)
    return {
      kind: 'person',
      key: `person ${session.subject ?? session.user}`,
      name: session.user,
      actor: `${session.user} (web)`,
      scopes: scopesOf(rolesOf(session.groups, this.#options.roles)),
      isStillGood: () => visit.isStillOpen(),
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

/** For a caller who was found some time ago. @throws Problem `unauthenticated` */
export async function demandStillGood(caller: Caller): Promise<void> {
  if (await caller.isStillGood()) return
  throw new Problem('unauthenticated', caller.kind === 'token' ? NOT_THIS_TOKEN : WHO_ARE_YOU)
}

/** @throws Problem `missing-scope` */
export function demand(caller: Caller, scope: Scope): void {
  if (!caller.scopes.has(scope)) throw new Problem('missing-scope', { detail: `This needs ${scope}.` })
}
