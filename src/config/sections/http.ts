import { resolve } from 'node:path'
import { z } from 'zod'
import { isWithin, LOOPBACK } from '../../domain/network.ts'
import type { Path } from '../../schema/config-error.ts'
import { address, duration, filePath, network, oneOrMany, rate, text } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'

/** Groups whose members have a role; with `over`, for the users of these groups alone; with `require`, by passkey alone. */
const roleGrant = z.preprocess(
  (raw) => (typeof raw === 'string' ? { groups: [raw] } : raw),
  z.strictObject({
    groups: oneOrMany(text()),
    over: oneOrMany(text()).optional(),
    require: z.enum(['passkey']).optional(),
  }),
)

/** A list of groups, of grants, or of both; or one of them. */
const role = () => z.preprocess((raw) => (Array.isArray(raw) ? raw : [raw]), z.array(roleGrant)).default([])

/** Absent: no HTTP. */
export const httpSchema = z.strictObject({
  address: address().default('127.0.0.1'),
  /** 0: any free port. */
  port: z.int().min(0).max(65_535).default(8080),
  tls: z.strictObject({ cert_file: filePath(), key_file: filePath() }).optional(),
  /** Clients of the API, the desk, the documentation and the metrics. */
  allow: oneOrMany(network()).default([...LOOPBACK]),
  /** Proxies whose X-Forwarded-For is believed. */
  trusted_proxies: z.array(network()).default([]),
  roles: z.strictObject({ admin: role(), desk: role(), auditor: role() }).prefault({}),
  sessions: z
    .strictObject({
      idle: duration({ min: '1m', max: '24h' }).default(15 * 60_000),
      absolute: duration({ min: '1m', max: '7d' }).default(8 * 3_600_000),
      /** How old an identity store's answer about a signed-in user may be, where the broker has no record. */
      recheck: duration({ min: '1s', max: '24h' }).default(5 * 60_000),
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

type Parsed = z.output<typeof httpSchema>
export type HttpConfig = NonNullable<ReturnType<typeof resolveHttp>>

const PATH: Path = ['http']

export function checkHttp(http: PartialConfig<Parsed>, diagnostics: Diagnostics): void {
  const { idle, absolute } = http.sessions ?? {}
  if (idle !== undefined && absolute !== undefined && idle > absolute)
    diagnostics.fault([...PATH, 'sessions', 'idle'], 'is more than http.sessions.absolute')
  if ((http.roles?.admin ?? []).some((grant) => grant?.over !== undefined))
    diagnostics.fault(
      [...PATH, 'roles', 'admin'],
      'has over, but an administrator changes users, groups and roles, and so is one for all users',
      'give these groups the role desk with over',
    )
  for (const [index, each] of (http.trusted_proxies ?? []).entries()) {
    if (each?.prefix === 0)
      diagnostics.fault(
        [...PATH, 'trusted_proxies', index],
        `${each.text} would let every client choose its own address`,
        'name the addresses of the proxy',
      )
  }
  for (const [index, each] of (http.allow ?? []).entries()) {
    if (each?.prefix === 0)
      diagnostics.warn(
        [...PATH, 'allow', index],
        `${each.text} lets everybody reach the API and the desk`,
        'name the networks of those who manage the broker',
      )
  }
  const isPublic = http.address !== undefined && !isWithin(LOOPBACK, http.address)
  if (isPublic && !diagnostics.given([...PATH, 'tls']) && !diagnostics.given([...PATH, 'trusted_proxies']))
    diagnostics.warn(
      [...PATH, 'address'],
      'without tls, passwords and codes cross the network unencrypted',
      'add tls: { cert_file: …, key_file: … }, or put a proxy in front and name it under trusted_proxies',
    )
}

export function resolveHttp(parsed: Parsed | undefined, folder: string) {
  if (parsed === undefined) return undefined
  const { tls, sessions } = parsed
  return {
    address: parsed.address,
    port: parsed.port,
    tls: tls && { certFile: resolve(folder, tls.cert_file), keyFile: resolve(folder, tls.key_file) },
    allow: parsed.allow,
    trustedProxies: parsed.trusted_proxies,
    roles: parsed.roles,
    sessions: { idleMs: sessions.idle, absoluteMs: sessions.absolute, recheckMs: sessions.recheck },
    limits: parsed.limits,
    maxConnections: parsed.max_connections,
    maxInFlight: parsed.max_in_flight,
  }
}
