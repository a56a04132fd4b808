import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import type { Installation, RunningBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'
import { accountingRequest, ask, type LoginRequest, loginRequest, type Reply } from '../real/radius-socket.ts'
import { type RealRedis, startRedis } from '../real/redis.ts'

const PASSWORD = 'correct horse'
/** One of them is guessed at; the next one if Redis did not answer in time, which another test covers. */
const GUESSED = ['bob', 'bella', 'boris'] as const
const POOLED = Array.from({ length: 12 }, (_, number) => `pooled-${number}`)
const NAMES = [...GUESSED, 'alice', 'carol', 'dave', 'eve', 'frank', 'grace', 'heidi', 'ivan'] as const
const USES = 500
const GUESSES = 200
const AFTER = 5

interface Outage {
  readonly user: string
  readonly victim: string
  begin(redis: RealRedis): Promise<void>
  end(redis: RealRedis): Promise<void>
}

const OUTAGES: readonly (readonly [string, Outage])[] = [
  [
    'is killed',
    { user: 'eve', victim: 'frank', begin: (redis) => redis.kill(), end: (redis) => redis.start() },
  ],
  [
    'hangs',
    {
      user: 'heidi',
      victim: 'ivan',
      begin: async (redis) => redis.signal('SIGSTOP'),
      end: async (redis) => redis.signal('SIGCONT'),
    },
  ],
]

type Broker = Installation & RunningBroker

describeWith(
  [...POSTGRES_NEEDS, 'redis-server', 'redis-cli'],
  'two brokers with one PostgreSQL and one Redis',
  () => {
    const resources = new AsyncDisposableStack()
    let redis: RealRedis
    let postgres: Postgres
    let database: string
    let brokers: readonly [Broker, Broker]
    let people: ReadonlyMap<string, TestPerson>

    beforeAll(async () => {
      redis = await startRedis()
      resources.defer(redis.stop)
      postgres = await startPostgres()
      resources.defer(postgres.stop)
      const url = await postgres.newDatabase()
      database = new URL(url).pathname.slice(1)
      const sections = {
        redis: { url: `redis://127.0.0.1:${redis.port}`, brokers: 2 },
        radius: { deadline: '60s' },
        passwords: { waiting: 1000 },
        limits: { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' },
        lockout: { after: AFTER, user_after: 1000, address_after: 1000, hard_after: 1000 },
        second_factor: { mode: 'either', same_answer_within: '15s' },
        pools: { small: { ipv4: '10.8.0.0/28' } },
        policies: [
          { name: 'pooled', when: { groups: ['pooled'] }, reply: { pool: 'small' } },
          { name: 'everyone', reply: {} },
        ],
      }
      const start = async (): Promise<Broker> => {
        const installation = await installOnPostgres({ url, sections })
        resources.defer(installation.remove)
        const running = await installation.serve()
        resources.defer(running.stop)
        return { ...installation, ...running }
      }
      brokers = await Promise.all([start(), start()])
      const wanted = [
        ...NAMES.map((name) => ({ name, password: PASSWORD })),
        ...POOLED.map((name) => ({ name, password: PASSWORD, groups: ['pooled'] })),
      ]
      people = new Map((await addPeople(brokers[0], wanted)).map((person) => [person.name, person]))
    })
    afterAll(() => resources.disposeAsync())

    const login = (broker: Broker, request: Omit<LoginRequest, 'secret'>) =>
      ask(broker.authPort, loginRequest({ secret: broker.secret, ...request }), { tries: 20 })
    const codeOf = (name: string) => generateSync({ secret: people.get(name)?.key ?? '' })
    const codesOf = (replies: readonly (Reply | undefined)[], code: string) =>
      replies.filter((reply) => reply?.code === code)
    const onBoth = (count: number, request: (number: number) => Omit<LoginRequest, 'secret'>) =>
      Promise.all(
        Array.from({ length: count }, (_, number) =>
          login(brokers[number % 2 === 0 ? 0 : 1], request(number)),
        ),
      )
    const sessionsOf = async (user: string) => {
      const sessions = (await brokers[0].ocbroker(['session', 'list'])) as readonly {
        readonly user: string
      }[]
      return sessions.filter((session) => session.user === user)
    }

    const refusesLocked = async (user: string, each: readonly Broker[]) => {
      for (const broker of each) {
        const reply = await login(broker, { user, password: PASSWORD })
        expect(reply?.code).toBe('Access-Reject')
        expect(reply?.message).toContain('Too many failed logins')
      }
    }
    const asksForCode = async (user: string, each: readonly Broker[]) => {
      for (const broker of each)
        expect(await login(broker, { user, password: PASSWORD })).toMatchObject({ code: 'Access-Challenge' })
    }

    test('no two give one address, and one frees what the other gave', async () => {
      const all = await onBoth(POOLED.length, (number) => {
        const user = POOLED[number] ?? ''
        return { user, password: PASSWORD + codeOf(user) }
      })
      expect(codesOf(all, 'Access-Accept')).toHaveLength(POOLED.length)
      expect(new Set(all.map((reply) => reply?.ipv4)).size).toBe(POOLED.length)
      expect(await brokers[0].ocbroker(['pool', 'list'])).toEqual([
        { pool: 'small', family: 'ipv4', size: 13, held: 12 },
      ])

      const [, there] = brokers
      const stop = accountingRequest(there.secret, [
        encodeAttribute('Acct-Status-Type', 2),
        encodeAttribute('User-Name', POOLED[0] ?? ''),
        encodeAttribute('Acct-Session-Id', 'pooled-0'),
        encodeAttribute('Calling-Station-Id', '198.51.100.1'),
        encodeAttribute('Framed-IP-Address', all[0]?.ipv4 ?? ''),
      ])
      expect(await ask(there.acctPort, stop)).toBeDefined()
      expect(await brokers[0].ocbroker(['pool', 'list'])).toEqual([
        { pool: 'small', family: 'ipv4', size: 13, held: 11 },
      ])
    })

    test('one finishes the challenge that the other began', async () => {
      const [here, there] = brokers
      const challenge = await login(here, { user: 'alice', password: PASSWORD })
      expect(challenge?.code).toBe('Access-Challenge')
      const answer = { user: 'alice', password: codeOf('alice'), state: challenge?.state }
      expect(await login(there, answer)).toMatchObject({ code: 'Access-Accept' })
      expect(await login(here, { ...answer, password: '000000' })).toMatchObject({ code: 'Access-Reject' })
    })

    test('give the same answer to the same question, and none of it to another', async () => {
      const password = PASSWORD + codeOf('carol')
      const before = await login(brokers[0], { user: 'carol', password })
      expect(before?.code).toBe('Access-Accept')
      for (const broker of [...brokers, ...brokers])
        expect(await login(broker, { user: 'carol', password })).toMatchObject({ code: 'Access-Accept' })
      expect(await sessionsOf('carol')).toHaveLength(1)
      for (const broker of brokers)
        expect(await login(broker, { user: 'carol', password, from: '203.0.113.9' })).toMatchObject({
          code: 'Access-Reject',
        })
    })

    test(`let ${AFTER} of ${GUESSES} guesses on both reach the password check; lock and release hold at once on both`, async () => {
      const [here, there] = brokers
      const timesAlone = async () => {
        const lines = (await Promise.all(brokers.map(({ log }) => log()))).flat()
        return lines.filter(({ event }) => event === 'limits.alone').length
      }
      const guessAt = async (user: string) => {
        const before = await timesAlone()
        const replies = await onBoth(GUESSES, (number) => ({ user, password: `guess ${number}` }))
        expect(codesOf(replies, 'Access-Reject')).toHaveLength(GUESSES)
        return (await timesAlone()) === before
      }
      let user: string | undefined
      for (const each of GUESSED) if (user === undefined && (await guessAt(each))) user = each
      if (user === undefined) throw new Error('Redis did not answer in time, for any user')
      const failures = (await here.ocbroker(['audit', '--user', user])) as readonly { reason?: string }[]
      expect(failures.filter(({ reason }) => reason === 'bad_credentials')).toHaveLength(AFTER)
      expect(await there.ocbroker(['lockout', 'list'])).toEqual(
        expect.arrayContaining([expect.objectContaining({ user })]),
      )
      await refusesLocked(user, brokers)

      await here.ocbroker(['lockout', 'release', user, '--reason', 'called in'])
      await asksForCode(user, brokers)
    })

    test('see at their very next login what the other has locked, and what was released', async () => {
      const commands: readonly (readonly [Broker, Broker])[] = [brokers, [brokers[1], brokers[0]]]
      for (const [here, there] of commands) {
        await asksForCode('grace', [there])
        for (let guess = 0; guess < AFTER; guess++)
          await login(here, { user: 'grace', password: `guess ${guess}` })
        await refusesLocked('grace', [there, here])
        await there.ocbroker(['lockout', 'release', 'grace', '--reason', 'called in'])
        await asksForCode('grace', [here, there])
      }
    })

    test(`let one of ${USES} parallel uses of one code in`, async () => {
      const password = PASSWORD + codeOf('dave')
      const replies = await onBoth(USES, (number) => ({
        user: 'dave',
        password,
        // Of one address most would be stopped by its limit of guesses.
        from: `203.0.${100 + (number % 2)}.${Math.floor(number / 2)}`,
      }))
      expect(replies.filter((reply) => reply === undefined)).toEqual([])
      expect(codesOf(replies, 'Access-Accept')).toHaveLength(1)
      expect(await sessionsOf('dave')).toHaveLength(1)
      const [event] = await postgres.ask(
        "select count(*)::int as refused from audit_events where user_name = 'dave' and reason = 'code_used'",
        database,
      )
      // Enough came as far as the code; a machine that does much else gives up others before.
      expect(event?.refused).toBeGreaterThan(USES / 10)
    })

    test.each(OUTAGES)(
      'go on while Redis %s, each with its own challenges, and share again when it is back',
      async (_, outage) => {
        const { user, victim, begin, end } = outage
        const [here, there] = brokers
        await begin(redis)
        const challenge = await login(here, { user, password: PASSWORD })
        const answer = { user, password: codeOf(user), state: challenge?.state }
        expect(await login(here, answer)).toMatchObject({ code: 'Access-Accept' })
        const guesses = await onBoth(GUESSES, (number) => ({ user: victim, password: `guess ${number}` }))
        expect(codesOf(guesses, 'Access-Reject')).toHaveLength(GUESSES)
        const failures = (await here.ocbroker(['audit', '--user', victim])) as readonly { reason?: string }[]
        const checked = failures.filter(({ reason }) => reason === 'bad_credentials').length
        expect(checked).toBeGreaterThan(0)
        expect(checked).toBeLessThanOrEqual(AFTER)

        await end(redis)
        await expect
          .poll(
            async () => {
              const asked = await login(here, { user: 'alice', password: PASSWORD })
              return (await login(there, { user: 'alice', password: '000000', state: asked?.state }))?.code
            },
            { timeout: 5000 },
          )
          .toBe('Access-Challenge')
        await login(here, { user: 'alice', password: PASSWORD })
        for (const event of ['redis.not_persistent', 'redis.lost', 'limits.alone', 'limits.shared'])
          await here.logUntil(event)
      },
    )
  },
)
