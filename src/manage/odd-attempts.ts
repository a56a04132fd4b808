import type { AttemptStore } from '../domain/attempt-tally.ts'
import type { AuditStore } from '../domain/audit.ts'
import { usernameOf } from '../domain/login-name.ts'
import { type AuditContext, type RecordAuditOptions, recordAudit } from './audit-context.ts'

export interface OddAttemptsOptions extends RecordAuditOptions {
  readonly audit: Pick<AuditStore, 'append' | 'list'>
  readonly attempts: Pick<AttemptStore, 'tally'>
}

/** Refused sign-ins from an address from which the user has not been let in. */
export interface OddPlace {
  readonly address: string
  readonly refused: number
  /** Of the last one, in wall milliseconds. */
  readonly last: number
}

const LOOK_BACK_MS = 7 * 24 * 3_600_000
/** Fewer are mistyped passwords. */
const MANY = 3
const MAX_PLACES = 3
/** Addresses that are looked at, those with the most attempts first. */
const MAX_LOOKED_AT = 50
const ANSWERS = ['attempts.owned', 'attempts.disowned'] as const
const MAX_ANSWERS = 200

/** Asks users about refused sign-ins that may not be theirs, and tells the desk what they answer. */
export class OddAttempts {
  readonly #options: OddAttemptsOptions

  constructor(options: OddAttemptsOptions) {
    this.#options = options
  }

  /** What the user has not been asked yet. @throws Unavailable */
  async of(subject: string): Promise<readonly OddPlace[]> {
    const { audit, attempts, clock } = this.#options
    const user = usernameOf(subject)
    const now = clock.now()
    const span = { by: 'address', user, since: now - LOOK_BACK_MS, before: now + 1 } as const
    const [all, answers] = await Promise.all([
      attempts.tally({ ...span, limit: MAX_LOOKED_AT }),
      audit.list({ user, kinds: ANSWERS, since: span.since, limit: MAX_ANSWERS }),
    ])
    const strange = all.filter(({ accepted }) => accepted === 0)
    const unasked = strange.map(async (tally) => {
      const answer = answers.find(({ address }) => address === tally.key)
      if (answer === undefined) return tally
      if (tally.last <= answer.at) return undefined
      const since = answer.at + 1
      const [later] = await attempts.tally({ ...span, since, address: tally.key, limit: 1 })
      return later
    })
    return (await Promise.all(unasked))
      .filter((tally) => tally !== undefined)
      .map(({ key, refused, locked, last }) => ({ address: key, refused: refused + locked, last }))
      .filter(({ refused }) => refused >= MANY)
      .slice(0, MAX_PLACES)
  }

  /**
   * Writes the user's answer into the audit trail. Only what was asked can be answered, and once: an event each.
   * @param isOwn whether the user tried to sign in there. @returns false where nothing was asked of this address.
   */
  async answer(subject: string, address: string, isOwn: boolean, context: AuditContext): Promise<boolean> {
    const asked = (await this.of(subject)).find((place) => place.address === address)
    if (asked === undefined) return false
    const kind = isOwn ? 'attempts.owned' : 'attempts.disowned'
    const detail = `${asked.refused} refused sign-ins`
    // The address that it is about: the desk finds it there.
    await recordAudit({ ...context, address }, { kind, user: subject, detail }, this.#options)
    return true
  }
}
