import type { Day } from './site-days.ts'

/** Until when users without an authenticator are let in by password alone. */
export type GraceRule =
  /** The last day, and its end in wall milliseconds. */
  | { readonly kind: 'until'; readonly day: Day; readonly endsAt: number }
  /** So many logins of each user. */
  | { readonly kind: 'logins'; readonly most: number }

/** What is left of it to one user. */
export type GraceLeft =
  | { readonly kind: 'until'; readonly day: Day }
  | { readonly kind: 'logins'; readonly left: number }

/** What the records know of the grace of one user. */
export interface GraceStanding {
  /** Logins that it let in. */
  readonly logins: number
  /**
   * Whether the user may be let in by it: there is no authenticator and no passkey, and there never was one that was
   * taken away, unless an invitation waits.
   */
  readonly isOpen: boolean
}

/** More logins than anybody makes. */
export const ANY_NUMBER = 1_000_000_000

/** @returns undefined where nothing is left. @param now wall milliseconds. */
export function graceLeft(
  rule: GraceRule,
  { logins, isOpen }: GraceStanding,
  now: number,
): GraceLeft | undefined {
  if (!isOpen) return undefined
  if (rule.kind === 'until') return now < rule.endsAt ? { kind: 'until', day: rule.day } : undefined
  return logins < rule.most ? { kind: 'logins', left: rule.most - logins } : undefined
}

/** For operators. */
export function graceWords(left: GraceLeft): string {
  return left.kind === 'until' ? `until ${left.day}` : `${left.left} left`
}
