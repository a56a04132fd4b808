import { type RedisOptions as ClientOptions, Cluster, Redis } from 'ioredis'
import { messageOf, Unavailable } from '../domain/errors.ts'
import type { Log } from '../domain/log.ts'
import type { Secret } from '../domain/secret.ts'

interface RedisServer {
  readonly host: string
  readonly port: number
}

/** One server; a master that Sentinels know by its name; or a Cluster, found through some of its nodes. */
type RedisServers =
  | {
      readonly kind: 'single'
      /** Or the path of a Unix socket. */
      readonly server: RedisServer | { readonly path: string }
      readonly database: number
    }
  | {
      readonly kind: 'sentinel'
      readonly name: string
      readonly sentinels: readonly RedisServer[]
      /** The Sentinels' own password, if they demand one. */
      readonly sentinelPassword?: Secret
      readonly database: number
    }
  | { readonly kind: 'cluster'; readonly nodes: readonly RedisServer[] }

export interface RedisOptions {
  readonly servers: RedisServers
  /** An ACL user; without it the password is the default user's. */
  readonly username?: string
  readonly password?: Secret
  readonly tls?: {
    /** Trusted CA certificates in PEM; absent: the system's. */
    readonly authorities?: string
    /** The name in the servers' certificates, if it is not the host. */
    readonly serverName?: string
  }
  /** Begins every key; without braces, which mark hash tags. */
  readonly prefix: string
  /** Milliseconds after which a command without an answer is an outage (200). */
  readonly commandMs?: number
}

export interface RedisConnection {
  readonly client: Redis | Cluster
  key(...parts: readonly string[]): string
  /** Awaits the answer to a command. @throws Unavailable for every error of Redis; NotAsked without a connection. */
  ask<T>(answer: Promise<T>): Promise<T>
  /** Resolves when the connection is established for the first time, however long that takes. */
  whenReady(): Promise<void>
  /** Calls back each time that the connection is established. */
  onReady(callback: () => void): void
  /** @throws Unavailable with the cause in one line, if Redis or a master of the Cluster cannot be asked now. */
  checkReady(): Promise<void>
  close(): void
}

/** There was no connection, so Redis did not get the command and never will. */
export class NotAsked extends Unavailable {}

/** An outage, also a hanging server, is noticed within 201 ms, and its end within 200 ms. */
const COMMAND_MS = 200
const CONNECT_MS = 500
const SILENCE_MS = 1000
const RETRY_MS = 200
/** A Cluster announces moved slots only to clients that ask. */
const SLOTS_REFRESH_MS = 1000

/** Connects and reconnects for as long as it takes. Commands never wait for a connection. */
export function connectRedis(options: RedisOptions, log: Log): RedisConnection {
  const client =
    options.servers.kind === 'cluster' ? openCluster(options, options.servers.nodes) : openServer(options)
  const watch = watchConnection(client, log)
  const key = (...parts: readonly string[]) => [options.prefix, ...parts].join(':')
  const ask = async <T>(answer: Promise<T>): Promise<T> => {
    const isAsked = client.status === 'ready'
    try {
      return await answer
    } catch (error) {
      const Kind = isAsked ? Unavailable : NotAsked
      const reason = client.status === 'ready' ? error : watch.lastError()
      throw new Kind('redis', reason === undefined ? 'not connected' : messageOf(reason), { cause: error })
    }
  }
  return {
    client,
    key,
    ask,
    whenReady: () =>
      new Promise((resolve) => {
        if (client.status === 'ready') resolve()
        else client.once('ready', resolve)
      }),
    onReady: (callback) => void client.on('ready', callback),
    async checkReady() {
      await ask(client.set(key('{limits}', 'ready'), '', 'PX', 1000))
      if (client instanceof Cluster) await ask(Promise.all(client.nodes('master').map((node) => node.ping())))
    },
    close() {
      watch.stop()
      client.disconnect()
    },
  }
}

function openServer(options: RedisOptions): Redis {
  const { servers } = options
  const retryStrategy = () => RETRY_MS
  if (servers.kind === 'single') {
    const { server, database } = servers
    return new Redis({ ...clientOptions(options), ...server, db: database, retryStrategy })
  }
  if (servers.kind !== 'sentinel') throw new Error(`no single server: ${servers.kind}`)
  const { name, sentinels, sentinelPassword, database } = servers
  return new Redis({
    ...clientOptions(options),
    name,
    sentinels: [...sentinels],
    sentinelPassword: sentinelPassword?.reveal(),
    enableTLSForSentinelMode: options.tls !== undefined,
    sentinelTLS: tlsOptions(options),
    db: database,
    retryStrategy,
    sentinelRetryStrategy: () => RETRY_MS,
    sentinelReconnectStrategy: () => RETRY_MS,
    sentinelCommandTimeout: COMMAND_MS,
    // Leaves the old master as soon as a new one is announced, even if the old one hangs.
    failoverDetector: true,
  })
}

function openCluster(options: RedisOptions, nodes: readonly RedisServer[]): Cluster {
  const cluster = new Cluster([...nodes], {
    redisOptions: clientOptions(options),
    enableOfflineQueue: false,
    clusterRetryStrategy: () => RETRY_MS,
    // A command to a node that is gone fails at once; the next one goes to the node's successor.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshTimeout: CONNECT_MS,
    slotsRefreshInterval: SLOTS_REFRESH_MS,
  })
  // The client would connect to a node only with the first command for it, and refuse others meanwhile.
  cluster.on('+node', (node: Redis) => {
    if (node.status === 'wait') node.connect().catch(() => undefined)
  })
  return cluster
}

function clientOptions(options: RedisOptions): ClientOptions {
  return {
    username: options.username,
    password: options.password?.reveal(),
    tls: tlsOptions(options),
    protocol: 2,
    disableClientInfo: true,
    connectionName: 'ocbroker',
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: options.commandMs ?? COMMAND_MS,
    connectTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    // A master that became a replica answers READONLY until the connection finds the new master.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  }
}

function tlsOptions({ tls }: RedisOptions): NonNullable<ClientOptions['tls']> | undefined {
  return tls && { ca: tls.authorities, servername: tls.serverName }
}

/** Redis refused the command that chooses the database. */
function isOfSelect(error: Error & { readonly command?: { readonly name?: string } }): boolean {
  return error.command?.name === 'select'
}

/** Logs one line when the connection is lost and one when it is back, however often it is tried in between. */
function watchConnection(client: Redis | Cluster, log: Log) {
  let isUp: boolean | undefined
  let isStopped = false
  let lastError: unknown
  /** Why Redis refused the database, as long as it does. */
  let refused: Error | undefined
  const lost = (error?: unknown) => {
    if (isUp !== false && !isStopped) log.warn('redis.lost', { error })
    isUp = false
    lastError = error ?? lastError
  }
  client.on('ready', () => {
    if (isUp !== true) log.info('redis.connected')
    isUp = true
    lastError = undefined
    refused = undefined
  })
  client.on('error', (error: Error) => {
    if (!isOfSelect(error)) {
      // What the client says of the connection that was given up hides the cause; the network's own errors do not.
      if (refused === undefined || 'code' in error) lost(error)
      if ('code' in error) refused = undefined
      return
    }
    // The client would go on in database 0, where other brokers do not look.
    client.disconnect(true)
    const remedy = error.message.startsWith('NOPERM') ? '; give the user the right +select' : ''
    refused = new Error(`the database of redis.url cannot be used: ${error.message}${remedy}`, {
      cause: error,
    })
    lost(refused)
  })
  client.on('close', () => lost())
  // The client stops for good if a new master is announced while it asks for the old one.
  client.on('end', () => {
    setTimeout(() => {
      if (!isStopped) client.connect().catch(() => undefined)
    }, RETRY_MS)
  })
  return {
    lastError: () => lastError,
    stop() {
      isStopped = true
    },
  }
}
