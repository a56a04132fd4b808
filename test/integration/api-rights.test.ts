import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditKind } from '../../src/domain/audit.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { SCOPES, type Scope } from '../../src/domain/scope.ts'
import { type Operation, readContract } from '../../src/http/contract.ts'
import { type Ask, ask } from '../http/ask.ts'
import { startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { admission, HOUR, passkeyOf, trustOf } from '../store/samples.ts'

const { operations } = readContract()
const resources = new AsyncDisposableStack()
let fixture: TestBroker
/** May do everything. */
let token: string

const GATEWAYS = [
  { name: 'gw1', address: '127.0.0.1', secret: 'between-gateway-and-broker' },
  { name: 'gw2', address: '127.0.0.9', secret: 'between-gateway-and-broker' },
]

beforeAll(async () => {
  // 127.0.0.2 stands for an address from which nothing is to be managed.
  const quota = [{ traffic: '1GB', per: 'day' }]
  fixture = await startTestBroker(
    {
      gateways: GATEWAYS,
      http: { allow: '127.0.0.1' },
      policies: [{ name: 'everyone', quota, reply: {} }],
    },
    (end) => void resources.defer(end),
  )
  token = await fixture.token()
})

afterAll(() => resources.disposeAsync())

interface Case extends Ask {
  readonly path: string
  readonly status: number
  /** The event that a write leaves behind. */
  readonly event?: AuditKind
}

/** What an operation needs beside the scope that the contract names. */
const FURTHER_SCOPES: Readonly<Record<string, readonly Scope[]>> = {
  // The topic of logins is a part of the audit trail.
  streamEvents: ['audit:read'],
  getTimeline: ['sessions:read', 'lockouts:read'],
  // A link that is shown, and not mailed.
  makePasswordLink: ['passwords:write'],
}

const reason = 'because the tests say so'

async function lockoutOf(user: string): Promise<string> {
  const by = { reason, by: 'tests', since: Date.now() }
  const lockout = await fixture.records.lockouts.lock({
    id: systemRandom.id(),
    scope: 'user',
    user,
    ...by,
  })
  return lockout.id
}

async function sessionOf(user: string): Promise<string> {
  const about = {
    kind: 'start',
    gateway: 'gw1',
    user,
    acctSession: systemRandom.id(),
    at: Date.now(),
  } as const
  await fixture.records.sessions.record({ ...about, seconds: 0, octetsIn: 0, octetsOut: 0 })
  const [session] = await fixture.records.sessions.list({ user, limit: 1 })
  return session?.id ?? ''
}

async function enrolled(): Promise<string> {
  const subject = fresh('enrolled')
  await fixture.enrol(subject)
  return subject
}

async function trustedNetwork(): Promise<string> {
  const user = fresh('trusted')
  const trust = trustOf(user, { enrolment: await fixture.enrol(user), expiresAt: Date.now() + HOUR })
  await fixture.records.login.admit({ ...admission(user, { kind: 'none' }), trust })
  return trust.id
}

async function beginEnrolment(): Promise<{ id: string; code: string }> {
  const user = fresh('beginner')
  await fixture.addUser(user)
  const { json } = await ask(`${fixture.url}/api/v1/pending-enrolments`, { token, json: { user } })
  const { generateSync } = await import('otplib')
  return { id: String(json.id), code: generateSync({ secret: String(json.key) }) }
}

/** Of the agent of a gateway. */
async function agentToken(gateway: string): Promise<string> {
  return fixture.token([], { gateway })
}

let made = 0
const fresh = (what: string) => `${what}-${made++}`

/** A valid request for each operation, new each time: a write cannot be done twice. */
const RIGHT: Readonly<Record<string, () => Promise<Case>>> = {
  listLockouts: async () => ({ path: '/api/v1/lockouts?state=in_force&sort=oldest&limit=5', status: 200 }),
  lockByHand: async () => ({
    path: '/api/v1/lockouts',
    status: 201,
    event: 'lockout.made',
    json: { scope: 'user', user: fresh('locked'), reason },
  }),
  getLockout: async () => ({ path: `/api/v1/lockouts/${await lockoutOf(fresh('locked'))}`, status: 200 }),
  releaseLockout: async () => ({
    path: `/api/v1/lockouts/${await lockoutOf(fresh('locked'))}/release`,
    json: { reason },
    status: 200,
    event: 'lockout.released',
  }),
  releaseLockouts: async () => ({
    path: '/api/v1/lockouts/release',
    json: { ids: [await lockoutOf(fresh('locked'))], reason },
    status: 200,
    event: 'lockout.released',
  }),
  listUsers: async () => ({ path: '/api/v1/users?limit=2', status: 200 }),
  listPeople: async () => ({ path: '/api/v1/people?filter=not_enrolled&limit=2', status: 200 }),
  addUser: async () => ({
    path: '/api/v1/users',
    status: 201,
    event: 'user.added',
    json: { name: fresh('user'), password: 'long enough for it', groups: ['staff'], reason },
  }),
  getUser: async () => {
    const name = fresh('user')
    await fixture.addUser(name)
    return { path: `/api/v1/users/${name}`, status: 200 }
  },
  changeUser: async () => {
    const name = fresh('user')
    await fixture.addUser(name)
    const json = { enabled: false, expiresAt: null, ipv6: null, groups: [], reason }
    return { path: `/api/v1/users/${name}`, method: 'PATCH', json, status: 200, event: 'user.changed' }
  },
  removeUser: async () => {
    const name = fresh('user')
    await fixture.addUser(name)
    const path = `/api/v1/users/${name}?reason=${encodeURIComponent(reason)}`
    return { path, method: 'DELETE', status: 204, event: 'user.removed' }
  },
  makePasswordLink: async () => {
    const name = fresh('user')
    await fixture.addUser(name)
    return {
      path: `/api/v1/users/${name}/password-link`,
      json: { reason },
      status: 201,
      event: 'password_link.made',
    }
  },
  listEnrolments: async () => ({ path: '/api/v1/enrolments', status: 200 }),
  listEnrolmentsOf: async () => ({ path: `/api/v1/enrolments/${await enrolled()}`, status: 200 }),
  revokeEnrolment: async () => ({
    path: `/api/v1/enrolments/${await enrolled()}/revoke`,
    json: { reason },
    status: 204,
    event: 'enrolment.revoked',
  }),
  listPasskeys: async () => ({ path: '/api/v1/passkeys/ada', status: 200 }),
  revokePasskey: async () => {
    const passkey = passkeyOf(await enrolled())
    await fixture.records.passkeys.add(passkey)
    return {
      path: `/api/v1/passkeys/${passkey.subject}/${passkey.id}/revoke`,
      json: { reason },
      status: 204,
      event: 'passkey.removed',
    }
  },
  listTrusts: async () => ({ path: '/api/v1/trusts?user=ada&limit=5', status: 200 }),
  revokeTrust: async () => ({
    path: `/api/v1/trusts/${await trustedNetwork()}/revoke`,
    json: { reason },
    status: 204,
    event: 'trust.revoked',
  }),
  renewRecoveryCodes: async () => ({
    path: `/api/v1/enrolments/${await enrolled()}/recovery-codes`,
    json: { reason },
    status: 201,
    event: 'recovery_codes.made',
  }),
  beginEnrolment: async () => {
    const user = fresh('user')
    await fixture.addUser(user)
    return { path: '/api/v1/pending-enrolments', json: { user }, status: 201 }
  },
  confirmEnrolment: async () => {
    const { id, code } = await beginEnrolment()
    const path = `/api/v1/pending-enrolments/${id}/confirm`
    return { path, json: { code, reason }, status: 201, event: 'enrolment.made' }
  },
  listSessions: async () => ({ path: '/api/v1/sessions?state=open&gateway=gw1', status: 200 }),
  endSession: async () => ({
    path: `/api/v1/sessions/${await sessionOf(fresh('user'))}/end`,
    json: { reason },
    status: 202,
    event: 'session.end_ordered',
  }),
  endSessions: async () => {
    const user = fresh('user')
    await sessionOf(user)
    return { path: '/api/v1/sessions/end', json: { user, reason }, status: 202, event: 'session.end_ordered' }
  },
  listOrders: async () => ({ path: '/api/v1/session-orders?gateway=gw1', status: 200 }),
  listAgents: async () => ({ path: '/api/v1/agents', status: 200 }),
  streamAgentOrders: async () => ({
    path: '/api/v1/gateways/gw1/agent/orders',
    headers: { 'ocbroker-agent': '1' },
    status: 200,
  }),
  takeAgentResults: async () => ({
    path: '/api/v1/gateways/gw1/agent/results',
    json: { results: [{ id: systemRandom.id(), outcome: 'done' }] },
    status: 204,
  }),
  takeAgentReport: async () => ({
    path: '/api/v1/gateways/gw1/agent/reports',
    json: { agent: { version: '1', protocol: 1, host: 'vpn1' }, sessions: [] },
    status: 204,
  }),
  getAgentExpectation: async () => ({ path: '/api/v1/gateways/gw1/agent/expectation', status: 200 }),
  listGateways: async () => ({ path: '/api/v1/gateways', status: 200 }),
  exportSessions: async () => ({ path: '/api/v1/sessions/export?format=csv&limit=9', status: 200 }),
  listUsage: async () => ({ path: '/api/v1/usage?by=policy&per=day&from=2026-01-01', status: 200 }),
  exportUsage: async () => ({ path: '/api/v1/usage/export?by=user', status: 200 }),
  getQuotas: async () => {
    const user = fresh('user')
    await fixture.addUser(user)
    return { path: `/api/v1/quotas/${user}`, status: 200 }
  },
  addToQuotas: async () => {
    const user = fresh('user')
    await fixture.addUser(user)
    const json = { octets: 1_000_000, reason }
    return { path: `/api/v1/quotas/${user}/add`, json, status: 200, event: 'quota.added' }
  },
  listPools: async () => ({ path: '/api/v1/pools', status: 200 }),
  getSession: async () => ({ path: `/api/v1/sessions/${await sessionOf(fresh('user'))}`, status: 200 }),
  getTimeline: async () => ({
    path: `/api/v1/timeline?session=${await sessionOf(fresh('user'))}&limit=2`,
    status: 200,
  }),
  listAuditEvents: async () => ({
    path: '/api/v1/audit-events?kind=user.added,lockout.made&since=2026-01-01T00:00:00Z',
    status: 200,
  }),
  exportAuditEvents: async () => ({ path: '/api/v1/audit-events/export?format=csv', status: 200 }),
  streamEvents: async () => ({ path: '/api/v1/events?topics=lockouts,logins', status: 200 }),
  listPolicies: async () => ({ path: '/api/v1/policies', status: 200 }),
  explainLogin: async () => ({ path: '/api/v1/explain?user=anybody&address=192.0.2.7', status: 200 }),
  getMe: async () => ({ path: '/api/v1/me', status: 200 }),
  getHealth: async () => ({ path: '/healthz', status: 200 }),
  getReadiness: async () => ({ path: '/readyz', status: 200 }),
  getMetrics: async () => ({ path: '/metrics', status: 200 }),
}

/** The stream has no end: its head is all that is asked for here. */
async function statusOf({ path, ...options }: Ask & { readonly path: string }): Promise<number> {
  if (!path.startsWith('/api/v1/events') && !path.endsWith('/agent/orders'))
    return (await ask(fixture.url + path, options)).status
  const stop = new AbortController()
  const headers = { ...options.headers, ...(options.token && { authorization: `Bearer ${options.token}` }) }
  const { status } = await fetch(fixture.url + path, { headers, signal: stop.signal })
  stop.abort()
  return status
}

test('there is a right request for every operation', () => {
  expect(Object.keys(RIGHT).toSorted()).toEqual(operations.map(({ id }) => id).toSorted())
})

interface Right extends Operation {
  /** The request itself. */
  readonly right: () => Promise<Case>
}

const known: readonly Right[] = operations.map((operation) => ({
  ...operation,
  right: RIGHT[operation.id] ?? (() => Promise.reject(new Error(`no request for ${operation.id}`))),
}))

test.each(known)('$id answers who may', async ({ right, admission }) => {
  const { path, status, event, ...options } = await right()
  const { audit } = fixture.records
  const before = event && (await audit.list({ kinds: [event], limit: 1000 })).length
  const mine = admission === 'agent' ? await agentToken('gw1') : token
  expect(await statusOf({ ...options, path, token: mine })).toBe(status)
  if (event === undefined) return
  const events = await audit.list({ kinds: [event], limit: 1000 })
  expect(events).toHaveLength((before ?? 0) + 1)
  const written = events.find(({ actor }) => actor?.endsWith('(token)') === true)
  expect(written?.detail).toContain(reason)
})

test.each(known)('$id refuses an address that is not allowed, whatever is shown', async (operation) => {
  const { right, isFromEverywhere } = operation
  const { path, status, event: _, ...request } = await right()
  const wanted = isFromEverywhere ? status : 403
  const from = '127.0.0.2'
  expect((await ask(fixture.url + path, { ...request, token, from })).status).toBe(wanted)
  // Nobody may claim another address: there is no proxy that is trusted.
  const headers = { ...request.headers, 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1' }
  expect((await ask(fixture.url + path, { ...request, headers, token, from })).status).toBe(wanted)
})

const guarded = known.filter(({ admission }) => admission !== 'everybody')

test.each(guarded)('$id refuses callers without credentials or with invalid ones', async ({ right }) => {
  const expired = await fixture.token(SCOPES, { expiresAt: Date.now() - 1 })
  const name = fresh('token')
  const revoked = await fixture.token(SCOPES, { name })
  await fixture.records.tokens.revoke(name, 'tests', Date.now())
  const unknown = `ocb_${'x'.repeat(43)}`
  for (const shown of [undefined, expired, revoked, unknown, 'nonsense', `${token}x`, '']) {
    const { status: _, event: __, ...request } = await right()
    expect(await statusOf({ ...request, token: shown })).toBe(401)
  }
  const { path, ...request } = await right()
  for (const authorization of [`Basic ${btoa(`admin:${token}`)}`, `Bearer ${token} ${token}`, token])
    expect(await statusOf({ ...request, path, headers: { authorization } })).toBe(401)
  // Not in the query, where it would be written into logs.
  const query = `${path.includes('?') ? '&' : '?'}access_token=${token}`
  expect(await statusOf({ ...request, path: path + query })).toBe(401)
})

const scoped = known.flatMap(({ id, admission, right }) =>
  admission === 'everybody' || admission === 'known' || admission === 'agent'
    ? []
    : [{ id, right, scope: admission }],
)

test.each(guarded)(
  '$id takes an agent’s token for its own gateway’s agent alone',
  async ({ right, admission }) => {
    for (const gateway of ['gw1', 'gw2']) {
      const { path, status, event: _, ...request } = await right()
      const mine = admission === 'agent' && gateway === 'gw1'
      expect(await statusOf({ ...request, path, token: await agentToken(gateway) })).toBe(mine ? status : 403)
    }
    const { path, status: _, event: __, ...request } = await right()
    // Nor does any other token, with whatever scopes, speak for an agent.
    if (admission === 'agent') expect(await statusOf({ ...request, path, token })).toBe(403)
  },
)

test.each(scoped)('$id refuses a token without $scope', async ({ right, scope }) => {
  const others = SCOPES.filter((other) => other !== scope)
  const { path, status: _, event: __, ...request } = await right()
  expect(await statusOf({ ...request, path, token: await fixture.token(others) })).toBe(403)
})

test.each(scoped)('$id is content with $scope, and what it names beside', async ({ id, right, scope }) => {
  const { path, status, event: _, ...request } = await right()
  const scopes = [scope, ...(FURTHER_SCOPES[id] ?? [])]
  expect(await statusOf({ ...request, path, token: await fixture.token(scopes) })).toBe(status)
})

test('logins are streamed only to callers who may read the audit trail', async () => {
  const mine = await fixture.token(['lockouts:read'])
  expect(await statusOf({ path: '/api/v1/events?topics=lockouts', token: mine })).toBe(200)
  expect(await statusOf({ path: '/api/v1/events?topics=logins', token: mine })).toBe(403)
})

describe('a role', () => {
  const [ADMINS, AUDITORS] = ['admins', 'auditors']
  const READING = SCOPES.filter((scope) => scope.endsWith(':read') || scope === 'explain')
  const password = 'long enough for it'

  test('can be given only by callers with all its rights', async () => {
    for (const [group, scopes, status] of [
      [ADMINS, ['users:write'], 403],
      [ADMINS, SCOPES.filter((scope) => scope !== 'metrics:read'), 403],
      [ADMINS, SCOPES, 200],
      [AUDITORS, ['users:write'], 403],
      [AUDITORS, ['users:write', ...READING], 200],
      ['sales', ['users:write'], 200],
    ] as const) {
      const mine = await fixture.token(scopes)
      const [added, changed] = [fresh('user'), fresh('user')]
      const groups = ['staff', group]
      const answer = await ask(`${fixture.url}/api/v1/users`, {
        token: mine,
        json: { name: added, groups, reason },
      })
      expect([group, answer.status]).toEqual([group, status === 200 ? 201 : status])
      expect((await fixture.records.users.find(added)) === undefined).toBe(status === 403)
      await fixture.addUser(changed)
      const change = { token: mine, method: 'PATCH', json: { groups, reason } }
      expect((await ask(`${fixture.url}/api/v1/users/${changed}`, change)).status).toBe(status)
      expect((await fixture.records.users.find(changed))?.groups).toEqual(status === 403 ? [] : groups)
    }
  })

  test('cannot be taken over by a caller with fewer rights who sets a password', async () => {
    const name = fresh('boss')
    await fixture.addUser(name, [ADMINS])
    const before = await fixture.records.users.find(name)
    const mine = await fixture.token(['users:write'])
    const path = `${fixture.url}/api/v1/users/${name}`
    const change = (json: object, shown = mine) => ask(path, { token: shown, method: 'PATCH', json })
    for (const typed of [name, name.toUpperCase()]) {
      const json = { password, reason }
      const answer = await ask(`${fixture.url}/api/v1/users/${typed}`, { token: mine, method: 'PATCH', json })
      expect([answer.status, answer.json.type]).toEqual([403, 'urn:ocbroker:problem:missing-scope'])
    }
    expect((await change({ password, groups: [], reason })).status).toBe(403)
    expect(await fixture.records.users.find(name)).toEqual(before)
    expect((await change({ enabled: false, reason })).status).toBe(403)
    expect((await change({ groups: [], reason })).status).toBe(403)
    expect((await ask(`${path}?reason=left`, { token: mine, method: 'DELETE' })).status).toBe(403)
    expect(await fixture.records.users.find(name)).toEqual(before)
    expect((await change({ password, reason }, token)).status).toBe(200)
  })
})
