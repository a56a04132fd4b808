import type { AttemptLimits, DirectoryFull, DirectoryPermit } from '../domain/attempt-limits.ts'
import type { DirectoryAccount, DirectoryCause } from '../domain/directory-lockout.ts'
import type { EphemeralStore } from '../domain/ephemeral-store.ts'
import { Unavailable } from '../domain/errors.ts'
import type { Candidate } from '../domain/identity-provider.ts'
import type { KeyRing } from '../domain/key-ring.ts'
import { blocks } from '../domain/lockout.ts'
import { usernameOf } from '../domain/login-name.ts'
import type { LoginStore } from '../domain/login-records.ts'
import type {
  DirectoryLockPolicy,
  GuardedPassword,
  PasswordGuard,
  Sent,
  Withheld,
} from '../domain/password-guard.ts'
import type { Runtime } from '../domain/runtime.ts'
import { ConcurrencyLimit } from '../pacing/concurrency-limit.ts'
import type { Login } from './login.ts'

/** Keyed hashes of one account's wrong passwords, with the time when each was sent in wall milliseconds. */
export type WrongPasswords = Readonly<Record<string, number>>

export interface DirectoryGuardOptions extends Pick<Runtime, 'clock' | 'log'> {
  readonly limits: Pick<AttemptLimits, 'takeDirectory'>
  readonly records: Pick<LoginStore, 'viewDirectory' | 'lockDirectory' | 'endDirectory'>
  readonly wrongPasswords: EphemeralStore<WrongPasswords>
  readonly keys: KeyRing
}

/** An account on its way through the guard. */
interface Guarded {
  readonly login: Pick<Login, 'attempt' | 'account' | 'isExempt'>
  readonly account: DirectoryAccount
  readonly guess: GuardedPassword
  readonly isKnown: boolean
  /** As `DirectoryView.releasedAt`. */
  readonly releasedAt?: number
  /** Whether a lockout of everybody is in force, which the directory's own count has overtaken. */
  readonly isFull?: boolean
}

/** How long the same wrong password is not sent again, in milliseconds. */
const REPEAT_MS = 5 * 60_000
/** Wrong passwords that are remembered for one account. */
const MAX_PASSWORDS = 16
const MAX_ACCOUNTS = 10_000
/** Guesses at one account that may wait for each other. */
const MAX_WAITING = 31
/** Between two looks whether passwords that other processes have sent are answered. */
const LOOK_EVERY_MS = 20

/**
 * Keeps the broker from bringing a directory's own lockout about: it stops sending an account's passwords before the
 * directory would lock it, keeps the last tries for known addresses, and does not send a password again that was just
 * refused. Every stop is a lockout record that people see and can release.
 */
export class DirectoryGuard {
  readonly #options: DirectoryGuardOptions
  readonly #keys: KeyRing
  /** One guess at a time at each account: parallel ones with one wrong password are sent once. */
  readonly #turns = new Map<string, ConcurrencyLimit>()

  constructor(options: DirectoryGuardOptions) {
    this.#options = options
    this.#keys = options.keys.derive('wrong passwords')
  }

  /** The guard of one login at one identity provider. */
  for(login: Guarded['login'], { store, subject }: Pick<Candidate, 'store' | 'subject'>): PasswordGuard {
    return {
      // The store may have told meanwhile whose account it is.
      ask: (guess, send) => this.#ask(login, login.account ?? { source: store.name, subject }, guess, send),
    }
  }

  async #ask<T>(
    login: Guarded['login'],
    { source, subject }: DirectoryAccount,
    guess: GuardedPassword,
    send: () => Promise<Sent<T>>,
  ): Promise<T | Withheld> {
    const viewed = await this.#view({ login, account: { source, subject }, guess, isKnown: false })
    if ('reason' in viewed) return viewed
    const patienceMs = guess.deadline - this.#options.clock.monotonic()
    const tooLate = () => {
      throw new Unavailable(`identity ${source}`, 'too many logins of one user at once')
    }
    return this.#turnOf(viewed).run(() => this.#sendUnlessWithheld(viewed, send), tooLate, { patienceMs })
  }

  /** What the records say of the account. */
  async #view(guarded: Guarded): Promise<Guarded | Withheld> {
    const { account, login, guess } = guarded
    const { records, clock } = this.#options
    const { lock: policy } = guess
    if (policy === undefined) return guarded
    const { address } = login.attempt
    const now = clock.now()
    const { locks, knownAddress, releasedAt } = await records.viewDirectory({
      ...account,
      address,
      now,
      since: now - policy.windowMs,
    })
    // A network in which failures lock nobody is as good as a known address.
    const isKnown = knownAddress || login.isExempt
    // The directory's own count may have ended early: it decides, where it is known.
    const barring = locks.find(
      (lock) =>
        blocks(lock, { isKnown, isExempt: false }) &&
        (lock.cause === 'directory' || policy.counted === undefined),
    )
    if (barring !== undefined) return locked(barring, isKnown, now)
    const isFull = locks.some(({ cause }) => cause === 'directory_full')
    return { ...guarded, isKnown, releasedAt, isFull }
  }

  async #sendUnlessWithheld<T>(guarded: Guarded, send: () => Promise<Sent<T>>): Promise<T | Withheld> {
    const wrong = await this.#wrongOf(guarded)
    const hash = this.#hash(guarded)
    if (hash in wrong)
      return {
        kind: 'withheld',
        reason: 'bad_credentials',
        detail: 'the same wrong password again; not sent to the directory',
      }
    const permit = await this.#take(guarded)
    if (permit?.kind === 'withheld') return permit
    const { kind, value } = await send()
    if (kind === 'right') {
      await permit?.right()
      await this.#forget(guarded, wrong)
    } else if (kind === 'other') await permit?.refund()
    else {
      for (const cause of (await permit?.wrong()) ?? []) await this.#lock(guarded, cause)
      if (kind === 'wrong') await this.#remember(guarded, { ...wrong, [hash]: this.#options.clock.now() })
    }
    return value
  }

  /** Waits where only passwords without an answer yet are in the way. */
  async #take(guarded: Guarded): Promise<DirectoryPermit | Withheld | undefined> {
    const { guess, account, isKnown, releasedAt } = guarded
    const { limits, clock } = this.#options
    const { lock: policy } = guess
    if (policy === undefined) return undefined
    const { windowMs } = policy
    let { counted } = policy
    for (;;) {
      const now = clock.monotonic()
      if (now >= guess.deadline)
        throw new Unavailable(`identity ${account.source}`, 'too many logins of one user at once')
      const answer = await limits.takeDirectory({
        ...account,
        ...triesOf(policy),
        generation: `${guess.stamp ?? ''} ${releasedAt ?? ''}`,
        withinMs: windowMs,
        isKnown,
        isReleased: releasedAt !== undefined,
        others: counted && { counted: counted.wrong, agoMs: Math.ceil(now - counted.at) },
      })
      if (answer.kind === 'permit') return answer
      // It cannot be told whether the directory's count holds what others have sent since.
      if (answer.isOutdated && policy.recount !== undefined) {
        counted = await policy.recount()
        continue
      }
      if (!answer.isBusy) return this.#full(guarded, answer)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  async #full(guarded: Guarded, { cause, failed }: DirectoryFull): Promise<Withheld> {
    const lock = await this.#lock(guarded, cause, failed)
    const detail = `not asked: ${reasonOf(guarded, cause, failed)}`
    return lock === undefined
      ? { kind: 'withheld', reason: 'locked', detail }
      : locked(lock, guarded.isKnown, this.#options.clock.now())
  }

  /** Without the records the bar holds all the same, and is recorded by the next login. */
  async #lock(guarded: Guarded, cause: DirectoryCause, failed?: number) {
    const { account, login, guess } = guarded
    const { records, clock, log } = this.#options
    const { gateway, address } = login.attempt
    const since = clock.now()
    try {
      return await records.lockDirectory({
        ...account,
        cause,
        user: usernameOf(account.subject),
        address,
        gateway,
        reason: reasonOf(guarded, cause, failed),
        since,
        until: since + (guess.lock?.windowMs ?? 0),
      })
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      log.warn('directory_lockout.not_recorded', { ...account, error })
      return undefined
    }
  }

  #turnOf({ account, isKnown }: Guarded): ConcurrencyLimit {
    // A known address does not wait behind strangers.
    const key = JSON.stringify([account.source, account.subject, isKnown])
    const { clock } = this.#options
    const turn =
      this.#turns.get(key) ??
      new ConcurrencyLimit({ parallel: 1, waiting: MAX_WAITING, shed: 'newest', clock })
    // The account that was asked about last moves to the end.
    this.#turns.delete(key)
    this.#turns.set(key, turn)
    if (this.#turns.size > MAX_ACCOUNTS)
      for (const [oldest, { isIdle }] of this.#turns) {
        if (!isIdle) continue
        this.#turns.delete(oldest)
        break
      }
    return turn
  }

  /** None where they cannot be read: then a wrong password may be sent again, and counts. */
  async #wrongOf(guarded: Guarded): Promise<WrongPasswords> {
    const now = this.#options.clock.now()
    const known = (await this.#orNone(this.#options.wrongPasswords.get(placeOf(guarded)))) ?? {}
    return Object.fromEntries(Object.entries(known).filter(([, at]) => now - at < REPEAT_MS))
  }

  async #remember(guarded: Guarded, wrong: WrongPasswords): Promise<void> {
    const newest = Object.fromEntries(Object.entries(wrong).slice(-MAX_PASSWORDS))
    await this.#orNone(this.#options.wrongPasswords.put(placeOf(guarded), newest, REPEAT_MS))
  }

  /** The password is right, so the directory has restarted its count. */
  async #forget(guarded: Guarded, wrong: WrongPasswords): Promise<void> {
    const { wrongPasswords, records, clock } = this.#options
    if (Object.keys(wrong).length > 0) await this.#orNone(wrongPasswords.delete(placeOf(guarded)))
    if (guarded.isFull) await this.#orNone(records.endDirectory(guarded.account, clock.now()))
  }

  async #orNone<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work
    } catch (error) {
      if (error instanceof Unavailable) return undefined
      throw error
    }
  }

  #hash({ account: { source, subject }, guess: { password } }: Guarded): string {
    return this.#keys.sign(JSON.stringify([source, subject, password.reveal()]))
  }
}

/** With another password stamp nothing is known to be wrong. */
function placeOf({ account: { source, subject }, guess: { stamp } }: Guarded): string {
  return JSON.stringify([source, subject, stamp])
}

/** The directory locks at the threshold, so one less may be wrong; half of these are for known addresses alone. */
function triesOf({ threshold }: Pick<DirectoryLockPolicy, 'threshold'>) {
  const most = threshold - 1
  return { most, share: Math.ceil(most / 2) }
}

function reasonOf({ account, guess }: Guarded, cause: DirectoryCause, failed?: number): string {
  const { threshold = 0 } = guess.lock ?? {}
  const { most, share } = triesOf({ threshold })
  const counted = failed ?? (cause === 'directory' ? share : most)
  const what =
    cause === 'directory' ? 'the last tries are kept for known addresses' : 'no more are sent there'
  return `${counted} wrong passwords are counted, and ${account.source} locks the account at ${threshold}: ${what}`
}

function locked(
  { id, cause, until, since }: { id: string; cause: string; until?: number; since: number },
  isKnown: boolean,
  now: number,
): Withheld {
  const detail = `user (${cause}, ${id})`
  const retryAfterMs = Math.max(0, (until ?? since) - now)
  return { kind: 'withheld', reason: 'locked', detail, retryAfterMs, ...(isKnown && { isTold: true }) }
}
