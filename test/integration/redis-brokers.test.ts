import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { ask, type LoginRequest, loginRequest, type Reply } from '../real/radius-socket.ts'
import { type RealRedis, startRedis } from '../real/redis.ts'

const PASSWORD = 'correct horse'
const NAMES = ['alice', 'bob', 'carol', 'dave', 'eve', 'frank'] as const
const PARALLEL = 200
const AFTER = 5

describeWith(['redis-server', 'redis-cli'], 'two brokers that share Redis and the records', () => {
  const resources = new AsyncDisposableStack()
  let redis: RealRedis
  let brokers: readonly [Broker, Broker]
  let people: ReadonlyMap<string, TestPerson>

  beforeAll(async () => {
    redis = await startRedis()
    resources.defer(redis.stop)
    const shared = {
      redis: { url: `redis://127.0.0.1:${redis.port}`, brokers: 2 },
      radius: { deadline: '30s' },
      passwords: { waiting: 1000 },
      limits: { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' },
      lockout: { after: AFTER, user_after: 1000, address_after: 1000, hard_after: 1000 },
      second_factor: { mode: 'either', same_answer_within: '15s' },
    }
    const first = await startBroker({ sections: shared })
    resources.defer(first.stop)
    people = new Map(
      (
        await addPeople(
          first,
          [...NAMES].map((name) => ({ name, password: PASSWORD })),
        )
      ).map((person) => [person.name, person]),
    )
    const records = { storage: { sqlite: first.database, key_file: first.keyFile } }
    const second = await startBroker({ sections: { ...shared, ...records } })
    resources.defer(second.stop)
    brokers = [first, second]
  })
  afterAll(() => resources.disposeAsync())

  const login = (broker: Broker, request: Omit<LoginRequest, 'secret'>) =>
    ask(broker.authPort, loginRequest({ secret: broker.secret, ...request }), { tries: 20 })
  const codeOf = (name: string) => generateSync({ secret: people.get(name)?.key ?? '' })
  const codesOf = (replies: readonly (Reply | undefined)[], code: string) =>
    replies.filter((reply) => reply?.code === code)
  const onBoth = (count: number, request: (number: number) => Omit<LoginRequest, 'secret'>) =>
    Promise.all(
      Array.from({ length: count }, (_, number) => login(brokers[number % 2 === 0 ? 0 : 1], request(number))),
    )
  const sessionsOf = async (user: string) => {
    const sessions = (await brokers[0].ocbroker(['session', 'list'])) as readonly { readonly user: string }[]
    return sessions.filter((session) => session.user === user)
  }

  test('one finishes the challenge that the other began', async () => {
    const [here, there] = brokers
    const challenge = await login(here, { user: 'alice', password: PASSWORD })
    expect(challenge?.code).toBe('Access-Challenge')
    const answer = { user: 'alice', password: codeOf('alice'), state: challenge?.state }
    expect(await login(there, answer)).toMatchObject({ code: 'Access-Accept' })
    expect(await login(here, { ...answer, password: '000000' })).toMatchObject({ code: 'Access-Reject' })
  })

  test(`let ${AFTER} of ${PARALLEL} guesses on both reach the password check; lock and release hold on both`, async () => {
    const [here, there] = brokers
    const replies = await onBoth(PARALLEL, (number) => ({ user: 'bob', password: `guess ${number}` }))
    expect(codesOf(replies, 'Access-Reject')).toHaveLength(PARALLEL)
    const failures = (await here.ocbroker(['audit', '--user', 'bob'])) as readonly { reason?: string }[]
    expect(failures.filter(({ reason }) => reason === 'bad_credentials')).toHaveLength(AFTER)
    expect(await there.ocbroker(['lockout', 'list'])).toMatchObject([{ user: 'bob' }])
    for (const broker of brokers)
      expect(await login(broker, { user: 'bob', password: PASSWORD })).toMatchObject({
        code: 'Access-Reject',
      })

    await here.ocbroker(['lockout', 'release', 'bob', '--reason', 'called in'])
    for (const broker of brokers)
      expect(await login(broker, { user: 'bob', password: PASSWORD })).toMatchObject({
        code: 'Access-Challenge',
      })
  })

  test('let one of many parallel uses of one code in, and give the same answer to the same question', async () => {
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

    const fromEverywhere = await onBoth(100, (number) => ({
      ...{ user: 'dave', password: PASSWORD + codeOf('dave'), from: `203.0.113.${number}` },
    }))
    expect(codesOf(fromEverywhere, 'Access-Accept')).toHaveLength(1)
    expect(await sessionsOf('dave')).toHaveLength(1)
  })

  test('go on while Redis is away, each with its own challenges, and share again when it is back', async () => {
    const [here, there] = brokers
    await redis.kill()
    const challenge = await login(here, { user: 'eve', password: PASSWORD })
    const answer = { user: 'eve', password: codeOf('eve'), state: challenge?.state }
    expect(await login(here, answer)).toMatchObject({ code: 'Access-Accept' })
    const guesses = await onBoth(PARALLEL, (number) => ({ user: 'frank', password: `guess ${number}` }))
    expect(codesOf(guesses, 'Access-Reject')).toHaveLength(PARALLEL)
    const failures = (await here.ocbroker(['audit', '--user', 'frank'])) as readonly { reason?: string }[]
    const checked = failures.filter(({ reason }) => reason === 'bad_credentials').length
    expect(checked).toBeGreaterThan(0)
    expect(checked).toBeLessThanOrEqual(AFTER)

    await redis.start()
    await expect
      .poll(
        async () => {
          const asked = await login(here, { user: 'alice', password: PASSWORD })
          return (await login(there, { user: 'alice', password: '000000', state: asked?.state }))?.code
        },
        { timeout: 2000 },
      )
      .toBe('Access-Challenge')
    await login(here, { user: 'alice', password: PASSWORD })
    await expect
      .poll(() => here.log().map(({ event }) => event))
      .toEqual(
        expect.arrayContaining(['redis.not_persistent', 'redis.lost', 'limits.alone', 'limits.shared']),
      )
  })
})
