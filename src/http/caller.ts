import type { Request, Response } from 'express'
import type { Rights } from '../domain/scope.ts'

/** Who asks for something that needs a scope. */
export interface Caller {
  /** For limits and retries: unlike any other caller's. */
  readonly key: string
  /** For the audit trail: `monitoring (token)`, `alice (web)`. */
  readonly actor: string
  /** What it may do, and for which users. */
  readonly rights: Rights
  /** The gateway whose agent it is, if it is one: then it may call the agent's operations alone. */
  readonly gateway?: string
  /** When the right to ask expires, in wall milliseconds. */
  readonly until?: number
  readonly kind: 'token' | 'person'
  readonly name: string
  /** Whether the caller may still ask: tokens are revoked, and browsers sign out. */
  isStillGood(): Promise<boolean>
}

export function setCaller(response: Response, caller: Caller): void {
  response.locals.caller = caller
}

/** @throws Error on a request that no guard has let through. */
export function callerOf({ res }: Request): Caller {
  const caller: Caller | undefined = res?.locals.caller
  if (caller === undefined) throw new Error('the request has no caller: no guard stands before this handler')
  return caller
}
