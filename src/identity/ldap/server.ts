import type { Clock } from '../../domain/clock.ts'
import type { Deadlines } from '../../domain/deadlines.ts'
import type { Log } from '../../domain/log.ts'
import type { Connection, Result } from './connection.ts'
import { ConnectionLost } from './connection-lost.ts'
import { ConnectionPool, type PoolOptions } from './connection-pool.ts'
import { NOBODY } from './job.ts'
import { PresenceFilter } from './ldapjs-coding.ts'
import { type OpenOptions, openConnection, type Target } from './open-connection.ts'
import { Code, resultWords } from './result-codes.ts'
import type { DirectorySettings } from './settings.ts'
import type { TlsFiles } from './tls-files.ts'

export interface ServerOptions {
  /** As it stands in the configuration. */
  readonly url: string
  readonly target: Target
  readonly settings: DirectorySettings
  readonly files: TlsFiles
  readonly deadlines: Deadlines
  readonly clock: Clock
  readonly log: Log
}

/** Answers that did not come, one after another, from which it is concluded that the server hangs. */
const SILENCES = 3
/** A connection that could not be made in the last so many milliseconds makes one silence enough. */
const RECENT_MS = 2000
/** A server on which something has worked within so many milliseconds is not down, whatever else fails. */
const QUIET_MS = 250
/** After the server has refused the broker's own password: asked more often, it would lock the account. */
const RETRY_REFUSED_MS = 5 * 60_000

interface Outage {
  readonly cause: string
  readonly isRefusal: boolean
  /** Monotonic milliseconds. */
  readonly since: number
}

/** One directory server: its connections, and whether it is of use at the moment. */
export class Server {
  readonly url: string
  /** Bound as the broker itself, for searches. */
  readonly searches: ConnectionPool
  /** For users' passwords: whoever was bound last is who the connection is. */
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
    const { caFile } = settings.tls
    this.#opening = { target, files, deadlines, clock, ...(caFile !== undefined && { caFile }) }
    const { pools, deadlines: times } = settings
    const pool: Omit<PoolOptions, 'open' | 'most'> = {
      isCurrent: ({ edition }) => target.tls === 'none' || edition === files.current().edition,
      waiting: pools.waiting,
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

  /** Why it is not asked. */
  get outage(): string | undefined {
    return this.#outage?.cause
  }

  /** @param bind as the broker itself, where it has a name. @throws ConnectionLost */
  async openBound(expiresAt: number): Promise<Connection> {
    const connection = await openConnection(this.#opening, expiresAt)
    const { service } = this.#options.settings
    if (service === undefined) return connection
    const result = await connection.bind(service.dn, service.password, NOBODY, expiresAt).catch(asUnreachable)
    if (result.code === Code.success) return connection
    connection.close()
    throw new ConnectionLost('refused', refusalWords(service.dn, result))
  }

  worked(): void {
    this.#silences = 0
    this.#workedAt = this.#options.clock.monotonic()
  }

  /** Draws conclusions from a loss. @param wasPatient whether the server had all the time that an operation gets. */
  failed(loss: ConnectionLost, wasPatient: boolean): void {
    const now = this.#options.clock.monotonic()
    // Connections that are up say little: those to a server that hangs are up too.
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

  /** @throws ConnectionLost, without asking where the server has refused the broker itself a moment ago. */
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

  /** Beside the logins, so that none of them pays for a server that is still away. */
  async #tryAgain(): Promise<void> {
    const { clock, settings } = this.#options
    const expiresAt = clock.monotonic() + settings.deadlines.connectMs
    try {
      const connection = await this.openBound(expiresAt)
      // Without a bind nothing has been answered yet: a server that hangs takes connections too.
      if (settings.service === undefined) await connection.search(ROOT_ENTRY, NOBODY, expiresAt)
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

function refusalWords(dn: string, result: Result): string {
  if (result.code === Code.invalidCredentials)
    return `it does not know bind_dn ${dn} with this password (${resultWords(result)})`
  return `it refuses bind_dn ${dn} (${resultWords(result)})`
}

/** A connection on which not even the broker's own bind is answered never came about. */
function asUnreachable(error: unknown): never {
  throw error instanceof ConnectionLost ? new ConnectionLost('unreachable', error.message) : error
}
