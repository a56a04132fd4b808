import { Unavailable } from '../domain/errors.ts'
import type { InvitationStore } from '../domain/invitation.ts'
import type { LockoutStore } from '../domain/lockout.ts'
import { usernameOf } from '../domain/login-name.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { SessionStore } from '../domain/session.ts'
import type { UserStore } from '../domain/user.ts'
import type { WebSessionStore } from '../domain/web-session.ts'
import type { AuditContext } from './audit-context.ts'
import type { Ending, Unreached } from './ending.ts'
import type { Enrolling } from './enrolling.ts'
import type { Lockouts } from './lockouts.ts'
import type { Passkeys } from './passkeys.ts'
import type { Trusts } from './trusts.ts'
import type { Users } from './users.ts'

export interface LeavingOptions extends Pick<Runtime, 'clock'> {
  readonly records: {
    readonly users: Pick<UserStore, 'find'>
    readonly lockouts: Pick<LockoutStore, 'list'>
    readonly sessions: Pick<SessionStore, 'list'>
    readonly invitations: Pick<InvitationStore, 'revoke'>
  }
  readonly lockouts: Pick<Lockouts, 'lock'>
  readonly users: Pick<Users, 'change'>
  readonly enrolling: Pick<Enrolling, 'revoke'>
  readonly passkeys: Pick<Passkeys, 'removeAllOf'>
  readonly trusts: Pick<Trusts, 'revokeAllOf'>
  readonly webSessions: Pick<WebSessionStore, 'deleteAllOf'>
  readonly ending: Pick<Ending, 'end'>
}

/** In this order: what keeps the user out comes first. */
export const LEAVE_STEPS = ['lock', 'disable', 'authenticator', 'trusts', 'sign_out', 'sessions'] as const

type LeaveStep = (typeof LEAVE_STEPS)[number]

/**
 * `not_here`: no local user, so that only the directory can disable the account; `forbidden`: the caller may not change
 * users; `failed`: something could not be reached, and the same form can be sent again.
 */
export type StepOutcome = 'done' | 'nothing' | 'not_here' | 'forbidden' | 'failed'

export interface LeaveAnswer {
  readonly steps: Readonly<Record<LeaveStep, StepOutcome>>
  /** VPN sessions that were open. */
  readonly sessions: number
  /** Gateways at which nobody carries the order out now, with the commands to run there. */
  readonly unreached: readonly Unreached[]
}

/** Who has somebody leave, and why. */
export type LeaveContext = AuditContext & {
  readonly actor: string
  readonly reason: string
  readonly mayChangeUsers: boolean
}

/** Locks a user without an end and takes away all with which the user could get in; each step is tried, whatever fails. */
export class Leaving {
  readonly #options: LeavingOptions

  constructor(options: LeavingOptions) {
    this.#options = options
  }

  /** @param subject of the user, or the name that was typed where no identity store knows it. */
  async leave(subject: string, { mayChangeUsers, ...context }: LeaveContext): Promise<LeaveAnswer> {
    const { records, users, enrolling, passkeys, trusts, webSessions, ending } = this.#options
    const { actor, reason } = context
    const user = usernameOf(subject)
    const open = await records.sessions.list({ user, open: true, limit: MAX_SESSIONS })
    const unreached: Unreached[] = []
    const steps = {
      lock: await outcomeOf(() => this.#lock(user, actor, reason)),
      disable: await outcomeOf(async () => {
        const found = await records.users.find(subject)
        if (found === undefined) return 'not_here'
        if (!found.enabled) return 'nothing'
        if (!mayChangeUsers) return 'forbidden'
        await users.change(subject, { enabled: false }, context)
        return 'done'
      }),
      authenticator: await outcomeOf(async () => {
        await records.invitations.revoke(subject)
        const removed = await passkeys.removeAllOf(subject, context)
        return (await enrolling.revoke(subject, context)) || removed > 0 ? 'done' : 'nothing'
      }),
      trusts: await outcomeOf(async () =>
        (await trusts.revokeAllOf(subject, context)) > 0 ? 'done' : 'nothing',
      ),
      sign_out: await outcomeOf(async () => {
        await webSessions.deleteAllOf(user)
        return 'done'
      }),
      sessions: await outcomeOf(async () => {
        const answer = await ending.end({ user }, { actor, reason })
        if (answer.kind === 'ordered') unreached.push(...answer.unreached)
        return open.length > 0 || answer.kind === 'ordered' ? 'done' : 'nothing'
      }),
    }
    return { steps, sessions: open.length, unreached }
  }

  async #lock(user: string, actor: string, reason: string): Promise<StepOutcome> {
    const { records, lockouts, clock } = this.#options
    const standing = { state: 'in_force', at: clock.now() } as const
    const known = await records.lockouts.list({ user, scope: 'user', standing, limit: MAX_LOCKOUTS })
    if (known.some(({ cause, until }) => cause === 'by_hand' && until === undefined)) return 'nothing'
    await lockouts.lock({ scope: 'user', user }, actor, reason)
    return 'done'
  }
}

const MAX_SESSIONS = 1000
const MAX_LOCKOUTS = 100

async function outcomeOf(step: () => Promise<StepOutcome>): Promise<StepOutcome> {
  try {
    return await step()
  } catch (error) {
    if (error instanceof Unavailable) return 'failed'
    throw error
  }
}
