import { createHmac } from 'node:crypto'
import type { Clock } from '../../domain/clock.ts'
import type { Randomness } from '../../domain/random.ts'
import type { Secret } from '../../domain/secret.ts'
import type { AccountFacts } from './active-directory.ts'

export interface ShieldOptions {
  /** Wrong passwords at which the directory locks an account; absent where it never does. */
  readonly threshold?: number
  /** For how long the directory counts a wrong password, in milliseconds. */
  readonly windowMs: number
  /** How long the directory keeps an account locked; 0 is until an administrator unlocks it. Absent: ask it. */
  readonly lockedMs?: number
  /** For how long the same wrong password is not sent again, in milliseconds. */
  readonly repeatMs: number
  readonly clock: Clock
  readonly random: Randomness
}

/** One user's entry and the password typed for it. */
export interface Guess {
  /** The same for every spelling of the user's name. */
  readonly entry: string
  readonly password: Secret
  readonly facts: AccountFacts
  /** When `facts` were asked for, in monotonic milliseconds: wrong passwords after that are not in them. */
  readonly factsAt: number
  /** Monotonic milliseconds. */
  readonly deadline: number
}

/** What came of sending it. `lost`: it was sent and no answer came, so it may have been counted. */
export interface Sent<T> {
  readonly kind: 'right' | 'wrong' | 'lost' | 'other'
  readonly value: T
}

export type Shielded<T> =
  | { readonly kind: 'sent'; readonly value: T }
  /** Known to be wrong, or the account to be locked, without asking. */
  | { readonly kind: 'spared'; readonly as: 'wrong' | 'barred'; readonly detail: string }
  | { readonly kind: 'too_late' }

interface Record {
  /** Monotonic times of the wrong passwords that were sent, oldest first. */
  wrongAt: number[]
  /** Keyed hashes of wrong passwords, with when each was sent. */
  readonly wrong: Map<string, number>
  stamp: string | undefined
  /** Ends when the last of those who wait for their turn is done. */
  turn: Promise<void>
  waiting: number
}

const MOST_USERS = 10_000
/** Wrong passwords that are remembered of one user. */
const MOST_PASSWORDS = 16
/** Guesses at one user's password that may wait for each other. */
const MOST_WAITING = 32
const KEY_OCTETS = 32

/**
 * Stops asking the directory about a user before the directory itself would lock the account, and does not send a
 * password again that it has just refused: a phone with an old password in it would lock its owner out of everything.
 * Guesses at one user are sent one after another, so that parallel ones cannot overtake the count.
 */
export class LockoutShield {
  readonly #options: ShieldOptions
  readonly #records = new Map<string, Record>()
  readonly #key: Buffer

  constructor(options: ShieldOptions) {
    this.#options = options
    this.#key = options.random.bytes(KEY_OCTETS)
  }

  async ask<T>(guess: Guess, send: () => Promise<Sent<T>>): Promise<Shielded<T>> {
    const record = this.#recordOf(guess.entry)
    if (record.waiting >= MOST_WAITING) return { kind: 'too_late' }
    const before = record.turn
    let done = () => {}
    record.turn = new Promise((resolve) => (done = resolve))
    record.waiting += 1
    try {
      await before
      if (this.#options.clock.monotonic() >= guess.deadline) return { kind: 'too_late' }
      return await this.#inTurn(guess, record, send)
    } finally {
      record.waiting -= 1
      done()
    }
  }

  async #inTurn<T>(guess: Guess, record: Record, send: () => Promise<Sent<T>>): Promise<Shielded<T>> {
    const { clock } = this.#options
    this.#forget(guess, record)
    const hash = this.#hash(guess)
    const spared = this.#spare(guess, record, hash)
    if (spared !== undefined) return spared
    const { kind, value } = await send()
    const now = clock.monotonic()
    if (kind === 'right') {
      record.wrongAt = []
      record.wrong.clear()
    } else if (kind !== 'other') {
      record.wrongAt.push(now)
      if (kind === 'wrong') remember(record, hash, now)
    }
    return { kind: 'sent', value }
  }

  #spare({ facts, factsAt }: Guess, record: Record, hash: string): Shielded<never> | undefined {
    const { threshold, lockedMs, clock } = this.#options
    if (record.wrong.has(hash))
      return spared('wrong', 'the same wrong password again; not sent to the directory')
    if (facts.lockedAt !== undefined && lockedMs !== undefined) {
      const isOver = lockedMs > 0 && facts.lockedAt + lockedMs <= clock.now()
      if (!isOver) return spared('barred', 'the account is locked in the directory; not asked')
    }
    if (threshold === undefined) return undefined
    const since = record.wrongAt.filter((at) => at >= factsAt).length
    const counted = Math.max(record.wrongAt.length, this.#countedBy(facts) + since)
    if (counted + 1 < threshold) return undefined
    const detail = `not asked: ${counted} wrong passwords are counted, and the directory locks at ${threshold}`
    return spared('barred', detail)
  }

  /** The directory's count, as far as it is not over. */
  #countedBy({ wrongPasswords = 0, lastWrongAt }: AccountFacts): number {
    const { windowMs, clock } = this.#options
    return lastWrongAt !== undefined && clock.now() - lastWrongAt >= windowMs ? 0 : wrongPasswords
  }

  /** What is over, and everything where the user has another password now. */
  #forget({ facts }: Guess, record: Record): void {
    const { windowMs, repeatMs, clock } = this.#options
    const now = clock.monotonic()
    const isChanged = facts.passwordStamp !== record.stamp && record.stamp !== undefined
    record.stamp = facts.passwordStamp ?? record.stamp
    record.wrongAt = isChanged ? [] : record.wrongAt.filter((at) => now - at < windowMs)
    for (const [hash, at] of record.wrong) if (isChanged || now - at >= repeatMs) record.wrong.delete(hash)
  }

  #recordOf(entry: string): Record {
    const known = this.#records.get(entry)
    const record = known ?? {
      wrongAt: [],
      wrong: new Map(),
      stamp: undefined,
      turn: Promise.resolve(),
      waiting: 0,
    }
    // Whoever was asked about last is forgotten last.
    this.#records.delete(entry)
    this.#records.set(entry, record)
    if (this.#records.size > MOST_USERS) this.#forgetOldest()
    return record
  }

  #forgetOldest(): void {
    for (const [entry, { waiting }] of this.#records) {
      if (waiting > 0) continue
      this.#records.delete(entry)
      return
    }
  }

  #hash({ entry, password }: Guess): string {
    return createHmac('sha256', this.#key)
      .update(entry)
      .update('\0')
      .update(password.bytes())
      .digest('base64')
  }
}

function spared(as: 'wrong' | 'barred', detail: string): Shielded<never> {
  return { kind: 'spared', as, detail }
}

function remember({ wrong }: Record, hash: string, now: number): void {
  wrong.set(hash, now)
  const [oldest] = wrong.keys()
  if (wrong.size > MOST_PASSWORDS && oldest !== undefined) wrong.delete(oldest)
}
