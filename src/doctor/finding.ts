import { messageOf } from '../domain/errors.ts'

/**
 * `fault`: logins fail, or records are in danger. `warning`: they may be, one day. `hint`: worth to know.
 * `not_applicable`: there was nothing to look at, and the cause says why.
 */
export type Verdict = 'ok' | 'hint' | 'warning' | 'fault' | 'not_applicable'

/** The result of a check. */
export interface Finding {
  /** What was looked at: `gateway gw1`, `storage`, a file. */
  readonly about: string
  readonly verdict: Verdict
  readonly cause: string
  /** What to do, as a line of a file or a command where there is one. */
  readonly remedy?: string
}

/** Checks one thing and changes nothing. Never rejects for what it finds. */
export type Check = () => Promise<readonly Finding[]>

export function ok(about: string, cause: string): Finding {
  return { about, verdict: 'ok', cause }
}

export function hint(about: string, cause: string, remedy?: string): Finding {
  return { about, verdict: 'hint', cause, remedy }
}

export function warning(about: string, cause: string, remedy: string): Finding {
  return { about, verdict: 'warning', cause, remedy }
}

export function fault(about: string, cause: unknown, remedy?: string): Finding {
  return { about, verdict: 'fault', cause: messageOf(cause), remedy }
}

export function notApplicable(about: string, cause: string): Finding {
  return { about, verdict: 'not_applicable', cause }
}
