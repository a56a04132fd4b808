import type { Clock } from '../../domain/clock.ts'
import { Unavailable } from '../../domain/errors.ts'
import type { LoginStore } from '../../domain/login-records.ts'
import type { UsageStore } from '../../domain/usage.ts'
import type { UserStore } from '../../domain/user.ts'
import { viewDirectory } from '../directory-lockouts.ts'
import { viewLogin } from '../login.ts'
import { spent } from '../usage.ts'
import { findLocalUser } from '../user-changes.ts'
import { type OpenDatabase, openForReading } from './database.ts'

/** Reads that take longer waited for the disk: their pages were not in memory. A busy processor alone takes less. */
const SLOW_MS = 25
/** How long reads go to the thread that may wait, after some that were slow or failed here. */
const AVOID_MS = 1000

/** The reads that every login makes. */
export interface LoginReads {
  readonly users: Pick<UserStore, 'find'>
  readonly login: Pick<LoginStore, 'view' | 'viewDirectory'>
  readonly usage: Pick<UsageStore, 'spent'>
}

/**
 * Makes the reads of a login in the thread that asks, through a connection of its own: the way to another thread and
 * back costs more processor time than the reads. All that were asked for in one turn of the event loop share one
 * transaction, so that SQLite looks once for what others have written. Pages that logins need are in memory nearly
 * always. Reads that wait for the disk hold this thread up once; those of the next second go to the other thread.
 */
export class DirectReads implements LoginReads {
  readonly #open: OpenDatabase
  readonly #clock: Clock
  readonly users: LoginReads['users']
  readonly login: LoginReads['login']
  readonly usage: LoginReads['usage']
  #waiting: (() => void)[] = []
  #avoidUntil = 0

  /** @param other makes the same reads in a thread that may wait. */
  constructor(path: string, other: LoginReads, clock: Clock) {
    // No waiting here, not even for a lock.
    this.#open = openForReading({ path, readOnly: true, busyMs: 0 })
    this.#clock = clock
    const { db } = this.#open
    this.users = {
      find: (name) =>
        this.#read(
          () => findLocalUser(db, name),
          () => other.users.find(name),
        ),
    }
    this.login = {
      view: (query) =>
        this.#read(
          () => viewLogin(db, query),
          () => other.login.view(query),
        ),
      viewDirectory: (query) =>
        this.#read(
          () => viewDirectory(db, query),
          () => other.login.viewDirectory(query),
        ),
    }
    this.usage = {
      spent: (whose, from) =>
        this.#read(
          () => spent(db, whose, from),
          () => other.usage.spent(whose, from),
        ),
    }
  }

  close(): void {
    this.#avoidUntil = Number.POSITIVE_INFINITY
    if (this.#open.database.isOpen) this.#open.database.close()
  }

  #read<Value>(here: () => Promise<Value>, there: () => Promise<Value>): Promise<Value> {
    if (this.#clock.monotonic() < this.#avoidUntil) return there()
    return new Promise((resolve) => {
      const read = () => {
        // The statements run before this returns a promise.
        const value = here()
        resolve(value.catch((error: unknown) => this.#afterFailure(error, there)))
      }
      if (this.#waiting.push(read) === 1) setImmediate(() => this.#flush())
    })
  }

  #flush(): void {
    const reads = this.#waiting
    this.#waiting = []
    const startedAt = this.#clock.monotonic()
    this.#run('begin')
    for (const read of reads) read()
    this.#end('commit')
    // A transaction that stayed open would show every later login the records of this moment.
    this.#end('rollback')
    if (this.#isWithin) this.#avoidUntil = Number.POSITIVE_INFINITY
    if (this.#clock.monotonic() - startedAt > SLOW_MS) this.#avoid()
  }

  get #isWithin(): boolean {
    return this.#open.database.isOpen && this.#open.database.isTransaction
  }

  #end(statement: 'commit' | 'rollback'): void {
    if (this.#isWithin) this.#run(statement)
  }

  /** Where a file is damaged even these fail, and so does each read, which the other thread then answers. */
  #run(statement: 'begin' | 'commit' | 'rollback'): void {
    try {
      this.#open.database.exec(statement)
    } catch {
      this.#avoid()
    }
  }

  #avoid(): void {
    this.#avoidUntil = Math.max(this.#avoidUntil, this.#clock.monotonic() + AVOID_MS)
  }

  #afterFailure<Value>(error: unknown, there: () => Promise<Value>): Promise<Value> {
    // The other thread says best that the store was closed.
    if (!(error instanceof Unavailable) && this.#open.database.isOpen) throw error
    this.#avoid()
    return there()
  }
}
