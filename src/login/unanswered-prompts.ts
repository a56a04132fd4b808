import type { AuditEvent } from '../domain/audit.ts'
import type { ChallengeStore, PendingChallenge } from '../domain/challenge.ts'
import { customerNetwork } from '../domain/network.ts'
import type { Runtime } from '../domain/runtime.ts'
import { Deadlines, type Timed } from '../pacing/deadlines.ts'
import type { RepeatedEvents } from './repeated-events.ts'

export interface UnansweredPromptsOptions extends Pick<Runtime, 'clock' | 'random' | 'log'> {
  readonly challenges: Pick<ChallengeStore, 'take'>
  readonly repeatedEvents: Pick<RepeatedEvents, 'tellAtEnd'>
}

const KIND = 'login.prompt_unanswered'
const CHECKED_EVERY_MS = 1000
/** A prompt ends so long before its State would, so that it is still there to be taken. */
const EARLY_MS = 500
/** Prompts that are watched at one time; each costs about 200 octets. */
const MAX_WATCHED = 50_000

/**
 * Tells of prompts for a code that nobody answers: the person who caused them knows the password and has no authenticator.
 * Which worker or broker got an answer does not matter: only a State that nobody took can still be taken at its end.
 */
export class UnansweredPrompts {
  readonly #options: UnansweredPromptsOptions
  readonly #deadlines: Deadlines
  readonly #watched = new Map<string, Timed>()

  constructor(options: UnansweredPromptsOptions) {
    this.#options = options
    this.#deadlines = new Deadlines({ clock: options.clock, intervalMs: CHECKED_EVERY_MS })
  }

  /** @param ttlMs milliseconds for which the State can be answered. */
  watch(state: string, ttlMs: number): void {
    if (this.#watched.size >= MAX_WATCHED) return
    const expiresAt = this.#options.clock.monotonic() + ttlMs - Math.min(EARLY_MS, ttlMs / 10)
    const timed = { expiresAt, expire: () => void this.#end(state) }
    this.#watched.set(state, timed)
    this.#deadlines.add(timed)
  }

  /** An answer came to this process; those that came to others show in the store. */
  answered(state: string): void {
    const timed = this.#watched.get(state)
    if (timed === undefined) return
    this.#watched.delete(state)
    this.#deadlines.remove(timed)
  }

  async #end(state: string): Promise<void> {
    this.#watched.delete(state)
    const { challenges, repeatedEvents, log } = this.#options
    try {
      const pending = await challenges.take(state)
      if (pending === undefined) return
      const { user, countsFor = user, address } = pending
      const key = JSON.stringify(['prompts', countsFor, address && customerNetwork(address)])
      await repeatedEvents.tellAtEnd(key, this.#eventOf(pending))
    } catch (error) {
      log.warn('audit.lost', { kind: KIND, error })
    }
  }

  #eventOf({
    user: typed,
    countsFor: user = typed,
    address,
    gateway,
    ...asked
  }: PendingChallenge): AuditEvent {
    const { random, clock } = this.#options
    const who = asked.upstream === undefined ? asked.person.source : asked.upstream.store
    const detail = `${who}: first factor right`
    return { id: random.id(), at: clock.now(), kind: KIND, user, address, gateway, detail }
  }
}
