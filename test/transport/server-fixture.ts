import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { Gateway, MessageAuthenticatorRule } from '../../src/domain/gateway.ts'
import type { LoginAttempt } from '../../src/domain/login-attempt.ts'
import type { GatewayStore } from '../../src/domain/login-records.ts'
import { noMetrics } from '../../src/domain/metrics.ts'
import { parseNetwork } from '../../src/domain/network.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { refuse } from '../../src/domain/refusal.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { AccountingReport } from '../../src/domain/session.ts'
import type { Decision } from '../../src/login/flow.ts'
import { buildAccessRequest } from '../../src/radius/authenticators.ts'
import { Attr } from '../../src/radius/codes.ts'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { decodePacket, first, type NewAttribute } from '../../src/radius/packet.ts'
import { SharedSecret } from '../../src/radius/shared-secret.ts'
import { encryptUserPassword } from '../../src/radius/user-password.ts'
import { ClientTable } from '../../src/transport/client-table.ts'
import { RadiusServer, type RadiusServerOptions, type Service } from '../../src/transport/radius-server.ts'
import type { Seen } from '../../src/transport/traffic-tally.ts'

export const SECRET = new SharedSecret(Buffer.from('a shared secret'))
const SOURCE = '192.0.2.1'

export interface FixtureOptions {
  /** Other gateways than the one, made of it. */
  readonly gateways?: (one: Gateway) => readonly Gateway[]
  readonly lookUp?: (name: string) => Promise<readonly string[]>
  readonly rule?: MessageAuthenticatorRule
  readonly onOutage?: Gateway['onOutage']
  readonly decide?: (attempt: LoginAttempt) => Promise<Decision>
  readonly deadlineMs?: number
  readonly maxInFlight?: number
  readonly memory?: GatewayStore
}

/** A server for one gateway, with a clock that the test moves; it records what reaches the login and accounting. */
export async function serverFixture(options: FixtureOptions = {}) {
  const { rule = 'off', onOutage = 'reject', memory = gatewayStore() } = options
  const network = parseNetwork('192.0.2.0/24') ?? expect.unreachable()
  const secret = new Secret('a shared secret')
  const gateway: Gateway = {
    name: 'gw1',
    networks: [network],
    hosts: [],
    nasIdentifiers: [],
    classForm: 'semicolon' as const,
    secret,
    messageAuthenticator: rule,
    onOutage,
  }
  const time = { now: 0 }
  const clock = { now: () => time.now, monotonic: () => time.now }
  const attempts: LoginAttempt[] = []
  const records: AccountingReport[] = []
  const dropped: string[] = []
  const warned: unknown[] = []
  const errors: unknown[] = []
  const logged: unknown[] = []
  const seen: Seen[] = []
  const log = {
    debug() {},
    info: (event: string, fields: unknown) => logged.push([event, fields]),
    warn: (event: string, fields: unknown) => warned.push([event, fields]),
    error: (event: string, fields: unknown) => errors.push([event, fields]),
  }
  const table = await ClientTable.open({
    gateways: options.gateways?.(gateway) ?? [gateway],
    memory,
    clock,
    log,
    lookUp: options.lookUp,
  })
  const serverOptions: RadiusServerOptions = {
    gateways: table,
    decide: (attempt) => {
      attempts.push(attempt)
      return options.decide?.(attempt) ?? Promise.resolve(refuse('bad_credentials', 'wrong'))
    },
    keepAccounting: async (record) => {
      records.push(record)
      return record.kind === 'restart' || record.user !== 'lost'
    },
    noteTraffic: (each) => seen.push(each),
    reply: { locale: 'en', tellLocked: true },
    deadlineMs: options.deadlineMs ?? 1000,
    maxInFlight: options.maxInFlight ?? 100,
    clock,
    random: systemRandom,
    log,
    metrics: { ...noMetrics, dropped: (reason) => dropped.push(reason) },
  }
  const server = new RadiusServer(serverOptions)
  const reload = async (gateways: readonly Gateway[]) =>
    server.use({ ...serverOptions, gateways: await table.with(gateways) })
  const send = async (
    octets: Buffer,
    more: { service?: Service; source?: string; port?: number; socket?: string } = {},
  ) => server.receive({ octets, source: SOURCE, port: 4000, service: 'auth', socket: 'a', ...more })
  return {
    send,
    server,
    reload,
    gateway,
    time,
    gateways: table,
    attempts,
    records,
    dropped,
    seen,
    warned,
    errors,
    logged,
  }
}

export function gatewayStore(...keys: string[]): GatewayStore {
  const known = new Map<string, number | undefined>(keys.map((key) => [key, undefined]))
  return {
    signing: async () => [...known].map(([key, unsignedAt]) => ({ key, unsignedAt })),
    remember: async (key) => void known.set(key, undefined),
    noteUnsigned: async (key, at) => void known.set(key, at),
    forget: async (key) => void known.delete(key),
  }
}

/** What ocserv adds to each login. */
export const OF_OCSERV: readonly NewAttribute[] = [
  encodeAttribute('Calling-Station-Id', '198.51.100.7'),
  encodeAttribute('Service-Type', 8),
  encodeAttribute('NAS-Port-Type', 0),
]

interface RequestOptions {
  readonly password?: string | Buffer
  readonly user?: string
  readonly signed?: boolean | 'last'
  readonly secret?: SharedSecret
  readonly identifier?: number
  readonly more?: readonly NewAttribute[]
}

export function accessRequest(options: RequestOptions = {}): Buffer {
  const {
    password = 'hunter2',
    user = 'bob',
    signed = false,
    secret = SECRET,
    identifier = 7,
    more = [],
  } = options
  const authenticator = randomBytes(16)
  const value = encryptUserPassword(Buffer.from(password), authenticator, secret)
  const attributes = [encodeAttribute('User-Name', user), { type: Attr.UserPassword, value }, ...more]
  return buildAccessRequest({ identifier, authenticator, attributes, secret, messageAuthenticator: signed })
}

export const proxyState = (text: string) => ({ type: Attr.ProxyState, value: Buffer.from(text) })
export const messageOf = (reply: Buffer | undefined) =>
  reply === undefined ? undefined : first(decodePacket(reply), Attr.ReplyMessage)?.toString()
