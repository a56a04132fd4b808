import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditKind } from '../../src/domain/audit.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { SCOPES } from '../../src/domain/scope.ts'
import { type Operation, readContract } from '../../src/http/contract.ts'
import { type Ask, ask } from '../http/ask.ts'
import { type BrokerHouse, openBrokerHouse } from '../http/broker-house.ts'

const { operations } = readContract()
const resources = new AsyncDisposableStack()
let house: BrokerHouse
/** May do everything. */
let token: string

beforeAll(async () => {
  // 127.0.0.2 stands for an address from which nothing is to be managed.
  house = await openBrokerHouse({ http: { allow: '127.0.0.1' } }, (end) => void resources.defer(end))
  token = await house.token()
})

afterAll(() => resources.disposeAsync())

interface Case extends Ask {
  readonly path: string
  readonly status: number
  /** The event that a write leaves behind. */
  readonly event?: AuditKind
}

const reason = 'because the tests say so'

async function lockoutOf(user: string): Promise<string> {
  const by = { reason, by: 'tests', since: Date.now() }
  const lockout = await house.records.lockoutDesk.lock({ id: systemRandom.id(), scope: 'user', user, ...by })
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
  await house.records.sessions.record({ ...about, seconds: 0, octetsIn: 0, octetsOut: 0 })
  const [session] = await house.records.sessionDesk.search({ user, limit: 1 })
  return session?.id ?? ''
}

async function enrolled(): Promise<string> {
  const subject = fresh('enrolled')
  await house.enrol(subject)
  return subject
}

async function begun(): Promise<{ id: string; code: string }> {
  const user = fresh('beginner')
  await house.addUser(user)
  const { json } = await ask(`${house.url}/api/v1/pending-enrolments`, { token, json: { user } })
  const { generateSync } = await import('otplib')
  return { id: String(json.id), code: generateSync({ secret: String(json.key) }) }
}

let made = 0
const fresh = (what: string) => `${what}-${made++}`

/** A right request for each operation, made anew each time: a write that is done cannot be done again. */
const RIGHT: Readonly<Record<string, () => Promise<Case>>> = {
  listLockouts: async () => ({ path: '/api/v1/lockouts?state=in_force&sort=oldest&limit=5', status: 200 }),
  lockByHand: async () => ({
    ...{ path: '/api/v1/lockouts', status: 201, event: 'lockout.made' },
    json: { scope: 'user', user: fresh('locked'), reason },
  }),
  getLockout: async () => ({ path: `/api/v1/lockouts/${await lockoutOf(fresh('locked'))}`, status: 200 }),
  releaseLockout: async () => ({
    ...{ path: `/api/v1/lockouts/${await lockoutOf(fresh('locked'))}/release`, json: { reason } },
    ...{ status: 200, event: 'lockout.released' },
  }),
  listUsers: async () => ({ path: '/api/v1/users?limit=2', status: 200 }),
  addUser: async () => ({
    ...{ path: '/api/v1/users', status: 201, event: 'user.added' },
    json: { name: fresh('user'), password: 'long enough for it', groups: ['staff'], reason },
  }),
  getUser: async () => {
    const name = fresh('user')
    await house.addUser(name)
    return { path: `/api/v1/users/${name}`, status: 200 }
  },
  changeUser: async () => {
    const name = fresh('user')
    await house.addUser(name)
    const json = { enabled: false, expiresAt: null, ipv6: null, groups: [], reason }
    return { path: `/api/v1/users/${name}`, method: 'PATCH', json, status: 200, event: 'user.changed' }
  },
  removeUser: async () => {
    const name = fresh('user')
    await house.addUser(name)
    const path = `/api/v1/users/${name}?reason=${encodeURIComponent(reason)}`
    return { path, method: 'DELETE', status: 204, event: 'user.removed' }
  },
  listEnrolments: async () => ({ path: '/api/v1/enrolments', status: 200 }),
  getEnrolment: async () => ({ path: `/api/v1/enrolments/${await enrolled()}`, status: 200 }),
  revokeEnrolment: async () => ({
    ...{ path: `/api/v1/enrolments/${await enrolled()}/revoke`, json: { reason } },
    ...{ status: 204, event: 'enrolment.revoked' },
  }),
  renewRecoveryCodes: async () => ({
    ...{ path: `/api/v1/enrolments/${await enrolled()}/recovery-codes`, json: { reason } },
    ...{ status: 201, event: 'recovery_codes.made' },
  }),
  beginEnrolment: async () => {
    const user = fresh('user')
    await house.addUser(user)
    return { path: '/api/v1/pending-enrolments', json: { user }, status: 201 }
  },
  confirmEnrolment: async () => {
    const { id, code } = await begun()
    const path = `/api/v1/pending-enrolments/${id}/confirm`
    return { path, json: { code, reason }, status: 201, event: 'enrolment.made' }
  },
  listSessions: async () => ({ path: '/api/v1/sessions?state=open&gateway=gw1', status: 200 }),
  listPools: async () => ({ path: '/api/v1/pools', status: 200 }),
  getSession: async () => ({ path: `/api/v1/sessions/${await sessionOf(fresh('user'))}`, status: 200 }),
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
  if (!path.startsWith('/api/v1/events')) return (await ask(house.url + path, options)).status
  const stop = new AbortController()
  const headers = { ...options.headers, ...(options.token && { authorization: `Bearer ${options.token}` }) }
  const { status } = await fetch(house.url + path, { headers, signal: stop.signal })
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

test.each(known)('$id answers who may', async ({ right }) => {
  const { path, status, event, ...options } = await right()
  const { audit } = house.records
  const before = event && (await audit.list({ kind: event, limit: 1000 })).length
  expect(await statusOf({ ...options, path, token })).toBe(status)
  if (event === undefined) return
  const events = await audit.list({ kind: event, limit: 1000 })
  expect(events).toHaveLength((before ?? 0) + 1)
  const told = events.find(({ actor }) => actor?.endsWith('(token)') === true)
  expect(told?.detail).toContain(reason)
})

test.each(known)('$id refuses an address that is not allowed, whatever is shown', async (operation) => {
  const { right, isFromEverywhere } = operation
  const { path, status, event: _, ...request } = await right()
  const wanted = isFromEverywhere ? status : 403
  const from = '127.0.0.2'
  expect((await ask(house.url + path, { ...request, token, from })).status).toBe(wanted)
  // Nobody may claim another address: there is no proxy that is trusted.
  const headers = { ...request.headers, 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1' }
  expect((await ask(house.url + path, { ...request, headers, token, from })).status).toBe(wanted)
})

const guarded = known.filter(({ admission }) => admission !== 'everybody')

test.each(guarded)('$id refuses who shows nothing, or nothing that is worth anything', async ({ right }) => {
  const expired = await house.token(SCOPES, { expiresAt: Date.now() - 1 })
  const name = fresh('token')
  const revoked = await house.token(SCOPES, { name })
  await house.records.tokens.revoke(name, 'tests', Date.now())
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
  admission === 'everybody' || admission === 'known' ? [] : [{ id, right, scope: admission }],
)

test.each(scoped)('$id refuses a token without $scope', async ({ right, scope }) => {
  const others = SCOPES.filter((other) => other !== scope)
  const { path, status: _, event: __, ...request } = await right()
  expect(await statusOf({ ...request, path, token: await house.token(others) })).toBe(403)
})

test.each(scoped)('$id is content with $scope alone', async ({ id, right, scope }) => {
  const { path, status, event: _, ...request } = await right()
  // The topic of logins is a part of the audit trail.
  const scopes = id === 'streamEvents' ? [scope, 'audit:read' as const] : [scope]
  expect(await statusOf({ ...request, path, token: await house.token(scopes) })).toBe(status)
})

test('logins are streamed to nobody who may not read the audit trail', async () => {
  const mine = await house.token(['lockouts:read'])
  expect(await statusOf({ path: '/api/v1/events?topics=lockouts', token: mine })).toBe(200)
  expect(await statusOf({ path: '/api/v1/events?topics=logins', token: mine })).toBe(403)
})

describe('a role', () => {
  const [ADMINS, AUDITORS] = ['admins', 'auditors']
  const READING = SCOPES.filter((scope) => scope.endsWith(':read') || scope === 'explain')
  const password = 'long enough for it'

  test('is given by nobody who may do less than it may', async () => {
    for (const [group, scopes, status] of [
      [ADMINS, ['users:write'], 403],
      [ADMINS, SCOPES.filter((scope) => scope !== 'metrics:read'), 403],
      [ADMINS, SCOPES, 200],
      [AUDITORS, ['users:write'], 403],
      [AUDITORS, ['users:write', ...READING], 200],
      ['sales', ['users:write'], 200],
    ] as const) {
      const mine = await house.token(scopes)
      const [added, changed] = [fresh('user'), fresh('user')]
      const groups = ['staff', group]
      const told = await ask(`${house.url}/api/v1/users`, {
        token: mine,
        json: { name: added, groups, reason },
      })
      expect([group, told.status]).toEqual([group, status === 200 ? 201 : status])
      expect((await house.records.users.find(added)) === undefined).toBe(status === 403)
      await house.addUser(changed)
      const change = { token: mine, method: 'PATCH', json: { groups, reason } }
      expect((await ask(`${house.url}/api/v1/users/${changed}`, change)).status).toBe(status)
      expect((await house.records.users.find(changed))?.groups).toEqual(status === 403 ? [] : groups)
    }
  })

  test('is taken over by nobody who may do less, by a password of their own', async () => {
    const name = fresh('boss')
    await house.addUser(name, [ADMINS])
    const before = await house.records.users.find(name)
    const mine = await house.token(['users:write'])
    const path = `${house.url}/api/v1/users/${name}`
    const change = (json: object, shown = mine) => ask(path, { token: shown, method: 'PATCH', json })
    for (const typed of [name, name.toUpperCase()]) {
      const json = { password, reason }
      const told = await ask(`${house.url}/api/v1/users/${typed}`, { token: mine, method: 'PATCH', json })
      expect([told.status, told.json.type]).toEqual([403, 'urn:ocbroker:problem:missing-scope'])
    }
    expect((await change({ password, groups: [], reason })).status).toBe(403)
    expect(await house.records.users.find(name)).toEqual(before)
    // Whoever leaves is barred by the program that does this for everybody.
    expect((await change({ enabled: false, reason })).status).toBe(200)
    expect((await change({ password, reason }, token)).status).toBe(200)
  })
})
