import { noticeWords } from '../domain/account-state.ts'
import { type GraceLeft, graceWords } from '../domain/grace.ts'
import type { Lockout } from '../domain/lockout.ts'
import type { RefusalReason } from '../domain/refusal.ts'
import type { Foreseen } from '../login/foresee.ts'
import type { SecondFactorMode } from '../login/split-password-and-code.ts'
import type { SessionCount } from './explain-sessions.ts'

export interface Outcome {
  readonly kind: 'would_pass' | 'would_enrol' | 'would_be_refused' | 'cannot_tell'
  readonly reason?: RefusalReason
  /** One sentence for people. */
  readonly words: string
  /** The refusal as the audit trail would have it, where the words are made of it alone. */
  readonly detail?: string
}

export interface KnownOfLogin {
  readonly mode: SecondFactorMode
  /** Whether the user has an authenticator. */
  readonly isEnrolled: boolean
  /** Why there is no address for the session, in one sentence. */
  readonly noAddress?: string
  /** Absent where no policy limits the user's sessions. */
  readonly sessions?: SessionCount
}

/** How the login would end, in words. */
export function outcomeOf(
  foreseen: Foreseen,
  { mode, isEnrolled, noAddress, sessions }: KnownOfLogin,
): Outcome {
  const { end, stores } = foreseen
  const last = stores.at(-1)
  switch (end.kind) {
    case 'lets_in': {
      const code = isEnrolled ? PROOFS[mode] : 'the right password'
      const other = end.approves ? APPROVALS[end.approves] : code
      const proof = end.waivedBy === undefined ? other : WAIVED[end.waivedBy]
      const password = noticeWords(foreseen.person?.notice)
      const words = `With ${proof} the user gets in by policy ${end.policy}${password}.`
      const counted = sessions === undefined ? '' : ` Sessions: ${sessions.live} of ${sessions.most}.`
      return { kind: 'would_pass', words: `${words}${counted}` }
    }
    case 'enrols':
      return {
        kind: 'would_enrol',
        words: `The user has no authenticator, and the login shows where to enrol one${graceAfter(end.grace)}.`,
      }
    case 'refusal':
      break
  }
  const { reason, detail } = end
  const refused = (words: string): Outcome => ({ kind: 'would_be_refused', reason, words })
  if (last?.needsPassword !== undefined && (reason === 'bad_credentials' || reason === 'barred'))
    return {
      kind: 'cannot_tell',
      words: `Only a password tells whether ${last.store} ${TOLD[last.needsPassword]}.`,
    }
  switch (reason) {
    case 'unavailable':
      return { kind: 'cannot_tell', reason, words: `${last?.store ?? 'A store'} cannot be asked.` }
    case 'locked': {
      const barring = barringLocks(foreseen)
      const how = barring.map(({ scope, reason: why }) => `${scope}: ${why}`).join('; ')
      return refused(barring.length === 0 ? sentence(detail) : `Locked (${how}).`)
    }
    case 'barred':
      return refused(`${last?.store} bars the user: ${last?.detail ?? detail}.`)
    case 'no_address':
      return refused(noAddress ?? sentence(detail))
    default:
      return { ...refused(sentence(detail)), detail }
  }
}

/** The lockouts that refuse the login, which names them. */
export function barringLocks({ end, locks }: Foreseen): readonly Lockout[] {
  return end.kind === 'refusal' ? locks.filter(({ id }) => end.detail.includes(id)) : []
}

const TOLD = { known: 'knows the user', expired: 'takes the one that has expired' } as const
function graceAfter(grace: GraceLeft | undefined): string {
  return grace === undefined ? '' : `, or lets the user in by grace (${graceWords(grace)})`
}

const WAIVED = {
  trust: 'the right password alone, because of a full login from there,',
  grace: 'the right password alone, by grace as there is no authenticator yet,',
} as const
const PROOFS: Readonly<Record<SecondFactorMode, string>> = {
  challenge: 'the right password and then the code',
  append: 'the right password and the code behind it',
  either: 'the right password and the code, behind it or at a prompt',
  only: 'the code alone',
  // Of a user without a passkey.
  approve: 'the right password and then the code',
}

const APPROVALS = {
  passkey: 'the right password and an approval with a passkey',
  passkey_or_code: 'the right password and an approval with a passkey, or the code,',
} as const

function sentence(detail: string): string {
  return `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`
}
