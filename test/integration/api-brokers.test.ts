import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Ask, ask, type HttpAnswer } from '../http/ask.ts'
import { listenTo } from '../http/event-stream.ts'
import { FormClient, headingOf } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { ask as askGateway, loginRequest } from '../real/radius-socket.ts'
import { type RealRedis, startRedis } from '../real/redis.ts'

const needs = [...POSTGRES_NEEDS, 'redis-server', 'redis-cli']

describeWith(needs, 'the API of two brokers with one PostgreSQL and one Redis', () => {
  const resources = new AsyncDisposableStack()
  let postgres: Postgres
  let redis: RealRedis
  let here: TestBroker
  let there: TestBroker
  let token: string

  beforeAll(async () => {
    postgres = await startPostgres()
    resources.defer(postgres.stop)
    redis = await startRedis()
    resources.defer(redis.stop)
    const folder = temporaryFolder('two-apis')
    resources.defer(folder.remove)
    const key = `k1:${Buffer.alloc(32, 7).toString('base64')}\n`
    writeFileSync(folder.file('seed.key'), key, { mode: 0o600 })
    writeFileSync(folder.file('postgres.url'), await postgres.newDatabase(), { mode: 0o600 })
    const storage = { postgres: { url_file: folder.file('postgres.url') }, key_file: folder.file('seed.key') }
    const sectionsOf = (broker: string) => ({
      storage: { ...storage, spool: folder.file(broker) },
      redis: { url: `redis://127.0.0.1:${redis.port}`, brokers: 2 },
      http: { limits: { address: '100000/1m', token: '60/1m' } },
    })
    here = await startTestBroker(sectionsOf('here'), (end) => void resources.defer(end))
    there = await startTestBroker(sectionsOf('there'), (end) => void resources.defer(end))
    token = await here.token()
  })

  afterAll(() => resources.disposeAsync())

  const reason = 'the user called'
  let made = 0
  const fresh = () => `user${made++}`
  const api = (fixture: TestBroker, path: string, options: Ask = {}): Promise<HttpAnswer> =>
    ask(`${fixture.url}/api/v1${path}`, { token, ...options })

  test('tells of lockouts and logins wherever they happen, in their order and each once', async () => {
    const headers = { authorization: `Bearer ${token}` }
    const stream = await listenTo(`${here.url}/api/v1/events?topics=lockouts,logins`, headers)
    onTestFinished(stream.close)
    expect(stream.status).toBe(200)
    const user = fresh()
    const locked = await api(there, '/lockouts', { json: { scope: 'user', user, reason } })
    const kinds = () => stream.events.filter(({ data }) => data.user === user).map(({ kind }) => kind)
    await expect.poll(kinds, { timeout: 5_000, interval: 50 }).toEqual(['lockout.made'])
    const request = { secret: 'between-gateway-and-broker', user, password: 'any', from: '127.0.0.1' }
    await askGateway(there.authPort, loginRequest(request))
    await expect.poll(kinds, { timeout: 5_000 }).toEqual(['lockout.made', 'login.refused'])
    await api(here, `/lockouts/${locked.json.id}/release`, { json: { reason } })
    const all = ['lockout.made', 'login.refused', 'lockout.released']
    await expect.poll(kinds, { timeout: 5_000 }).toEqual(all)
    // The polls that follow read the same moments again.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(kinds()).toEqual(all)

    // A client that reconnects to any broker gets what came after the last event that it saw.
    const [first] = stream.events.filter(({ data }) => data.user === user)
    const again = await listenTo(`${there.url}/api/v1/events?topics=lockouts,logins`, {
      ...headers,
      'last-event-id': first?.id ?? '',
    })
    onTestFinished(again.close)
    const toldAgain = () => again.events.filter(({ data }) => data.user === user).map(({ kind }) => kind)
    await expect.poll(toldAgain, { timeout: 5_000 }).toEqual(all.slice(1))
  })

  test('executes a write once, whichever broker receives the retry', async () => {
    const user = fresh()
    const options = { headers: { 'idempotency-key': `key-of-${user}` } }
    const write = { ...options, json: { scope: 'user', user, reason } }
    const first = await api(here, '/lockouts', write)
    const second = await api(there, '/lockouts', write)
    expect([second.status, second.json]).toEqual([201, first.json])
    expect(second.headers['idempotent-replayed']).toBe('true')
    expect((await api(here, `/lockouts?user=${user}`)).json.items).toHaveLength(1)
  })

  test('keeps no recovery code in Redis that anybody could read there', async () => {
    const user = fresh()
    await here.enrol(user)
    const headers = { 'idempotency-key': `key-of-${user}` }
    const made = await api(here, `/enrolments/${user}/recovery-codes`, { json: { reason }, headers })
    const again = await api(there, `/enrolments/${user}/recovery-codes`, { json: { reason }, headers })
    expect(again.json).toEqual(made.json)
    const [code = ''] = made.json.recoveryCodes as unknown as string[]
    expect(code).not.toBe('')
    const kept = await Promise.all([...(await redis.expiries()).keys()].map((key) => redis.cli('get', key)))
    expect(kept.length).toBeGreaterThan(0)
    expect(kept.join('\n')).not.toContain(code)
  })

  test('knows a token that was revoked at the other broker for one, and counts its use at both', async () => {
    const name = fresh()
    const mine = await here.token(['audit:read'], { name })
    const statuses = []
    for (let n = 0; n < 62; n++)
      statuses.push((await api(n % 2 === 0 ? here : there, '/me', { token: mine })).status)
    expect(statuses.slice(0, 60)).toEqual(Array.from({ length: 60 }, () => 200))
    expect(statuses.slice(60)).toEqual([429, 429])
    const other = await here.token(['audit:read'], { name: `${name}-too` })
    expect((await api(there, '/me', { token: other })).status).toBe(200)
    await here.records.tokens.revoke(`${name}-too`, 'tests', Date.now())
    expect((await api(there, '/me', { token: other })).status).toBe(401)
  })

  test('knows a browser that signed in at the other broker, until it signs out', async () => {
    const user = fresh()
    await here.addUser(user, ['auditors'])
    await here.enrol(user)
    const client = new FormClient(here.url)
    await client.get('/')
    await client.post('/sign-in', { name: user, password: PASSWORD })
    await client.post('/code', { code: here.code() })
    expect(headingOf(await client.get('/'))).toBe('Your account')
    const { cookie } = client
    const status = async () => (await ask(`${there.url}/api/v1/me`, { headers: { cookie } })).status
    expect(await status()).toBe(200)
    await client.post('/sign-out')
    expect(await status()).toBe(401)
  })

  test('reports which of the two is not available, and works again afterwards', {
    timeout: 60_000,
  }, async () => {
    const ready = async () => {
      const { status, json } = await ask(`${here.url}/readyz`)
      const { dependencies } = json as unknown as { dependencies: { name: string; ready: boolean }[] }
      return [status, Object.fromEntries(dependencies.map(({ name, ready }) => [name, ready]))]
    }
    const within = { timeout: 20_000, interval: 300 }
    await expect.poll(ready, within).toEqual([200, expect.objectContaining({ storage: true, redis: true })])
    await redis.kill()
    await expect.poll(ready, within).toEqual([503, expect.objectContaining({ storage: true, redis: false })])
    await redis.start()
    await expect.poll(ready, within).toEqual([200, expect.objectContaining({ storage: true, redis: true })])
    postgres.hang()
    try {
      await expect
        .poll(ready, within)
        .toEqual([503, expect.objectContaining({ storage: false, redis: true })])
      expect((await ask(`${here.url}/healthz`)).status).toBe(200)
      const answer = await api(here, '/lockouts')
      expect([answer.status, answer.json.type]).toEqual([503, 'urn:ocbroker:problem:unavailable'])
    } finally {
      postgres.resume()
    }
    await expect.poll(ready, within).toEqual([200, expect.objectContaining({ storage: true, redis: true })])
  })
})
