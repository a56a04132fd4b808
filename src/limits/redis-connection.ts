import { type RedisOptions as ClientOptions, Cluster, Redis } from 'ioredis'
import type { Log } from '../domain/log.ts'
import { Unavailable } from '../domain/person.ts'
import type { Secret } from '../domain/secret.ts'

interface RedisServer {
  readonly host: string
  readonly port: number
}

/** One server; a master that Sentinels know by its name; or a Cluster, found through some of its nodes. */
type RedisServers =
  | { readonly kind: 'single'; readonly server: RedisServer; readonly database: number }
  | {
      readonly kind: 'sentinel'
      readonly name: string
      readonly sentinels: readonly RedisServer[]
      /** The Sentinels' own, where they demand one. */
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
    /** Certificates of the authorities to believe, in PEM; the system's where it is absent. */
    readonly authorities?: string
    /** The name that the servers' certificates must carry, where they are reached by another. */
    readonly serverName?: string
  }
  /** What every key begins with; without braces, which are hash tags. */
  readonly prefix: string
}

export interface RedisConnection {
  readonly client: Redis | Cluster
  key(...parts: readonly string[]): string
  /** Awaits an answer to what was just asked. @throws Unavailable for whatever goes wrong with Redis; NotAsked. */
  ask<T>(answer: Promise<T>): Promise<T>
  /** Resolves when the connection is there for the first time, however long that takes. */
  whenReady(): Promise<void>
  /** Tells each time that the connection is there, or there again. */
  onReady(tell: () => void): void
  /** Resolves where Redis, and every master of a Cluster, can be asked now. @throws Unavailable with a cause in one line. */
  checkReady(): Promise<void>
  close(): void
}

/** There was no connection, so Redis does nothing of what it was to be asked, at no time. */
export class NotAsked extends Unavailable {}

/** With these an outage is known within 201 ms, a hanging server's too, and over 200 ms after its end. */
const COMMAND_MS = 200
const CONNECT_MS = 500
const SILENCE_MS = 1000
const RETRY_MS = 200
/** A Cluster moves slots without a word to those who do not ask for them. */
const SLOTS_REFRESH_MS = 1000

/** Connects, and goes on trying for as long as it takes. Commands never wait for a connection. */
export function connectRedis(options: RedisOptions, log: Log): RedisConnection {
  const client =
    options.servers.kind === 'cluster' ? clusterOf(options, options.servers.nodes) : serverOf(options)
  const watch = watchConnection(client, log)
  const key = (...parts: readonly string[]) => [options.prefix, ...parts].join(':')
  const ask = async <T>(answer: Promise<T>): Promise<T> => {
    const isAsked = client.status === 'ready'
    try {
      return await answer
    } catch (error) {
      const Kind = isAsked ? Unavailable : NotAsked
      const reason = client.status === 'ready' ? error : watch.lostBy()
      throw new Kind('redis', reason === undefined ? 'not connected' : wordsOf(reason), { cause: error })
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
    onReady: (tell) => void client.on('ready', tell),
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

function serverOf(options: RedisOptions): Redis {
  const { servers } = options
  const retryStrategy = () => RETRY_MS
  if (servers.kind === 'single') {
    const { server, database } = servers
    return new Redis({ ...clientOptions(options), ...server, db: database, retryStrategy })
  }
  if (servers.kind !== 'sentinel') throw new Error(`no single server: ${servers.kind}`)
  const { name, sentinels, sentinelPassword, database } = servers
  const tls = tlsOf(options)
  return new Redis({
    ...clientOptions(options),
    name,
    sentinels: [...sentinels],
    ...(sentinelPassword === undefined ? {} : { sentinelPassword: sentinelPassword.reveal() }),
    ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tls }),
    db: database,
    retryStrategy,
    sentinelRetryStrategy: () => RETRY_MS,
    sentinelReconnectStrategy: () => RETRY_MS,
    sentinelCommandTimeout: COMMAND_MS,
    // Told of a new master, it leaves the old one at once, even one that hangs.
    failoverDetector: true,
  })
}

function clusterOf(options: RedisOptions, nodes: readonly RedisServer[]): Cluster {
  const cluster = new Cluster([...nodes], {
    redisOptions: clientOptions(options),
    enableOfflineQueue: false,
    clusterRetryStrategy: () => RETRY_MS,
    // A command that meets a node which is gone fails at once; the next one finds the node's successor.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshTimeout: CONNECT_MS,
    slotsRefreshInterval: SLOTS_REFRESH_MS,
  })
  // Left to itself the client connects to a node with the first command for it, and refuses others meanwhile.
  cluster.on('+node', (node: Redis) => {
    if (node.status === 'wait') node.connect().catch(() => undefined)
  })
  return cluster
}

function clientOptions(options: RedisOptions): ClientOptions {
  const { username, password } = options
  const tls = tlsOf(options)
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: password.reveal() }),
    ...(tls === undefined ? {} : { tls }),
    protocol: 2,
    disableClientInfo: true,
    connectionName: 'ocbroker',
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: COMMAND_MS,
    connectTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    // A master that has become a replica answers so until the connection finds the new one.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  }
}

function tlsOf({ tls }: RedisOptions): NonNullable<ClientOptions['tls']> | undefined {
  if (tls === undefined) return undefined
  const { authorities, serverName } = tls
  return {
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
}

interface ConnectionWatch {
  /** Why there is no connection, as far as that is known. */
  lostBy(): unknown
  stop(): void
}

/** One line when the connection is lost and one when it is there, however often it is tried in between. */
function watchConnection(client: Redis | Cluster, log: Log): ConnectionWatch {
  let isUp: boolean | undefined
  let isStopped = false
  let cause: unknown
  const lost = (error?: unknown) => {
    if (isUp !== false && !isStopped) log.warn('redis.lost', { error })
    isUp = false
    cause = error ?? cause
  }
  client.on('ready', () => {
    if (isUp !== true) log.info('redis.connected')
    isUp = true
    cause = undefined
  })
  client.on('error', lost)
  client.on('close', () => lost())
  // The client gives up for good when it is told of a new master while it asks for the old one.
  client.on('end', () => {
    setTimeout(() => {
      if (!isStopped) client.connect().catch(() => undefined)
    }, RETRY_MS)
  })
  return {
    lostBy: () => cause,
    stop() {
      isStopped = true
    },
  }
}

/** An error for several addresses at once has no words of its own. */
function wordsOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return wordsOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
