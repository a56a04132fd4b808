import type { Clock } from '../../../domain/clock.ts'
import type { Deadlines, Timed } from '../../../pacing/deadlines.ts'
import type { Connection } from '../wire/connection.ts'
import { ConnectionLost } from '../wire/connection-lost.ts'

export interface PoolOptions {
  /** @throws ConnectionLost */
  readonly open: (expiresAt: number) => Promise<Connection>
  /** Whether a connection that is whole may be used again. */
  readonly isCurrent: (connection: Connection) => boolean
  /** Connections at the same time. */
  readonly most: number
  /** Callers that may wait for one; one more is refused at once. */
  readonly waiting: number
  /** Milliseconds without use after which a connection is closed, before a server or a firewall forgets it. */
  readonly idleMs: number
  /** Milliseconds after which even a busy connection is closed, so that a changed DNS entry is noticed. */
  readonly oldMs: number
  /** Milliseconds in which a connection must be ready. */
  readonly connectMs: number
  readonly deadlines: Deadlines
  readonly clock: Clock
}

interface Waiting extends Timed {
  resolve(connection: Connection): void
  reject(error: ConnectionLost): void
}

const SWEEP_EVERY_MS = 5_000
/** Pause in opening after a connection could not be made while others are up. */
const PAUSE_MS = 1_000

/** Connections to one server for one purpose, each lent to one user of it at a time. */
export class ConnectionPool {
  readonly #options: PoolOptions
  /** With the start of its idle time; the connection that was used last is lent first. */
  readonly #idle: { readonly connection: Connection; readonly since: number }[] = []
  readonly #all = new Set<Connection>()
  readonly #waiting: Waiting[] = []
  readonly #sweeper: NodeJS.Timeout
  #opening = 0
  #resting = 0
  #pausedUntil = Number.NEGATIVE_INFINITY
  #isClosed = false

  constructor(options: PoolOptions) {
    this.#options = options
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_EVERY_MS).unref()
  }

  /** Whether any connection is up. */
  get isLive(): boolean {
    return this.#all.size > 0
  }

  /** @param expiresAt monotonic milliseconds. @throws ConnectionLost */
  take(expiresAt: number): Promise<Connection> {
    const idle = this.#takeIdle()
    if (idle !== undefined) return Promise.resolve(idle)
    if (this.#isClosed) return Promise.reject(new ConnectionLost('closed', 'the broker is stopping'))
    if (this.#waiting.length >= this.#options.waiting) {
      const cause = `${this.#waiting.length} logins wait for a connection already`
      return Promise.reject(new ConnectionLost('busy', cause))
    }
    return new Promise((resolve, reject) => {
      const expire = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        reject(new ConnectionLost('busy', 'no connection became free in time'))
      }
      const waiting: Waiting = { expiresAt, expire, resolve, reject }
      this.#waiting.push(waiting)
      this.#options.deadlines.add(waiting)
      this.#openMore()
    })
  }

  /** Takes in a new connection. One that is lost is forgotten. */
  add(connection: Connection): void {
    this.#adopt(connection)
    this.#lend(connection)
  }

  /**
   * Takes back a connection. It rests for two turns of the event loop: if the server closed it right after its answer,
   * that is read in the next turn, and the next user's password must not go to a closed connection.
   */
  give(connection: Connection): void {
    this.#resting += 1
    setImmediate(() =>
      setImmediate(() => {
        this.#resting -= 1
        this.#lend(connection)
        if (connection.isLost) this.#openMore()
      }),
    )
  }

  #lend(connection: Connection): void {
    if (connection.isLost) return
    const { clock, oldMs, isCurrent } = this.#options
    const now = clock.monotonic()
    if (this.#isClosed || now - connection.openedAt >= oldMs || !isCurrent(connection)) {
      this.#all.delete(connection)
      connection.close()
      this.#openMore()
      return
    }
    const next = this.#nextWaiting()
    if (next === undefined) this.#idle.push({ connection, since: now })
    else next.resolve(connection)
  }

  /** For a server that is down: closes idle connections and rejects all who wait. */
  abandon(loss: ConnectionLost): void {
    this.#rejectWaiting(loss)
    for (const { connection } of this.#idle.splice(0)) {
      this.#all.delete(connection)
      connection.close()
    }
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#sweeper)
    this.abandon(new ConnectionLost('closed', 'the broker is stopping'))
  }

  #takeIdle(): Connection | undefined {
    for (;;) {
      const last = this.#idle.pop()
      if (last === undefined) return undefined
      if (this.#options.isCurrent(last.connection)) return last.connection
      this.#all.delete(last.connection)
      last.connection.close()
    }
  }

  #openMore(): void {
    const { most, connectMs, clock } = this.#options
    const now = clock.monotonic()
    while (
      this.#opening < this.#waiting.length - this.#resting &&
      this.#all.size + this.#opening < most &&
      now >= this.#pausedUntil &&
      !this.#isClosed
    ) {
      this.#opening += 1
      void this.#open(now + connectMs)
    }
  }

  async #open(expiresAt: number): Promise<void> {
    try {
      const connection = await this.#options.open(expiresAt)
      this.#opening -= 1
      this.add(connection)
    } catch (error) {
      this.#opening -= 1
      const loss = error instanceof ConnectionLost ? error : new ConnectionLost('unreachable', String(error))
      // While other connections are up, those who wait may still get one of them.
      if (this.isLive) this.#pausedUntil = this.#options.clock.monotonic() + PAUSE_MS
      else this.#rejectWaiting(loss)
    }
  }

  #adopt(connection: Connection): void {
    if (connection.isLost) return
    this.#all.add(connection)
    connection.onLost = () => {
      this.#all.delete(connection)
      const at = this.#idle.findIndex((idle) => idle.connection === connection)
      if (at >= 0) this.#idle.splice(at, 1)
      if (!this.isLive) this.#pausedUntil = Number.NEGATIVE_INFINITY
      this.#openMore()
    }
  }

  #nextWaiting(): Waiting | undefined {
    const next = this.#waiting.shift()
    if (next !== undefined) this.#options.deadlines.remove(next)
    return next
  }

  #rejectWaiting(loss: ConnectionLost): void {
    for (let next = this.#nextWaiting(); next !== undefined; next = this.#nextWaiting()) next.reject(loss)
  }

  #sweep(): void {
    const { clock, idleMs } = this.#options
    const since = clock.monotonic() - idleMs
    while (this.#idle[0] !== undefined && this.#idle[0].since <= since) {
      const connection = this.#idle.shift()?.connection
      if (connection === undefined) return
      this.#all.delete(connection)
      connection.close()
    }
  }
}
