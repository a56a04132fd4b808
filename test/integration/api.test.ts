import { setTimeout as sleep } from 'node:timers/promises'
import { generateSync } from 'otplib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { type Ask, ask } from '../http/ask.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'

const resources = new AsyncDisposableStack()
let fixture: TestBroker
let token: string

beforeAll(async () => {
  fixture = await startTestBroker({}, (end) => void resources.defer(end))
  token = await fixture.token()
})

afterAll(() => resources.disposeAsync())

const api = (path: string, options: Ask = {}) => ask(`${fixture.url}/api/v1${path}`, { token, ...options })
const reason = 'the user called'
let made = 0
const fresh = (what: string) => `${what}${made++}`

async function lock(user: string, more: object = {}) {
  const { json } = await api('/lockouts', { json: { scope: 'user', user, reason, ...more } })
  return json
}

/** Everything, page after page. */
async function allOf(path: string): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = []
  let cursor = ''
  do {
    const { json } = await api(`${path}${cursor === '' ? '' : `&cursor=${cursor}`}`)
    items.push(...(json.items as unknown as Record<string, unknown>[]))
    cursor = String(json.next ?? '')
  } while (cursor !== '')
  return items
}

describe('lockouts', () => {
  test('are found by user, whatever realm is typed, and told with their state', async () => {
    const user = fresh('Locked')
    const until = new Date(Date.now() + 3_600_000).toISOString()
    await lock(`${user}@corp.example`, { until })
    const { json } = await api(`/lockouts?user=${encodeURIComponent(`CORP\\${user}`)}`)
    expect(json.items).toMatchObject([
      { user: user.toLowerCase(), scope: 'user', cause: 'by_hand', state: 'in_force', reason, until },
    ])
    expect((await api(`/lockouts?user=${user}&state=ended`)).json.items).toEqual([])
    expect((await api(`/lockouts?user=${user}&before=2020-01-01T00:00:00Z`)).json.items).toEqual([])
    expect((await api(`/lockouts?user=${user}&since=2020-01-01T00:00:00%2B01:00`)).json.items).toHaveLength(1)
  })

  test('come a page at a time in either order, each once', async () => {
    const address = '203.0.113.77'
    for (let round = 0; round < 7; round++) {
      await lock(fresh('locked'), { scope: 'user_address', address })
      await sleep(2)
    }
    const newest = await allOf(`/lockouts?address=${address}&limit=3`)
    expect(newest).toHaveLength(7)
    const oldest = await allOf(`/lockouts?address=${address}&limit=2&sort=oldest`)
    expect(oldest).toEqual(newest.toReversed())
    const times = newest.map(({ since }) => String(since))
    expect(times).toEqual(times.toSorted().toReversed())
  })

  test('are told one by one with their history', async () => {
    const user = fresh('locked')
    const { id } = await lock(user)
    const { json } = await api(`/lockouts/${id}`)
    expect(json.lockout).toMatchObject({ id, user, state: 'in_force' })
    expect(json.history).toMatchObject([{ kind: 'lockout.made', user, reason: 'by_hand' }])
  })

  test('are released with a reason, once, and the user can log in again', async () => {
    const user = fresh('locked')
    const { id } = await lock(user)
    expect((await api(`/explain?user=${user}`)).json.outcome).toMatchObject({ reason: 'locked' })
    const released = await api(`/lockouts/${id}/release`, { json: { reason } })
    expect(released.json).toMatchObject({ state: 'released', releaseReason: reason })
    expect(String(released.json.releasedBy)).toMatch(/\(token\)$/)
    const again = await api(`/lockouts/${id}/release`, { json: { reason } })
    expect(again.json).toMatchObject({ type: 'urn:ocbroker:problem:conflict', status: 409 })
    expect((await api(`/explain?user=${user}`)).json.locks).toEqual([])
  })

  test('are released together, by their identifiers or by a filter', async () => {
    const address = '203.0.113.78'
    const locked: string[] = []
    for (let count = 0; count < 3; count++)
      locked.push(String((await lock(fresh('locked'), { scope: 'user_address', address })).id))
    const release = (json: object) => api('/lockouts/release', { json: { reason, ...json } })
    const [first = ''] = locked
    const unknown = systemRandom.id()
    expect((await release({ ids: [first, unknown, first] })).json).toEqual({
      released: [first],
      left: [{ id: unknown, why: 'not_in_force' }],
      more: false,
    })
    const { since } = (await api(`/lockouts/${locked[2]}`)).json.lockout as unknown as { since: string }
    await release({ filter: { address, before: since } })
    const rest = async () => (await api(`/lockouts?address=${address}&state=in_force`)).json.items
    expect(await rest()).toMatchObject([{ id: locked[2] }])
    expect((await release({ filter: { address, hint: 'guessing' } })).json.released).toEqual([])
    expect((await release({ filter: { address, hint: 'by_hand' } })).json.released).toEqual([locked[2]])
    const events = await allOf(`/audit-events?kind=lockout.released&address=${address}&limit=9`)
    expect(events.map(({ detail }) => detail)).toEqual([reason, reason, reason])
    for (const wrong of [{}, { ids: [first], filter: { address } }, { filter: {} }, { ids: [] }])
      expect((await release(wrong)).status).toBe(400)
    expect((await release({ filter: { address: 'here' } })).json.errors).toMatchObject([
      { path: '/body/filter/address' },
    ])
  })

  test('by hand name what they lock, and nothing else', async () => {
    for (const [body, part] of [
      [{ scope: 'user' }, 'user'],
      [{ scope: 'address', user: 'bob', address: '192.0.2.1' }, 'user'],
      [{ scope: 'user', user: 'bob', address: '192.0.2.1' }, 'address'],
      [{ scope: 'user_address', user: 'bob' }, 'address'],
      [{ scope: 'address', address: 'here' }, 'address'],
      [{ scope: 'user', user: 'b\nob' }, 'user'],
      [{ scope: 'user', user: 'bob', until: '2020-01-01T00:00:00Z' }, 'until'],
      [{ scope: 'user', user: 'bob', until: '2016-12-31T23:59:60Z' }, 'until'],
    ] as const) {
      const { status, json } = await api('/lockouts', { json: { ...body, reason } })
      expect([status, json.errors]).toMatchObject([400, [{ path: `/body/${part}` }]])
    }
  })

  test('need a reason that says something', async () => {
    for (const empty of [undefined, '', ' ', '\t', 'x'.repeat(201), 'a\u0000b', 'two\nlines'])
      expect((await api('/lockouts', { json: { scope: 'user', user: 'bob', reason: empty } })).status).toBe(
        400,
      )
  })
})

describe('writes under an Idempotency-Key', () => {
  const keyed = (key: string, json: unknown, more: Ask = {}) =>
    api('/lockouts', { json, headers: { 'idempotency-key': key }, ...more })

  test('are done once, and repetitions get the same answer', async () => {
    const user = fresh('locked')
    const body = { scope: 'user', user, reason }
    const first = await keyed(`key-for-${user}`, body)
    const second = await keyed(`key-for-${user}`, body)
    expect(second.status).toBe(201)
    expect(second.json).toEqual(first.json)
    expect(second.headers['idempotent-replayed']).toBe('true')
    expect((await api(`/lockouts?user=${user}`)).json.items).toHaveLength(1)
  })

  test('are done once when they arrive together', async () => {
    const user = fresh('locked')
    const body = { scope: 'user', user, reason }
    const answers = await Promise.all(Array.from({ length: 8 }, () => keyed(`key-for-${user}`, body)))
    expect(answers.filter(({ status }) => status !== 201).every(({ status }) => status === 409)).toBe(true)
    expect((await api(`/lockouts?user=${user}`)).json.items).toHaveLength(1)
  })

  test('are refused where the key was another request’s, and belong to their caller', async () => {
    const user = fresh('locked')
    await keyed(`key-for-${user}`, { scope: 'user', user, reason })
    const other = await keyed(`key-for-${user}`, { scope: 'user', user: fresh('locked'), reason })
    expect(other.json).toMatchObject({ status: 422, type: 'urn:ocbroker:problem:key-reused' })
    const stranger = await fixture.token()
    const mine = await keyed(
      `key-for-${user}`,
      { scope: 'user', user: fresh('locked'), reason },
      { token: stranger },
    )
    expect(mine.status).toBe(201)
  })

  test('may be tried again where nothing was done', async () => {
    const user = fresh('user')
    const body = { name: user, ipv4: '10.9.0.1', reason }
    const headers = { 'idempotency-key': `key-for-${user}` }
    const other = fresh('user')
    await api('/users', { json: { name: other, ipv4: '10.9.0.1', reason } })
    expect((await api('/users', { json: body, headers })).json.type).toBe(
      'urn:ocbroker:problem:address-taken',
    )
    await api(`/users/${other}?reason=x`, { method: 'DELETE' })
    expect((await api('/users', { json: body, headers })).status).toBe(201)
  })
})

describe('users', () => {
  test('are added, changed part by part, and removed', async () => {
    const name = fresh('user')
    const added = await api('/users', {
      json: {
        name: name.toUpperCase(),
        password: PASSWORD,
        groups: ['a', 'b', 'a'],
        ipv6: '2001:DB8:0::5',
        reason,
      },
    })
    expect(added.status).toBe(201)
    expect(added.json).toMatchObject({
      name,
      enabled: true,
      hasPassword: true,
      groups: ['a', 'b'],
      ipv6: '2001:db8::5',
    })
    const expiresAt = '2027-01-01T00:00:00.000Z'
    const changed = await api(`/users/${name}`, {
      method: 'PATCH',
      json: { ipv4: '10.9.1.1', expiresAt, reason },
    })
    expect(changed.json).toMatchObject({
      groups: ['a', 'b'],
      ipv4: '10.9.1.1',
      ipv6: '2001:db8::5',
      expiresAt,
    })
    const bared = await api(`/users/${name}`, {
      method: 'PATCH',
      json: { ipv6: null, expiresAt: null, groups: [], enabled: false, reason },
    })
    expect(bared.json).toMatchObject({ enabled: false, groups: [], ipv4: '10.9.1.1' })
    expect(bared.json).not.toHaveProperty('ipv6')
    expect(bared.json).not.toHaveProperty('expiresAt')
    expect((await api(`/users/${name}?reason=left`, { method: 'DELETE' })).status).toBe(204)
    expect((await api(`/users/${name}`)).status).toBe(404)
    const { json } = await api(`/audit-events?user=${name}&sort=oldest`)
    expect(json.items).toMatchObject([
      { kind: 'user.added', detail: reason, address: '127.0.0.1' },
      { kind: 'user.changed', detail: `ipv4 10.9.1.1, expires ${expiresAt}: ${reason}` },
      { kind: 'user.changed', detail: `disabled, groups none, ipv6 none, expires never: ${reason}` },
      { kind: 'user.removed', detail: 'left' },
    ])
  })

  test('are followed through the audit trail, each change once and in order', async () => {
    const name = fresh('user')
    const events = async (query: string) => {
      const { json } = await api(`/audit-events?${query}`)
      return json.items as unknown as readonly { id: string; kind: string; user: string }[]
    }
    await lock(fresh('locked'))
    let last = (await events('limit=1'))[0]?.id ?? ''
    const seen: unknown[] = []
    const follow = async (more = '') => {
      const items = await events(`after=${last}&limit=2${more}`)
      last = items.at(-1)?.id ?? last
      seen.push(...items.filter(({ user }) => user === name).map(({ kind }) => kind))
      return items.length
    }
    await api('/users', { method: 'POST', json: { name, password: PASSWORD, reason } })
    await api(`/users/${name}`, { method: 'PATCH', json: { enabled: false, reason } })
    await expect.poll(() => follow().then(() => seen)).toEqual(['user.added', 'user.changed'])
    expect(await follow(`&user=${name}`)).toBe(0)
    await api(`/users/${name}?reason=left`, { method: 'DELETE' })
    expect(await follow(`&user=${name}&kind=user.removed`)).toBe(1)
    const nil = '00000000-0000-0000-0000-000000000000'
    const all = await events(`after=${nil}&user=${name}`)
    expect(all.map(({ kind }) => kind)).toEqual(seen)
    const unknown = await api('/audit-events?after=01a22bec-c7cb-7680-bce1-574480aaea1c')
    expect([unknown.status, unknown.json.type]).toEqual([410, 'urn:ocbroker:problem:gone'])
    expect((await api(`/audit-events?after=${last}&cursor=YQ`)).status).toBe(400)
  })

  test('are found by group, and by whether they may log in', async () => {
    const [group, other] = [fresh('group'), fresh('group')]
    const [one, two, three] = [fresh('user'), fresh('user'), fresh('user')].toSorted()
    await api('/users', { json: { name: one, groups: [group, other], reason } })
    await api('/users', { json: { name: two, groups: [group], reason } })
    await api('/users', { json: { name: three, groups: [other], reason } })
    await api(`/users/${two}`, { method: 'PATCH', json: { enabled: false, reason } })
    const names = async (query: string) => (await allOf(`/users?${query}&limit=1`)).map(({ name }) => name)
    expect(await names(`group=${group}`)).toEqual([one, two])
    expect(await names(`group=${other}`)).toEqual([one, three])
    expect(await names(`group=${group}&enabled=true`)).toEqual([one])
    expect(await names(`group=${group}&enabled=false`)).toEqual([two])
    expect(await names('group=nobody')).toEqual([])
    expect((await allOf(`/users?group=${group}`))[0]?.groups).toEqual([group, other])
    expect((await api('/users?enabled=perhaps')).status).toBe(400)
  })

  test('keep their names and addresses to themselves', async () => {
    const [one, two] = [fresh('user'), fresh('user')]
    await api('/users', { json: { name: one, ipv4: '10.9.2.1', reason } })
    const twice = await api('/users', { json: { name: one, reason } })
    expect(twice.json.type).toBe('urn:ocbroker:problem:already-exists')
    const taken = await api('/users', { json: { name: two, ipv4: '10.9.2.1', reason } })
    expect(taken.json.type).toBe('urn:ocbroker:problem:address-taken')
  })

  test('have names that a login can carry, and passwords that are long enough, rare and not too long', async () => {
    const present = fresh('user')
    expect((await api('/users', { json: { name: present, reason } })).status).toBe(201)
    const change = { method: 'PATCH', json: { password: 'Trustno1', reason } }
    expect((await api(`/users/${present}`, change)).json.errors).toMatchObject([
      { path: '/body/password', message: expect.stringMatching(/^is one of the most common/) },
    ])
    for (const [body, part] of [
      [{ name: 'bob@two@realms' }, 'name'],
      [{ name: 'b\u0007b' }, 'name'],
      [{ name: fresh('user'), password: '密'.repeat(60) }, 'password'],
      [{ name: 'walter', password: 'Walter-2027' }, 'password'],
      [{ name: fresh('user'), password: 'kX7 qvz' }, 'password'],
    ] as const)
      expect((await api('/users', { json: { ...body, reason } })).json.errors).toMatchObject([
        { path: `/body/${part}` },
      ])
  })

  test('with odd names are reached by their path', async () => {
    const name = `o'brien/密 %2f${made++}`
    expect((await api('/users', { json: { name, reason } })).status).toBe(201)
    expect((await api(`/users/${encodeURIComponent(name)}`)).json.name).toBe(name)
  })

  test('never show their hashes', async () => {
    const { text } = await api('/users?limit=100')
    expect(text).not.toMatch(/argon2|passwordHash/)
  })
})

describe('enrolments', () => {
  test('are begun, confirmed by the code of the shown key, and seen without it', async () => {
    const user = fresh('user')
    await fixture.addUser(user)
    const pending = await api('/pending-enrolments', { json: { user } })
    expect(pending.json).toMatchObject({ subject: user, digits: 6, period: 30, algorithm: 'sha1' })
    expect(String(pending.json.uri)).toContain(`secret=${pending.json.key}`)
    expect((await api(`/enrolments/${user}`)).status).toBe(404)
    const confirm = (code: string) =>
      api(`/pending-enrolments/${pending.json.id}/confirm`, { json: { code, reason } })
    expect((await confirm('000000')).json.type).toBe('urn:ocbroker:problem:wrong-code')
    const code = generateSync({ secret: String(pending.json.key) })
    const confirmed = await confirm(`${code.slice(0, 3)} ${code.slice(3)}`)
    expect(confirmed.json.enrolment).toMatchObject({ subject: user, kind: 'totp', recoveryCodesLeft: 10 })
    expect(confirmed.json.recoveryCodes).toHaveLength(10)
    expect((await confirm(code)).status).toBe(404)
    const seen = await api(`/enrolments/${user}`)
    expect(seen.json).toMatchObject({ items: [{ subject: user, used: true, recoveryCodesLeft: 10 }] })
    expect(seen.text).not.toMatch(/seed|secret|key/i)
    const list = await allOf('/enrolments?limit=1')
    expect(list.filter(({ subject }) => subject === user)).toHaveLength(1)
  })

  test('may have a key of their own, which no answer repeats', async () => {
    const user = fresh('user')
    await fixture.addUser(user)
    const [seed, hex] = ['12345678901234567890', '3132333435363738393031323334353637383930']
    const pending = await api('/pending-enrolments', {
      json: { user, key: 'gezd gnbv GY3TQOJQ GEZDGNBVGY3TQOJQ' },
    })
    expect(pending.json).toMatchObject({ subject: user, digits: 6, warnings: [] })
    expect(pending.text).not.toMatch(/otpauth|GEZD/i)
    const code = generateSync({ secret: Buffer.from(seed) })
    const confirmed = await api(`/pending-enrolments/${pending.json.id}/confirm`, { json: { code, reason } })
    expect(confirmed.status).toBe(201)
    expect(confirmed.text).not.toMatch(/GEZD|31323334/)
    const short = await api('/pending-enrolments', { json: { user, key: hex.slice(0, 20) } })
    expect(short.json.warnings).toEqual([expect.stringContaining('under 128 bits (RFC 4226 §4)')])
    for (const [key, message] of [
      [hex.slice(0, 18), 'the seed has 72 bits; 80 is the least that is taken'],
      ['not a key!', 'the seed is not written in base32'],
    ]) {
      const refused = await api('/pending-enrolments', { json: { user, key } })
      expect(refused.json).toMatchObject({ status: 400, errors: [{ path: '/body/key', message }] })
    }
  })

  test('stand beside each other with names, and are revoked one by one or all', async () => {
    const user = fresh('user')
    await fixture.enrol(user)
    await fixture.addUser(user)
    const add = async () => {
      const pending = await api('/pending-enrolments', { json: { user, add: true, name: 'Tablet' } })
      const code = generateSync({ secret: String(pending.json.key) })
      return api(`/pending-enrolments/${pending.json.id}/confirm`, { json: { code, reason } })
    }
    const first = await add()
    expect(first.json).toMatchObject({ enrolment: { name: 'Tablet' }, recoveryCodes: [] })
    expect((await add()).json).toMatchObject({ enrolment: { name: 'Tablet 2' } })
    const all = () =>
      allOf(`/enrolments?limit=1`).then((list) => list.filter(({ subject }) => subject === user))
    expect((await all()).map(({ name }) => name)).toEqual([undefined, 'Tablet', 'Tablet 2'])
    const [, { id }] = (await all()) as unknown as [unknown, { id: string }]
    const revoke = (json: object) => api(`/enrolments/${user}/revoke`, { json: { reason, ...json } })
    expect((await revoke({ id })).status).toBe(204)
    expect((await revoke({ id })).status).toBe(404)
    expect((await all()).map(({ name }) => name)).toEqual([undefined, 'Tablet 2'])
    expect((await revoke({})).status).toBe(204)
    expect(await all()).toEqual([])
    const bad = await api('/pending-enrolments', { json: { user, name: '   ' } })
    expect(bad.status).toBe(400)
  })

  test('of an unknown user are not begun', async () => {
    expect((await api('/pending-enrolments', { json: { user: 'nobody-at-all' } })).status).toBe(404)
  })

  test('are revoked, and recovery codes renewed', async () => {
    const user = fresh('user')
    await fixture.enrol(user)
    const codes = await api(`/enrolments/${user}/recovery-codes`, { json: { reason } })
    expect(codes.json.recoveryCodes).toHaveLength(10)
    expect((await api(`/enrolments/${user}`)).json).toMatchObject({ items: [{ recoveryCodesLeft: 10 }] })
    expect((await api(`/enrolments/${user}/revoke`, { json: { reason } })).status).toBe(204)
    expect((await api(`/enrolments/${user}/revoke`, { json: { reason } })).status).toBe(404)
    expect((await api(`/enrolments/${user}/recovery-codes`, { json: { reason } })).status).toBe(404)
  })
})

describe('the audit trail', () => {
  test('is exported whole, as lines of JSON and as a table that no spreadsheet runs', async () => {
    const user = fresh('exported')
    for (let n = 0; n < 1203; n++)
      await fixture.records.audit.append({
        id: systemRandom.id(),
        at: Date.now(),
        kind: 'login.refused',
        user,
        detail: n === 0 ? '=cmd|"/c calc"!A1, and\nmore' : `try ${n}`,
      })
    const lines = await api(`/audit-events/export?user=${user}`)
    expect(lines.headers['content-type']).toMatch(/^application\/x-ndjson/)
    expect(lines.headers['content-disposition']).toMatch(/^attachment; filename="?audit-events\.ndjson"?$/)
    const events = lines.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(new Set(events.map(({ id }) => id)).size).toBe(1203)
    const table = await api(`/audit-events/export?user=${user}&format=csv&sort=oldest`)
    expect(table.headers['content-type']).toMatch(/^text\/csv/)
    expect(table.text).toContain(`"'=cmd|""/c calc""!A1, and\\u{a}more"`)
    expect(table.text.match(/\r\n/g)).toHaveLength(1204)
    const few = await api(`/audit-events/export?user=${user}&limit=501`)
    expect(few.text.trimEnd().split('\n')).toHaveLength(501)
  })

  test('is read by kind, actor, address and reason', async () => {
    const user = fresh('locked')
    await lock(user, { scope: 'user_address', address: '2001:db8::99' })
    const of = async (query: string) =>
      (await allOf(`/audit-events?${query}`)).filter((event) => event.user === user)
    expect(await of('kind=lockout.made,user.added')).toHaveLength(1)
    expect(await of('kind=user.added')).toHaveLength(0)
    expect(await of('address=2001:DB8:0::99')).toHaveLength(1)
    expect(await of('reason=by_hand')).toHaveLength(1)
    const [event] = await of(`user=${user}`)
    expect(await of(`actor=${encodeURIComponent(String(event?.actor))}`)).toHaveLength(1)
  })
})

describe('explain', () => {
  const outcome = async (query: string) => (await api(`/explain?${query}`)).json.outcome

  test('follows the way of a login from the lock to the reply', async () => {
    const user = fresh('user')
    expect(await outcome(`user=${user}`)).toMatchObject({
      kind: 'would_be_refused',
      reason: 'bad_credentials',
    })
    await fixture.addUser(user)
    expect(await outcome(`user=${user}`)).toMatchObject({ reason: 'no_second_factor' })
    await fixture.enrol(user)
    const { json } = await api(`/explain?user=${user}&address=::ffff:192.0.2.8`)
    expect(json).toMatchObject({
      user,
      gateway: 'gw1',
      address: '192.0.2.8',
      policy: 'everyone',
      locks: [],
      outcome: { kind: 'would_pass' },
      stores: [{ store: 'local', subject: user, answer: 'known' }],
      enrolments: [{ subject: user }],
      reply: [{ name: 'Framed-Route', value: '10.0.0.0/8' }],
    })
    await api(`/users/${user}`, { method: 'PATCH', json: { enabled: false, reason } })
    expect(await outcome(`user=${user}`)).toMatchObject({ reason: 'barred' })
    await lock(user, { scope: 'user_address', address: '192.0.2.8' })
    expect(await outcome(`user=${user}&address=192.0.2.8`)).toMatchObject({ reason: 'locked' })
    expect(await outcome(`user=${user}&address=192.0.2.9`)).toMatchObject({ reason: 'barred' })
  })

  test('changes and counts nothing', async () => {
    const user = fresh('user')
    await fixture.addUser(user)
    for (let n = 0; n < 30; n++) await api(`/explain?user=${user}`)
    expect((await api(`/audit-events?user=${user}`)).json.items).toEqual([])
    expect(await outcome(`user=${user}`)).toMatchObject({ reason: 'no_second_factor' })
  })

  test('says which part of a question is wrong', async () => {
    for (const [query, part] of [
      ['user=a%07b', 'user'],
      ['user=a&gateway=nowhere', 'gateway'],
      ['user=a&address=nowhere', 'address'],
    ])
      expect((await api(`/explain?${query}`)).json.errors).toMatchObject([{ path: `/query/${part}` }])
  })
})

describe('the service', () => {
  test('says who asks, and when that ends', async () => {
    const expiresAt = Date.now() + 60_000
    const mine = await fixture.token(['audit:read'], { name: fresh('monitoring'), expiresAt })
    expect((await api('/me', { token: mine })).json).toMatchObject({
      kind: 'token',
      scopes: ['audit:read'],
      until: new Date(expiresAt).toISOString(),
    })
  })

  test('is ready with every part of it named', async () => {
    const { status, json } = await ask(`${fixture.url}/readyz`)
    expect([status, json]).toMatchObject([
      200,
      { status: 'ready', dependencies: [{ name: 'storage', ready: true }] },
    ])
  })

  test('gives its figures to Prometheus', async () => {
    const { headers, text } = await ask(`${fixture.url}/metrics`, { token })
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(text).toMatch(/^# TYPE ocbroker_login_seconds histogram$/m)
  })

  test('notes the last use of a token, and not at every use', async () => {
    const name = fresh('token')
    const mine = await fixture.token(['audit:read'], { name })
    const use = async () =>
      (await fixture.records.tokens.list(1000)).find((each) => each.name === name)?.lastUsedAt
    expect(await use()).toBeUndefined()
    await api('/me', { token: mine })
    await expect.poll(use).toBeDefined()
    const noted = await use()
    for (let n = 0; n < 5; n++) await api('/me', { token: mine })
    await sleep(50)
    expect(await use()).toBe(noted)
  })

  test('knows a revoked token for one at once', async () => {
    const name = fresh('token')
    const mine = await fixture.token(['audit:read'], { name })
    expect((await api('/me', { token: mine })).status).toBe(200)
    await fixture.records.tokens.revoke(name, 'tests', Date.now())
    const refused = await api('/me', { token: mine })
    expect(refused.status).toBe(401)
    expect(refused.headers['www-authenticate']).toBe('Bearer realm="ocbroker", error="invalid_token"')
  })
})

describe('refusals', () => {
  test('are problem details that quote nothing of what was sent', async () => {
    for (const [body, status] of [
      [`{"name":"bob","password":"${PASSWORD}"`, 400],
      [`{"name":"bob","password":"${PASSWORD}","passwort":"${PASSWORD}","reason":"x"}`, 400],
      [`{"name":"bob","password":["${PASSWORD}"],"reason":"x"}`, 400],
      [`{"name":"bob","password":"${PASSWORD}","reason":"x","__proto__":{"isAdmin":true}}`, 400],
      [`"${PASSWORD}"`, 400],
      [`{"password":"${PASSWORD}${'x'.repeat(70_000)}"}`, 413],
    ] as const) {
      const answer = await api('/users', {
        body,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      })
      expect(answer.status).toBe(status)
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
      expect(answer.json).toMatchObject({ status, title: expect.any(String) })
      expect(answer.text).not.toContain(PASSWORD)
    }
    expect(await fixture.log()).not.toContain(PASSWORD)
  })

  test('do not quote the few letters that a parser would', async () => {
    const secret = 'hunter2'
    for (const body of [secret, `{"password":${secret}}`, `{"a":1}${secret}`]) {
      const headers = { 'content-type': 'application/json' }
      const answer = await api('/users', { body, method: 'POST', headers })
      expect([answer.status, answer.json.type]).toEqual([400, 'urn:ocbroker:problem:malformed-body'])
      expect(answer.text).not.toContain(secret)
    }
    expect(await fixture.log()).not.toContain(secret)
  })

  test('meet every NUL, which PostgreSQL keeps in no text', async () => {
    for (const query of ['gateway=a%00b', 'gateway=%00'])
      expect((await api(`/lockouts?${query}`)).json.errors).toMatchObject([
        { path: '/query/gateway', message: 'contains a NUL character' },
      ])
    const groups = { name: fresh('user'), password: 'long enough\u0000', reason }
    expect((await api('/users', { json: groups })).json.errors).toMatchObject([
      { path: '/body/password', message: 'contains a NUL character' },
    ])
  })

  test('name the media types that are not taken', async () => {
    const types: readonly Readonly<Record<string, string>>[] = [
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/x-www-form-urlencoded' },
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      { 'content-type': 'application/json; charset=latin1' },
    ]
    for (const headers of types)
      expect((await api('/users', { body: '{"name":"bob"}', headers })).status).toBe(415)
  })

  test('of methods say which there are', async () => {
    for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const answer = await api('/users', { method })
      expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD, POST'])
    }
  })

  test('come as documents even to a browser', async () => {
    const { headers } = await api('/nothing', { headers: { accept: 'text/html' } })
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8')
  })
})

describe('limits', () => {
  test('bound what one token and one address may ask', async () => {
    const small = await startTestBroker({ http: { limits: { address: '5/1m', token: '8/1m' } } })
    const mine = await small.token(['audit:read'])
    const status = async (shown?: string) => (await ask(`${small.url}/api/v1/me`, { token: shown })).status
    for (let n = 0; n < 8; n++) expect(await status(mine)).toBe(200)
    const refused = await ask(`${small.url}/api/v1/me`, { token: mine })
    expect(refused.status).toBe(429)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    // Another token of the same address is another caller; nobody at all draws on the address.
    expect(await status(await small.token(['audit:read']))).toBe(200)
    const statuses = []
    for (let n = 0; n < 6; n++) statuses.push(await status())
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429])
  })
})

describe('people', () => {
  test('come by where they stand in the roll-out, page after page', async () => {
    const { records, enrol } = fixture
    const group = fresh('crew')
    const names = Array.from({ length: 5 }, (_, index) => `${group}-${index}`)
    const [enrolled = '', invited = ''] = names
    for (const name of names)
      await records.users.add({ name, enabled: true, groups: [group], attributes: {}, createdAt: Date.now() })
    await enrol(enrolled)
    await records.invitations.put({
      ...{ id: systemRandom.id(), subject: invited, hash: fresh('hash'), createdBy: 'tests' },
      ...{ createdAt: Date.now(), expiresAt: Date.now() + 60_000 },
    })
    const missing = await allOf(`/people?filter=not_enrolled&group=${group}&limit=2`)
    expect(missing.map(({ name }) => name)).toEqual(names.slice(1))
    expect(missing[0]).toMatchObject({
      ...{ isLocal: true, groups: [group], hasSecondFactor: false, isLocked: false },
      invitation: { state: 'waiting' },
    })
    const others = await allOf(`/people?filter=enrolled&group=${group}`)
    expect(others).toMatchObject([{ name: enrolled, hasSecondFactor: true, enrolledAt: expect.any(String) }])
    expect((await api('/people?filter=nonsense')).status).toBe(400)
  })
})
