import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { AuditEvent } from '../../src/domain/audit.ts'
import { type Broker, type Sections, startBroker } from '../real/broker.ts'
import { type Freeradius, startFreeradius } from '../real/freeradius.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { ask, loginRequest, type Reply } from '../real/radius-socket.ts'
import { SASLAUTHD_NEEDS, type Saslauthd, startSaslauthd } from '../real/saslauthd.ts'
import { ADMIN, ADMIN_PASSWORD, PEOPLE, person, SLAPD_NEEDS, type Slapd, startSlapd } from '../real/slapd.ts'

const UPSTREAM_SECRET = 'between broker and upstream'
/** Its address is the gateway's name in RADIUS. */
const GW1 = '127.0.0.1'
const GW2 = '127.0.0.2'
/** A system account that is in every Debian's /etc/passwd, where the broker looks whether it knows a name. */
const SYSTEM_USER = 'games'
const DEADLINE_MS = 3000
const UNAVAILABLE = {
  code: 'Access-Reject',
  message: 'The login service is not available. Try again in a moment.',
}
const ACCEPTED = { code: 'Access-Accept' }
const REFUSED = { code: 'Access-Reject', message: 'Login failed.' }

describeWith([...SLAPD_NEEDS, ...SASLAUTHD_NEEDS, 'freeradius'], 'several identity stores', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd
  let daemon: Saslauthd
  let upstream: Freeradius

  beforeAll(async () => {
    slapd = await startSlapd({
      entries: [person('bob', 'in corp'), person('tom', 'in corp'), person('eve', 'in corp')],
    })
    resources.defer(slapd.stop)
    daemon = await startSaslauthd([{ name: SYSTEM_USER, password: 'in system' }])
    resources.defer(daemon.stop)
    upstream = await startFreeradius({
      secret: UPSTREAM_SECRET,
      signsReplies: true,
      users: [
        { name: 'pia', password: 'at the partner' },
        { name: 'pia@partner.example', password: 'at the partner, with realm' },
      ],
    })
    resources.defer(upstream.stop)
  })

  afterAll(() => resources.disposeAsync())

  const corp = (more: Sections = {}) => ({
    type: 'ldap',
    urls: [slapd.url],
    bind_dn: ADMIN,
    bind_password: ADMIN_PASSWORD,
    user_base: PEOPLE,
    ...more,
  })
  const system = (more: Sections = {}) => ({
    type: 'pam',
    socket: daemon.socket,
    service: daemon.service,
    parallel: 2,
    ...more,
  })
  const partner = (more: Sections = {}) => ({
    type: 'radius',
    servers: [{ host: '127.0.0.1', port: upstream.authPort, secret: UPSTREAM_SECRET }],
    ...more,
  })

  const local = (name: string) => ({ name, password: 'in local', enrolled: false })

  /** With the local users lou and tom. */
  async function brokerOver(identity: Sections, more: Sections = {}): Promise<Broker> {
    const broker = await startBroker({
      sections: {
        identity,
        radius: { deadline: `${DEADLINE_MS}ms` },
        gateways: [
          { name: 'gw1', address: GW1, secret: SECRET },
          { name: 'gw2', address: GW2, secret: SECRET, on_outage: 'silent' },
        ],
        second_factor: { required: false },
        lockout: { after: 3 },
        ...more,
      },
    })
    onTestFinished(broker.stop)
    await addPeople(broker, ['lou', 'tom'].map(local))
    return broker
  }

  function login(broker: Broker, user: string, password: string, source = GW1): Promise<Reply | undefined> {
    return ask(broker.authPort, loginRequest({ secret: SECRET, user, password }), { source, tries: 1 })
  }

  async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
    const startedAt = performance.now()
    const value = await work()
    return { value, ms: performance.now() - startedAt }
  }

  /** Newest first. */
  async function eventsOf(broker: Broker, user: string): Promise<readonly AuditEvent[]> {
    return (await broker.ocbroker(['audit', '--user', user])) as AuditEvent[]
  }

  /** Ends what hangs, whatever the test comes to. */
  function hang(target: 'slapd' | 'saslauthd') {
    const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
      if (target === 'slapd') slapd.signal(name)
      // Every process of it, the forked ones included: they share the group that the test made.
      else process.kill(-daemon.process.pid, name)
    }
    signal('SIGSTOP')
    onTestFinished(() => signal('SIGCONT'))
    return { goOn: () => signal('SIGCONT') }
  }

  async function killSlapd(): Promise<void> {
    await slapd.kill()
    onTestFinished(async () => {
      await slapd.kill()
      await slapd.start()
    })
  }

  test('are asked in turn, and the first that knows the name decides', async () => {
    const broker = await brokerOver({
      order: ['local', 'corp', 'system', 'partner'],
      corp: corp(),
      system: system(),
      partner: partner(),
    })
    for (const [user, password, source] of [
      ['lou', 'in local', 'local'],
      ['bob', 'in corp', 'corp'],
      [SYSTEM_USER, 'in system', 'system'],
      ['pia', 'at the partner', 'partner'],
    ] as const) {
      expect(await login(broker, user, password), user).toMatchObject(ACCEPTED)
      expect(await login(broker, user, 'wrong'), user).toMatchObject(REFUSED)
      expect(await eventsOf(broker, user)).toMatchObject([
        { kind: 'login.refused', reason: 'bad_credentials', detail: expect.stringMatching(`^${source}: `) },
        { kind: 'login.accepted', detail: `policy everyone, ${source}, none` },
      ])
    }
    expect(await login(broker, 'tom', 'in local')).toMatchObject(ACCEPTED)
    expect(await login(broker, 'tom', 'in corp'), 'a wrong password ends it').toMatchObject(REFUSED)
    expect((await eventsOf(broker, 'tom'))[0]).toMatchObject({ detail: 'local: wrong password' })
    expect(await login(broker, 'nobody', 'in corp')).toMatchObject(REFUSED)
  })

  test('are asked by realm, each for its own users alone', async () => {
    const broker = await brokerOver({
      order: ['local', 'corp', 'partner'],
      corp: corp({ realms: ['corp.example', 'corp'] }),
      partner: partner({ realms: ['partner.example'], send_realm: 'partner.example' }),
    })
    for (const user of ['tom@corp.example', 'TOM@Corp.Example', 'CORP\\tom']) {
      expect(await login(broker, user, 'in corp'), user).toMatchObject(ACCEPTED)
    }
    expect(await login(broker, 'tom@corp.example', 'in local')).toMatchObject(REFUSED)
    expect(await login(broker, 'lou@corp.example', 'in local')).toMatchObject(REFUSED)
    expect(await login(broker, 'tom', 'in local')).toMatchObject(ACCEPTED)
    expect(await login(broker, 'tom@vpn.example', 'in local'), 'a realm of nobody').toMatchObject(REFUSED)
    const pia = 'pia@partner.example'
    expect(await login(broker, pia, 'at the partner, with realm')).toMatchObject(ACCEPTED)
    expect(await broker.ocbroker(['session', 'list', '--all', '--user', 'tom'])).toHaveLength(4)
  })

  test('are asked by gateway', async () => {
    const broker = await brokerOver({
      order: ['local', 'corp', 'partner'],
      corp: corp({ gateways: ['gw1'] }),
      partner: partner({ gateways: ['gw2'] }),
    })
    expect(await login(broker, 'bob', 'in corp', GW1)).toMatchObject(ACCEPTED)
    expect(await login(broker, 'bob', 'in corp', GW2)).toMatchObject(REFUSED)
    expect(await login(broker, 'pia', 'at the partner', GW2)).toMatchObject(ACCEPTED)
    expect(await login(broker, 'pia', 'at the partner', GW1)).toMatchObject(REFUSED)
    expect(await login(broker, 'lou', 'in local', GW2)).toMatchObject(ACCEPTED)
  })

  describe('of which one is down', () => {
    test('end the login there, with words and without a count, until it is back', async () => {
      const broker = await brokerOver(
        { order: ['corp', 'local'], corp: corp() },
        { limits: { user: '4/1m', address: '4/1m' } },
      )
      await killSlapd()
      for (let count = 0; count < 10; count++) {
        expect(await login(broker, 'bob', 'in corp')).toMatchObject(UNAVAILABLE)
      }
      expect(await login(broker, 'lou', 'in local'), 'perhaps it knows lou, too').toMatchObject(UNAVAILABLE)
      const event = {
        kind: 'login.unavailable',
        detail: `identity corp: ${slapd.url}: nothing listens there (ECONNREFUSED)`,
      }
      // The answer does not wait for the event of an outage.
      await expect
        .poll(() => eventsOf(broker, 'bob'), WRITTEN)
        .toMatchObject(Array.from({ length: 10 }, () => event))
      expect(await broker.ocbroker(['lockout', 'list'])).toEqual([])
      await slapd.start()
      await expect.poll(() => login(broker, 'bob', 'in corp'), { timeout: 5000 }).toMatchObject(ACCEPTED)
      expect(await login(broker, 'lou', 'in local')).toMatchObject(ACCEPTED)
    })

    test('are still asked in turn if the configuration says so, and no other store’s refusal stands for the missing one', async () => {
      const broker = await brokerOver({
        order: ['corp', 'local'],
        corp: corp({ on_unavailable: 'continue' }),
      })
      await killSlapd()
      expect(await login(broker, 'lou', 'in local')).toMatchObject(ACCEPTED)
      expect(await login(broker, 'lou', 'wrong')).toMatchObject(REFUSED)
      for (let count = 0; count < 5; count++)
        expect(await login(broker, 'bob', 'in corp'), 'whom only it knows').toMatchObject(UNAVAILABLE)
      expect(await broker.ocbroker(['lockout', 'list'])).toEqual([])
    })

    test('leave a gateway without an answer if it should then ask another server', async () => {
      const broker = await brokerOver({ order: ['corp'], corp: corp() })
      await killSlapd()
      const { value } = await timed(() => login(broker, 'bob', 'in corp', GW2))
      expect(value).toBeUndefined()
      expect(await login(broker, 'bob', 'in corp', GW1)).toMatchObject(UNAVAILABLE)
      await expect
        .poll(() => eventsOf(broker, 'bob'), WRITTEN)
        .toMatchObject([
          { kind: 'login.unavailable', gateway: 'gw1' },
          { kind: 'login.unavailable', gateway: 'gw2' },
        ])
    })

    test('an upstream server that is not there counts against nobody either', async () => {
      const servers = [{ host: '127.0.0.1', port: 9, secret: UPSTREAM_SECRET }]
      const broker = await brokerOver({ order: ['partner'], partner: partner({ servers, required: false }) })
      for (let count = 0; count < 5; count++) {
        const { value, ms } = await timed(() => login(broker, 'pia', 'at the partner'))
        expect(value).toMatchObject(UNAVAILABLE)
        expect(ms).toBeLessThan(DEADLINE_MS)
      }
      expect(await broker.ocbroker(['lockout', 'list'])).toEqual([])
    })
  })

  describe('of which one hangs', () => {
    for (const [target, user, password] of [
      ['slapd', 'bob', 'in corp'],
      ['saslauthd', SYSTEM_USER, 'in system'],
    ] as const) {
      const store = target === 'slapd' ? 'corp' : 'system'

      test(`${target}: answer before the deadline, then at once, and as ever when it goes on`, async () => {
        const settings = target === 'slapd' ? corp() : system()
        const broker = await brokerOver({ order: ['local', store], [store]: settings })
        expect(await login(broker, user, password)).toMatchObject(ACCEPTED)
        const { goOn } = hang(target)
        for (let count = 0; count < 2; count++) {
          const several = [1, 2, 3].map(() => timed(() => login(broker, user, password)))
          for (const { value, ms } of await Promise.all(several)) {
            expect(value).toMatchObject(UNAVAILABLE)
            expect(ms).toBeLessThan(DEADLINE_MS)
          }
        }
        const after = await timed(() => login(broker, user, password))
        expect(after.value).toMatchObject(UNAVAILABLE)
        expect(after.ms).toBeLessThan(DEADLINE_MS / 10)
        const local = await timed(() => login(broker, 'lou', 'in local'))
        expect(local.value).toMatchObject(ACCEPTED)
        expect(local.ms).toBeLessThan(DEADLINE_MS / 10)
        expect(await broker.ocbroker(['lockout', 'list'])).toEqual([])
        goOn()
        await expect.poll(() => login(broker, user, password), { timeout: 10_000 }).toMatchObject(ACCEPTED)
        const [recovered] = [await timed(() => login(broker, user, password))]
        expect(recovered.value).toMatchObject(ACCEPTED)
        expect(recovered.ms).toBeLessThan(DEADLINE_MS / 10)
      })

      test(`${target}: let the next one answer in time`, async () => {
        const settings = target === 'slapd' ? corp({ on_unavailable: 'continue' }) : system({ ...EVERYBODY })
        const broker = await brokerOver({ order: [store, 'local'], [store]: settings })
        const users = Array.from({ length: 16 }, (_, count) => `user${count}`)
        await addPeople(broker, users.map(local))
        hang(target)
        const logins = users.map(async (user, count) => {
          await sleep(count * 250)
          return timed(() => login(broker, user, 'in local'))
        })
        const answers = await Promise.all(logins)
        for (const { value, ms } of answers) {
          expect(value).toMatchObject(ACCEPTED)
          expect(ms).toBeLessThan(DEADLINE_MS)
        }
        expect(answers.filter(({ ms }) => ms < DEADLINE_MS / 10).length).toBeGreaterThan(2)
      })
    }
  })
})

const SECRET = 'between-gateway-and-broker'
const WRITTEN = { timeout: 10_000 }
/** PAM is asked for every name, as one that is in no file may be known to it. */
const EVERYBODY = { on_unavailable: 'continue', unknown: 'never' }
