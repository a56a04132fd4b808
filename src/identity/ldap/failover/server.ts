import type { Clock } from '../../../domain/clock.ts'
import type { Log } from '../../../domain/log.ts'
import type { Deadlines } from '../../../pacing/deadlines.ts'
import type { DirectorySettings } from '../settings.ts'
import type { Connection } from '../wire/connection.ts'
import { ConnectionLost } from '../wire/connection-lost.ts'
import { type OpenOptions, openConnection, type Target } from '../wire/open-connection.ts'
import { PresenceFilter } from '../wire/requests.ts'
import type { Result } from '../wire/response-reader.ts'
import { Code, resultWords } from '../wire/result-codes.ts'
import type { TlsFiles } from '../wire/tls-files.ts'
import { ConnectionPool, type PoolOptions } from './connection-pool.ts'

export interface ServerOptions {
  /** As written in the configuration. */
  readonly url: string
  readonly target: Target
  readonly settings: DirectorySettings
  readonly files: TlsFiles
  readonly deadlines: Deadlines
  readonly clock: Clock
  readonly log: Log
}

/** After this many unanswered operations in a row the server is considered down. */
const SILENCES = 3
/** After a failed connection within these milliseconds a single unanswered operation is enough. */
const RECENT_MS = 2000
/** A server that has answered within these milliseconds is not considered down. */
const QUIET_MS = 250
/** Wait after the server has refused the broker's own password: more attempts could lock the account. */
const RETRY_REFUSED_MS = 5 * 60_000

interface Outage {
  readonly cause: string
  readonly isRefusal: boolean
  /** Monotonic milliseconds. */
  readonly since: number
}

/** One directory server: its connections, and whether it is up. */
export class Server {
  readonly url: string
  /** Bound as the broker itself, for searches. */
  readonly searches: ConnectionPool
  /** For users' passwords; such a connection is authenticated as the user who was bound last. */
  readonly binds: ConnectionPool
  readonly #options: ServerOptions
  readonly #opening: OpenOptions
  #outage: Outage | undefined
  #silences = 0
  #workedAt = Number.NEGATIVE_INFINITY
  #unreachableAt = Number.NEGATIVE_INFINITY
  #probe: NodeJS.Timeout | undefined

  constructor(options: ServerOptions) {
    const { url, target, settings, files, deadlines, clock } = options
    this.url = url
    this.#options = options
    this.#opening = { target, files, deadlines, clock, caFile: settings.tls.caFile }
    const { pools, deadlines: times } = settings
    const pool: Omit<PoolOptions, 'open' | 'most'> = {
      isCurrent: ({ edition }) => target.tls === 'none' || edition === files.current().edition,
      waiting: pools.logins,
      idleMs: pools.idleMs,
      oldMs: pools.oldMs,
      connectMs: times.connectMs,
      deadlines,
      clock,
    }
    this.searches = new ConnectionPool({
      ...pool,
      open: (at) => this.#noting(this.openBound(at)),
      most: pools.searches,
    })
    this.binds = new ConnectionPool({
      ...pool,
      open: (at) => this.#noting(openConnection(this.#opening, at)),
      most: pools.binds,
    })
  }

  get isUp(): boolean {
    return this.#outage === undefined
  }

  /** Why it is down. */
  get outage(): string | undefined {
    return this.#outage?.cause
  }

  /** @param bind as the broker itself, where it has a name. @throws ConnectionLost */
  async openBound(expiresAt: number): Promise<Connection> {
    const connection = await openConnection(this.#opening, expiresAt)
    const { service } = this.#options.settings
    const isSocket = this.#opening.target.path !== undefined
    if (service === undefined && !isSocket) return connection
    const bound =
      service === undefined
        ? connection.bindExternal(expiresAt)
        : connection.bind(service.dn, service.password.reveal(), expiresAt)
    const result = await bound.catch(asUnreachable)
    if (result.code === Code.success) return connection
    connection.close()
    throw new ConnectionLost('refused', refusalWords(service?.dn, result))
  }

  worked(): void {
    this.#silences = 0
    this.#workedAt = this.#options.clock.monotonic()
  }

  /** Judges the server by a lost connection. @param wasPatient whether the server had the full time of an operation. */
  failed(loss: ConnectionLost, wasPatient: boolean): void {
    const now = this.#options.clock.monotonic()
    // Open connections prove little: those to a server that hangs are open too.
    const isQuiet = now - this.#workedAt >= QUIET_MS || (!this.searches.isLive && !this.binds.isLive)
    if (loss.kind === 'refused') this.#goDown(loss)
    else if (loss.kind === 'unreachable') {
      this.#unreachableAt = now
      if (isQuiet) this.#goDown(loss)
    } else if (loss.kind === 'silent' && wasPatient) {
      this.#silences += 1
      const openFailed = now - this.#unreachableAt < RECENT_MS
      if (this.#silences >= SILENCES || (isQuiet && openFailed)) this.#goDown(loss)
    }
  }

  async #noting(opening: Promise<Connection>): Promise<Connection> {
    try {
      return await opening
    } catch (error) {
      if (error instanceof ConnectionLost) this.failed(error, false)
      throw error
    }
  }

  /** @throws ConnectionLost, without asking if the server has refused the broker's own password recently. */
  async examine<T>(expiresAt: number, look: (connection: Connection) => Promise<T>): Promise<T> {
    const outage = this.#outage
    const { clock, settings } = this.#options
    if (outage?.isRefusal && clock.monotonic() - outage.since < RETRY_REFUSED_MS)
      throw new ConnectionLost('refused', outage.cause)
    try {
      const connection = await this.openBound(
        Math.min(expiresAt, clock.monotonic() + settings.deadlines.connectMs),
      )
      try {
        const seen = await look(connection)
        this.#comeUp()
        return seen
      } finally {
        connection.close()
      }
    } catch (error) {
      if (error instanceof ConnectionLost) this.failed(error, false)
      throw error
    }
  }

  close(): void {
    clearTimeout(this.#probe)
    this.searches.close()
    this.binds.close()
  }

  #goDown(loss: ConnectionLost): void {
    const isNews = this.#outage === undefined
    const { clock, log, settings } = this.#options
    this.#outage = { cause: loss.message, isRefusal: loss.kind === 'refused', since: clock.monotonic() }
    this.searches.abandon(loss)
    this.binds.abandon(loss)
    if (isNews)
      log.warn('ldap.server_down', { identity: settings.name, server: this.url, cause: loss.message })
    this.#probeLater()
  }

  #comeUp(): void {
    clearTimeout(this.#probe)
    this.#silences = 0
    if (this.#outage === undefined) return
    this.#outage = undefined
    this.#options.log.info('ldap.server_up', { identity: this.#options.settings.name, server: this.url })
  }

  #probeLater(): void {
    clearTimeout(this.#probe)
    const after = this.#outage?.isRefusal ? RETRY_REFUSED_MS : this.#options.settings.deadlines.retryDownMs
    this.#probe = setTimeout(() => void this.#tryAgain(), after).unref()
  }

  /** Runs in the background, so that no login waits for a server that is still down. */
  async #tryAgain(): Promise<void> {
    const { clock, settings } = this.#options
    const expiresAt = clock.monotonic() + settings.deadlines.connectMs
    try {
      const connection = await this.openBound(expiresAt)
      // Without a bind the server has not answered yet, and a server that hangs accepts connections too.
      if (settings.service === undefined) await connection.search(ROOT_ENTRY, expiresAt)
      this.#comeUp()
      this.searches.add(connection)
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error
      this.#goDown(error)
    }
  }
}

/** The entry that describes the server itself (RFC 4512 §5.1). */
const ROOT_ENTRY = {
  base: '',
  scope: 'base',
  filter: new PresenceFilter({ attribute: 'objectClass' }),
  attributes: ['1.1'],
  sizeLimit: 1,
  timeLimit: 5,
} as const

function refusalWords(dn: string | undefined, result: Result): string {
  if (dn === undefined) return `it refuses this process by SASL EXTERNAL (${resultWords(result)})`
  if (result.code === Code.invalidCredentials)
    return `it does not know bind_dn ${dn} with this password (${resultWords(result)})`
  return `it refuses bind_dn ${dn} (${resultWords(result)})`
}

/** A connection on which the broker's own bind is not answered counts as one that could not be made. */
function asUnreachable(error: unknown): never {
  throw error instanceof ConnectionLost ? new ConnectionLost('unreachable', error.message) : error
}
