import type { Request } from 'express'
import type { Scope } from '../domain/scope.ts'

/** Who asks for something that not everybody may have. */
export interface Caller {
  /** For limits and retries: unlike any other caller's. */
  readonly key: string
  /** For the audit trail: `monitoring (token)`, `alice (web)`. */
  readonly actor: string
  readonly scopes: ReadonlySet<Scope>
  /** Wall milliseconds at which the right to ask ends by itself. */
  readonly until?: number
  readonly kind: 'token' | 'person'
  readonly name: string
  /** Whether the caller may still ask: a token that was revoked, a browser that signed out. */
  isStillGood(): Promise<boolean>
}

const callers = new WeakMap<Request, Caller>()

export function setCaller(request: Request, caller: Caller): void {
  callers.set(request, caller)
}

/** @throws Error on a request that no guard has let through. */
export function callerOf(request: Request): Caller {
  const caller = callers.get(request)
  if (caller === undefined) throw new Error('the request has no caller')
  return caller
}
