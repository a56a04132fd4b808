import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ask as askHttp } from '../http/ask.ts'
import { type Broker, type Installation, type Sections, startBroker } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'
import { startRedis } from '../real/redis.ts'
import {
  ADMIN,
  ADMIN_PASSWORD,
  PEOPLE,
  person,
  personDn,
  SLAPD_NEEDS,
  type Slapd,
  startSlapd,
} from '../real/slapd.ts'

const PASSWORD = 'the owner’s own'
const THRESHOLD = 5
/** Half of the four that may be wrong. */
const SHARE = 2
const HOME = '198.51.100.7'
const ABROAD = '203.0.113.9'
const RATES = { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' }
const OWNERS = ['olga', 'oskar', 'otto', 'omar', 'ole', 'ona']

interface Lock {
  readonly id: string
  readonly user: string
  readonly cause: string
  readonly source?: string
  readonly subject?: string
  readonly reason: string
}

function sectionsFor(slapd: Slapd, more: Sections = {}): Sections {
  return {
    identity: {
      order: ['corp'],
      corp: {
        type: 'ldap',
        urls: [slapd.url],
        bind_dn: ADMIN,
        bind_password: ADMIN_PASSWORD,
        user_base: PEOPLE,
        user_attributes: ['uid', 'mail'],
        shield: { threshold: THRESHOLD, window: '30m' },
      },
    },
    radius: { deadline: '30s' },
    second_factor: { required: false },
    limits: RATES,
    lockout: { after: 8, tell_user: false },
    ...more,
  }
}

/** What people at the broker do. */
function at(broker: Pick<Installation, 'authPort' | 'secret' | 'ocbroker'>) {
  const login = async (user: string, password: string, from: string) => {
    const request = loginRequest({ secret: broker.secret, user, password, from })
    return (await ask(broker.authPort, request, { tries: 20 }))?.code
  }
  const locks = async (user: string) =>
    (await broker.ocbroker(['lockout', 'list', '--user', user])) as readonly Lock[]
  const explained = async (user: string, from: string) => {
    const found = await broker.ocbroker(['explain', user, '--from', from])
    return (found as { readonly outcome: { readonly kind: string; readonly reason?: string } }).outcome
  }
  return { login, locks, explained }
}

describeWith([...SLAPD_NEEDS, 'ldapsearch'], 'a directory that locks accounts', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd

  beforeAll(async () => {
    slapd = await startSlapd({
      locksAt: THRESHOLD,
      entries: [
        ...OWNERS.flatMap((name) =>
          [1, 4].map((workers) =>
            person(`${name}${workers}`, PASSWORD, { mail: `${name}${workers}@example.org` }),
          ),
        ),
        ...['rita', 'rolf'].map((name) => person(name, PASSWORD, { mail: `${name}@example.org` })),
        person('lost', PASSWORD),
      ],
    })
    resources.defer(slapd.stop)
  })
  afterAll(() => resources.disposeAsync())

  test('locks at its threshold, as the test shows without the broker', async () => {
    const broker = await startBroker({
      sections: sectionsFor(slapd, {
        identity: {
          order: ['corp'],
          corp: {
            type: 'ldap',
            urls: [slapd.url],
            bind_dn: ADMIN,
            bind_password: ADMIN_PASSWORD,
            user_base: PEOPLE,
          },
        },
      }),
    })
    onTestFinished(broker.stop)
    const { login } = at(broker)
    for (let guess = 0; guess < THRESHOLD; guess++) await login('lost', `guess ${guess}`, ABROAD)
    expect(await slapd.passwordState('lost')).toMatchObject({ isLocked: true })
  })

  describe.each([1, 4])('behind the shield of %i worker(s)', (workers) => {
    let broker: Broker
    let port: number
    const nameOf = (name: string) => `${name}${workers}`

    beforeAll(async () => {
      port = await freePort()
      broker = await startBroker({
        sections: sectionsFor(slapd, {
          radius: { deadline: '30s', workers },
          http: { address: '127.0.0.1', port },
        }),
      })
    })
    afterAll(() => broker.stop())

    /** From as many ports as there are guesses, so that all workers have some of them. */
    const guessAtOnce = (user: string, from: string, count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, guess) => at(broker).login(user, `${from} ${guess}`, from)),
      )

    test('a stranger never has the owner locked there, who gets in from a known address', async () => {
      const { login, locks, explained } = at(broker)
      const user = nameOf('olga')
      expect(await login(user, PASSWORD, HOME)).toBe('Access-Accept')
      for (let round = 0; round < 2; round++) {
        // By both of the user's names: the entry counts, not the spelling.
        await guessAtOnce(user, ABROAD, 20)
        await guessAtOnce(`${user}@example.org`, ABROAD, 20)
      }
      expect(await slapd.passwordState(user)).toEqual({ wrong: SHARE, isLocked: false })
      expect(await login(user, PASSWORD, ABROAD)).toBe('Access-Reject')
      expect(await login(user, PASSWORD, HOME)).toBe('Access-Accept')
      // Eight failures from one address would be a lockout: those for which the directory was not asked are none.
      expect(await locks(user)).toMatchObject([
        {
          user,
          cause: 'directory',
          source: 'corp',
          subject: user,
          reason: `${SHARE} wrong passwords are counted, and corp locks the account at ${THRESHOLD}: the last tries are kept for known addresses`,
        },
      ])
      expect(await explained(user, ABROAD)).toMatchObject({ kind: 'would_be_refused', reason: 'locked' })
      expect(await explained(`${user}@example.org`, ABROAD)).toMatchObject({ reason: 'locked' })
      expect(await explained(user, HOME)).toMatchObject({ kind: 'would_pass' })
    })

    test('the owner’s own mistakes do not have the account locked either', async () => {
      const { login, locks, explained } = at(broker)
      const user = nameOf('oskar')
      expect(await login(user, PASSWORD, HOME)).toBe('Access-Accept')
      await guessAtOnce(user, HOME, 30)
      expect(await slapd.passwordState(user)).toEqual({ wrong: THRESHOLD - 1, isLocked: false })
      expect(await login(user, PASSWORD, HOME)).toBe('Access-Reject')
      const causes = (await locks(user)).map(({ cause }) => cause)
      expect(causes.sort()).toEqual(
        ['directory', 'directory_full', 'failures'].filter((cause) => causes.includes(cause)),
      )
      expect(causes).toContain('directory_full')
      expect(await explained(user, HOME)).toMatchObject({ kind: 'would_be_refused', reason: 'locked' })
    })

    test('a reload begins no new count', async () => {
      const { login } = at(broker)
      const user = nameOf('otto')
      expect(await login(user, PASSWORD, HOME)).toBe('Access-Accept')
      await login(user, 'first', ABROAD)
      broker.configure(
        sectionsFor(slapd, {
          radius: { deadline: '30s', workers },
          http: { address: '127.0.0.1', port },
          policies: [{ name: `everyone-of-${workers}`, reply: {} }],
        }),
      )
      expect(await broker.ocbroker(['reload'])).toEqual({ changed: ['policies'] })
      for (let guess = 0; guess < 5; guess++) await login(user, `later ${guess}`, ABROAD)
      // The same password as before the reload is not even sent.
      await login(user, 'first', HOME)
      expect(await slapd.passwordState(user)).toEqual({ wrong: SHARE, isLocked: false })
      expect(await login(user, PASSWORD, HOME)).toBe('Access-Accept')
    })

    test('a release begins a new count: by command, by the API and at once', async () => {
      const { login, locks } = at(broker)
      const user = nameOf('omar')
      const { token } = (await broker.ocbroker([
        ...['token', 'create', '--name', `desk-${workers}`],
        ...['--scope', 'lockouts:read', '--scope', 'lockouts:write'],
      ])) as { readonly token: string }
      expect(await login(user, PASSWORD, HOME)).toBe('Access-Accept')
      await guessAtOnce(user, ABROAD, 8)
      expect(await login(user, PASSWORD, ABROAD)).toBe('Access-Reject')
      await broker.ocbroker(['lockout', 'release', user, '--reason', 'called'])
      expect(await locks(user)).toEqual([])
      expect(await login(user, PASSWORD, ABROAD)).toBe('Access-Accept')
      // That address is known now.
      const farAway = '192.0.2.99'
      await guessAtOnce(user, farAway, 8)
      expect(await slapd.passwordState(user)).toEqual({ wrong: SHARE, isLocked: false })
      expect(await login(user, PASSWORD, farAway)).toBe('Access-Reject')
      const api = `http://127.0.0.1:${port}/api/v1/lockouts`
      const listed = await askHttp(`${api}?user=${user}&state=in_force`, { token })
      expect(listed.json, listed.text).toMatchObject({
        items: [{ cause: 'directory', source: 'corp', subject: user }],
      })
      const [lock] = await locks(user)
      const released = await askHttp(`${api}/${lock?.id}/release`, {
        token,
        json: { reason: 'called again' },
      })
      expect(released).toMatchObject({ status: 200, json: { state: 'released', cause: 'directory' } })
      expect(await login(user, PASSWORD, farAway)).toBe('Access-Accept')
    })

    test('it is the directory’s count that no release can reset', async () => {
      const user = nameOf('ole')
      for (let round = 0; round < 4; round++) {
        await guessAtOnce(user, `192.0.2.${round}`, 6)
        await broker.ocbroker(['lockout', 'release', user, '--reason', 'called'])
      }
      expect(await slapd.passwordState(user)).toEqual({ wrong: THRESHOLD - 1, isLocked: false })
    })

    test('a phone with an old password uses up one try at a time', async () => {
      const { login, locks } = at(broker)
      const user = nameOf('ona')
      expect(await login(user, PASSWORD, HOME)).toBe('Access-Accept')
      for (let again = 0; again < 10; again++) expect(await login(user, 'old', HOME)).toBe('Access-Reject')
      expect((await slapd.passwordState(user)).wrong).toBe(1)
      expect(await locks(user)).toEqual([])
      expect(await login(user, PASSWORD, HOME)).toBe('Access-Accept')
      // An administrator has set the password in the directory.
      await login(user, 'new', HOME)
      await slapd.modify(
        `dn: ${personDn(user)}\nchangetype: modify\nreplace: userPassword\nuserPassword: new\n`,
      )
      expect(await login(user, 'new', HOME)).toBe('Access-Accept')
    })
  })

  describeWith([...POSTGRES_NEEDS, 'redis-server'], 'behind two brokers on one Redis', () => {
    test('a stranger who asks both has no more tries, and a release at one counts at the other', async () => {
      const redis = await startRedis()
      resources.defer(redis.stop)
      const postgres = await startPostgres()
      resources.defer(postgres.stop)
      const url = await postgres.newDatabase()
      const start = async () => {
        const sections = sectionsFor(slapd, { redis: { url: `redis://127.0.0.1:${redis.port}`, brokers: 2 } })
        const installation = await installOnPostgres({ url, sections })
        resources.defer(installation.remove)
        const running = await installation.serve()
        resources.defer(running.stop)
        return { ...installation, ...running }
      }
      const [here, there] = await Promise.all([start(), start()])
      for (const user of ['rita', 'rolf']) {
        expect(await at(here).login(user, PASSWORD, HOME)).toBe('Access-Accept')
        const guesses = Array.from({ length: 40 }, (_, guess) =>
          at(guess % 2 === 0 ? here : there).login(user, `guess ${guess}`, ABROAD),
        )
        expect(new Set(await Promise.all(guesses))).toEqual(new Set(['Access-Reject']))
        expect(await slapd.passwordState(user)).toEqual({ wrong: SHARE, isLocked: false })
        for (const broker of [here, there]) {
          expect(await at(broker).locks(user)).toMatchObject([{ cause: 'directory', subject: user }])
          expect(await at(broker).explained(user, ABROAD)).toMatchObject({ reason: 'locked' })
          expect(await at(broker).login(user, PASSWORD, ABROAD)).toBe('Access-Reject')
          expect(await at(broker).login(user, PASSWORD, HOME)).toBe('Access-Accept')
        }
        await here.ocbroker(['lockout', 'release', user, '--reason', 'called'])
        expect(await at(there).login(user, PASSWORD, ABROAD)).toBe('Access-Accept')
      }
    })
  })
})
