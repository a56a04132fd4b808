import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import { type CustomTypesConfig, Pool, type PoolClient, type PoolConfig, types } from 'pg'
import { Unavailable } from '../../domain/errors.ts'
import type { Secret } from '../../domain/secret.ts'
import { refuseNul } from '../nul.ts'
import { nameOfPrepared } from '../prepared.ts'
import { Hung, Lost, mapDriverError, StalePlan } from './errors.ts'

/** Where the database is. */
import { GuardedClient } from './guarded-client.ts'

export interface PostgresServer {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password?: Secret
  readonly database: string
  /** Absent: in clear. Otherwise the server's certificate must be valid for the host. */
  readonly tls?: {
    /** Certificates of the authorities to believe, in PEM; the system's where it is absent. */
    readonly authorities?: string
  }
}

export interface PoolOptions {
  readonly server: PostgresServer
  /** Connections at most. */
  readonly size: number
  /** Milliseconds for a connection, and then for each statement; absent: as long as statements take. */
  readonly statementMs?: number
  /** Milliseconds for a new connection, or for one that is in use. */
  readonly connectMs: number
}

/** The client times out later than the server, whose error on a slow statement says more. */
const GRACE_MS = 250
/** Calls that wait for a connection; more are refused at once. */
const MAX_WAITING = 2000
/** A network that forgets connections on which nothing happens must not make the next login wait. */
const KEEP_ALIVE_AFTER_MS = 10_000
const IDLE_TIMEOUT_MS = 5 * 60_000
/** Connections are replaced after this time, so that a host name is resolved again after a failover. */
const LIFE_S = 3600
const KEPT_IDLE = 2

/** Connections to PostgreSQL. No fault of a connection ends the process, and no call waits longer than it may. */
export class ConnectionPool implements PostgresPool {
  readonly #pool: Pool
  readonly #answerMs: number | undefined
  readonly #size: number

  constructor(options: PoolOptions) {
    const { statementMs } = options
    this.#pool = new Pool({ ...configOf(options), Client: GuardedClient })
    this.#size = options.size
    this.#answerMs = statementMs === undefined ? undefined : statementMs + GRACE_MS
    // A call that uses a connection sees its end as a failed statement; the end of an idle one does not matter.
    this.#pool.on('error', () => {})
    this.#pool.on('connect', (client) => void client.on('error', () => {}))
  }

  /** @throws Unavailable */
  async connect(): Promise<PostgresPoolClient> {
    if (this.#pool.waitingCount >= MAX_WAITING) {
      throw new Unavailable('storage', `${MAX_WAITING} calls are waiting for a connection already`)
    }
    try {
      return new Connection(await this.#pool.connect(), this.#answerMs)
    } catch (error) {
      throw this.#whyNotConnected(error)
    }
  }

  async end(): Promise<void> {
    await this.#pool.end()
  }

  #whyNotConnected(error: unknown): unknown {
    const said = error instanceof Error ? error.message : ''
    if (said.includes('timeout exceeded')) {
      return new Unavailable('storage', `all ${this.#size} connections to PostgreSQL are in use`, {
        cause: error,
      })
    }
    if (said.includes('timeout')) {
      return new Hung('storage', 'PostgreSQL: no connection was made in time', { cause: error })
    }
    return mapDriverError(error)
  }
}

class Connection implements PostgresPoolClient {
  readonly #client: PoolClient
  readonly #answerMs: number | undefined
  #isSpoilt = false

  constructor(client: PoolClient, answerMs: number | undefined) {
    this.#client = client
    this.#answerMs = answerMs
  }

  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>
  query<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>>
  query<R>(
    asked: PostgresCursor<R> | string,
    values: readonly unknown[] = [],
  ): PostgresCursor<R> | Promise<PostgresQueryResult<R>> {
    if (typeof asked !== 'string') throw new Error('rows are read as a whole')
    return this.#ask(asked, values)
  }

  release(): void {
    this.#client.release(this.#isSpoilt)
  }

  async #ask<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    // What the connection did ended with it, and the error that says so must not be lost behind another.
    if (this.#isSpoilt && text === 'rollback') return { command: 'SELECT', rowCount: 0, rows: [] }
    refuseNul(values)
    const name = nameOfPrepared(text)
    const query = { text, values: [...values], name }
    try {
      return (await this.#inTime(this.#client.query(query))) as unknown as PostgresQueryResult<R>
    } catch (error) {
      const meaning = mapDriverError(error)
      this.#isSpoilt ||= meaning instanceof Lost || meaning instanceof StalePlan
      throw meaning
    }
  }

  async #inTime<T>(answer: Promise<T>): Promise<T> {
    if (this.#answerMs === undefined) return answer
    let timer: NodeJS.Timeout | undefined
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Hung('storage', 'PostgreSQL does not answer')), this.#answerMs)
    })
    try {
      return await Promise.race([answer, tooLate])
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Whole numbers of 64 bits, which the records keep below 2^53, as numbers. */
const INT8 = types.builtins.INT8
const numbers: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : types.getTypeParser(oid, format ?? 'text')) as typeof types.getTypeParser,
}

function configOf({ server, size, statementMs, connectMs }: PoolOptions): PoolConfig {
  const { host, port, user, password, database, tls } = server
  return {
    host,
    port,
    user,
    database,
    password: password?.reveal(),
    // The certificate is checked against `host`; without it an address would be checked as "localhost".
    ssl: tls === undefined ? false : { host, ca: tls.authorities },
    application_name: 'ocbroker',
    types: numbers,
    max: size,
    min: Math.min(size, KEPT_IDLE),
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    maxLifetimeSeconds: LIFE_S,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    statement_timeout: statementMs,
    // Later than the server looks for deadlocks (1 s), which are tried again.
    lock_timeout: statementMs && Math.ceil(statementMs * 0.75),
    // A broker that stands still in the middle of a transaction must not hold the others up.
    idle_in_transaction_session_timeout: statementMs,
  }
}
