import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { replyRules } from '../../src/app/reply-rules.ts'
import { openStore } from '../../src/app/storage.ts'
import { stateInMemory } from '../../src/cluster/local-state.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { EnrollingPasskeys } from '../../src/manage/enrolling-passkeys.ts'
import { FormClient, headingOf } from '../http/form-client.ts'
import { SoftwareAuthenticator } from '../login/software-authenticator.ts'
import type { Installation, RunningBroker } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'
import { ask, loginRequest, type Reply } from '../real/radius-socket.ts'
import { type RealRedis, startRedis } from '../real/redis.ts'

const PASSWORD = 'correct horse'
type Broker = Installation & RunningBroker & { readonly url: string }

describeWith([...POSTGRES_NEEDS, 'redis-server', 'redis-cli'], 'a login that is approved', () => {
  const resources = new AsyncDisposableStack()
  let redis: RealRedis
  let postgres: Postgres
  let brokers: readonly [Broker, Broker]
  let alice: TestPerson
  let page: FormClient
  let device: SoftwareAuthenticator

  beforeAll(async () => {
    redis = await startRedis()
    resources.defer(redis.stop)
    postgres = await startPostgres()
    resources.defer(postgres.stop)
    const database = await postgres.newDatabase()
    const start = async (): Promise<Broker> => {
      const port = await freePort()
      const url = `http://localhost:${port}`
      const installation = await installOnPostgres({
        url: database,
        sections: {
          redis: { url: `redis://127.0.0.1:${redis.port}`, brokers: 2 },
          http: { address: '127.0.0.1', port },
          portal: { public_url: url },
          second_factor: { mode: 'approve' },
        },
      })
      resources.defer(installation.remove)
      const running = await installation.serve()
      resources.defer(running.stop)
      return { ...installation, ...running, url }
    }
    brokers = [await start(), await start()]
    const [, there] = brokers
    ;[alice] = (await addPeople(there, [{ name: 'alice', password: PASSWORD }])) as [TestPerson]
    device = await enrolPasskey(there)
    page = new FormClient(there.url)
    await page.get('/approve')
    await page.post('/sign-in', { name: 'alice', password: PASSWORD, to: 'approve' })
    await page.post('/code', { code: generateSync({ secret: alice.key }) })
  })
  afterAll(() => resources.disposeAsync())

  const send = (broker: Broker, password: string, state?: Buffer): Promise<Reply | undefined> =>
    ask(broker.authPort, loginRequest({ secret: broker.secret, user: 'alice', password, state }), {
      tries: 20,
    })

  /** The password is typed at the first broker; the page of the second shows the request. */
  async function asks(): Promise<{ readonly state?: Buffer; readonly id: string; readonly number: string }> {
    const asked = await send(brokers[0], PASSWORD)
    const number = /choose (\d\d)/.exec(asked?.message ?? '')?.[1] ?? ''
    expect(asked).toMatchObject({ code: 'Access-Challenge' })
    const { text } = await page.get('/approve')
    expect(text).toContain(`value="${number}"`)
    return { state: asked?.state, id: /name="id" value="([^"]+)"/.exec(text)?.[1] ?? '', number }
  }

  async function assertion(id: string, number: string): Promise<string> {
    const { text } = await page.post('/approve/options', { id, number }, { accept: 'application/json' })
    return device.get((JSON.parse(text) as { readonly challenge: string }).challenge)
  }

  test('at one broker lets its client in at either, and once', async () => {
    const { state, id, number } = await asks()
    const answer = await assertion(id, number)
    expect((await page.post('/approve', { id, number, answer })).text).toContain('Approved. Now press Enter')
    // A copy of the page, and of the answer of the passkey, approves nothing more.
    expect((await page.post('/approve', { id, number, answer })).text).toContain('nothing was approved')
    const replies = await Promise.all(
      brokers.flatMap((each) => [send(each, '', state), send(each, '', state)]),
    )
    expect(replies.filter((reply) => reply?.code === 'Access-Accept')).toHaveLength(1)
    expect(replies.filter((reply) => reply?.code === 'Access-Reject')).toHaveLength(3)
    expect(await brokers[0].ocbroker(['session', 'list'])).toHaveLength(1)
  })

  test('is refused by a wrong number, at whatever broker', async () => {
    const { state, id, number } = await asks()
    const { text } = await page.get('/approve')
    const others = [...text.matchAll(/name="number" value="(\d\d)"/g)].map(([, each = '']) => each)
    const wrong = others.find((each) => each !== number) ?? ''
    const answer = await assertion(id, wrong)
    // The answer was given for another number.
    expect((await page.post('/approve', { id, number, answer })).text).toContain('nothing was approved')
    const chosen = await page.post('/approve', { id, number: wrong, answer: await assertion(id, wrong) })
    expect(chosen.text).toContain('That was another number')
    expect(await send(brokers[1], '', state)).toMatchObject({ code: 'Access-Reject' })
  })

  test('is signed in for by a passkey that one broker asks for and the other is shown, once', async () => {
    const [here, there] = brokers.map(({ url }) => new FormClient(url)) as [FormClient, FormClient]
    await here.get('/')
    const asked = await here.post('/passkeys/options', { for: 'sign-in' }, { accept: 'application/json' })
    const { challenge } = JSON.parse(asked.text) as { readonly challenge: string }
    // As behind one address: the browser has the same cookies at both.
    there.takeCookie(here.cookie)
    await there.get('/')
    const passkey = device.get(challenge)
    expect(headingOf(await there.post('/passkeys/sign-in', { passkey }))).toBe('Your account')
    here.takeCookie(there.cookie)
    expect(headingOf(await here.get('/'))).toBe('Your account')
    const again = new FormClient(brokers[1].url)
    await again.get('/')
    expect(headingOf(await again.post('/passkeys/sign-in', { passkey }))).toBe('Sign in')
  })

  test('needs the passkey of the page: without one, or without a sign-in, nothing is approved', async () => {
    const { state, id, number } = await asks()
    expect((await page.post('/approve', { id, number, answer: '' })).text).toContain('nothing was approved')
    const stranger = new FormClient(brokers[1].url)
    await stranger.get('/')
    await stranger.post('/approve', { id, number, answer: await assertion(id, number) })
    const options = await stranger.post('/approve/options', { id, number })
    expect(options.status).toBe(404)
    expect((await stranger.get('/approve/events')).status).toBe(403)
    expect((await send(brokers[0], '', state))?.message).toContain('Not approved yet')
  })
})

/** As the portal would, for a device that this test has. */
async function enrolPasskey(broker: Broker): Promise<SoftwareAuthenticator> {
  const loaded = await loadConfig(broker.configFile, {}, replyRules)
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
  const store = await openStore(loaded.config)
  try {
    const { passkeys, audit } = store.records
    const passkeysOf = new EnrollingPasskeys({
      ...{ passkeys, audit, clock: systemClock, random: systemRandom },
      challenges: stateInMemory(systemClock).open('passkeys', 10),
      site: { rpId: 'localhost', origin: broker.url, name: 'VPN' },
    })
    const device = new SoftwareAuthenticator(broker.url)
    const owner = { subject: 'alice', browser: 'none' }
    const made = device.create(await passkeysOf.registrationOptions(owner, 'alice'))
    expect(await passkeysOf.register(made, owner, 'phone', {})).toMatchObject({ kind: 'enrolled' })
    return device
  } finally {
    await store.close()
  }
}
