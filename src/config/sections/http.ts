import { resolve } from 'node:path'
import { z } from 'zod'
import type { Rate } from '../../domain/duration.ts'
import { contains, type Network, parseAddress, parseNetwork } from '../../domain/network.ts'
import type { RoleGroups } from '../../domain/scope.ts'
import type { WebSessionLimits } from '../../domain/web-session.ts'
import type { Report } from '../fault.ts'
import { address, duration, filePath, network, oneOrMany, rate, text } from '../scalars.ts'
import type { Draft } from '../schema-walk.ts'

const LOOPBACK = ['127.0.0.0/8', '::1'].flatMap((each) => parseNetwork(each) ?? [])

const groups = () => z.array(text()).default([])

const tlsShape = z.strictObject({ cert_file: filePath(), key_file: filePath() })

/** Absent: the broker speaks no HTTP. */
export const httpShape = z.strictObject({
  address: address().default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(8080),
  tls: tlsShape.optional(),
  allow: oneOrMany(network()).default(LOOPBACK),
  trusted_proxies: z.array(network()).default([]),
  roles: z.strictObject({ admin: groups(), desk: groups(), auditor: groups() }).prefault({}),
  sessions: z
    .strictObject({
      idle: duration({ min: '1m', max: '24h' }).default(15 * 60_000),
      absolute: duration({ min: '1m', max: '7d' }).default(8 * 3_600_000),
    })
    .prefault({}),
  limits: z
    .strictObject({
      address: rate('300/1m').default({ points: 300, windowMs: 60_000 }),
      token: rate('600/1m').default({ points: 600, windowMs: 60_000 }),
    })
    .prefault({}),
  max_connections: z.int().min(1).max(100_000).default(1000),
  max_in_flight: z.int().min(1).max(10_000).default(100),
})

type Parsed = z.output<typeof httpShape>

export interface HttpConfig {
  readonly address: string
  /** 0: any free port. */
  readonly port: number
  /** Absolute paths. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string }
  /** From where the API, the desk, the documentation and the figures can be reached. */
  readonly allow: readonly Network[]
  /** Whose word on the client's address is taken. */
  readonly trustedProxies: readonly Network[]
  readonly roles: RoleGroups
  readonly sessions: Pick<WebSessionLimits, 'idleMs' | 'absoluteMs'>
  readonly limits: { readonly address: Rate; readonly token: Rate }
  readonly maxConnections: number
  readonly maxInFlight: number
}

export function checkHttp(draft: Draft<Parsed>, report: Report): void {
  const path = ['http']
  const { idle, absolute } = draft.sessions ?? {}
  if (idle !== undefined && absolute !== undefined && idle > absolute)
    report.fault([...path, 'sessions', 'idle'], 'is more than http.sessions.absolute')
  for (const [index, each] of (draft.trusted_proxies ?? []).entries()) {
    if (each?.prefix === 0)
      report.fault(
        [...path, 'trusted_proxies', index],
        `${each.text} would let every client name its own address`,
        'name the addresses of the proxy',
      )
  }
  for (const [index, each] of (draft.allow ?? []).entries()) {
    if (each?.prefix === 0)
      report.warn(
        [...path, 'allow', index],
        `${each.text} lets everybody reach the API and the desk`,
        'name the networks of those who manage the broker',
      )
  }
  const isOpen = draft.address !== undefined && !isLoopback(draft.address)
  if (isOpen && !report.given([...path, 'tls']) && !report.given([...path, 'trusted_proxies']))
    report.warn(
      [...path, 'address'],
      'without tls passwords and codes cross the network for everybody to read',
      'add tls: { cert_file: …, key_file: … }, or put a proxy in front and name it under trusted_proxies',
    )
}

function isLoopback(text: string): boolean {
  const parsed = parseAddress(text)
  return parsed !== undefined && LOOPBACK.some((loop) => contains(loop, parsed))
}

/** @param folder the configuration file's, from which relative paths start. */
export function resolveHttp(parsed: Parsed | undefined, folder: string): HttpConfig | undefined {
  if (parsed === undefined) return undefined
  const { tls, sessions } = parsed
  return {
    address: parsed.address,
    port: parsed.port,
    ...(tls !== undefined && {
      tls: { certFile: resolve(folder, tls.cert_file), keyFile: resolve(folder, tls.key_file) },
    }),
    allow: parsed.allow,
    trustedProxies: parsed.trusted_proxies,
    roles: parsed.roles,
    sessions: { idleMs: sessions.idle, absoluteMs: sessions.absolute },
    limits: parsed.limits,
    maxConnections: parsed.max_connections,
    maxInFlight: parsed.max_in_flight,
  }
}
