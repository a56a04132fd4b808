import { afterAll, beforeAll, expect, test } from 'vitest'
import { replyRules } from '../../src/app/reply-rules.ts'
import { openStore } from '../../src/app/storage.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { AuditEvent } from '../../src/domain/audit.ts'
import type { Lockout } from '../../src/domain/lockout.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { type Installation, type RunningBroker, type Sections, startBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { POSTGRES_NEEDS, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'
import { ask, type LoginRequest, loginRequest } from '../real/radius-socket.ts'
import { startRedis } from '../real/redis.ts'

type Running = Pick<Installation, 'configFile' | 'authPort' | 'secret' | 'ocbroker'> & RunningBroker

const PASSWORD = 'correct horse'
const HOME = '198.51.100.1'
const LOCKED = 'This login is locked. Ask your administrator.'
const ADDRESS_AFTER = 6
const TRIES = 3
const ADDRESS_WINDOW_MS = 5000

const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0)
/** Strangers who try at the same time: more than may wait, and no more than leave Redis its time on two cores. */
const LANES = 60

const SECTIONS: Sections = {
  radius: { deadline: '30s' },
  passwords: { parallel: 4, waiting: 12 },
  limits: { user: '10/1m', address: '30/5s', gateway: '100000/1s' },
  lockout: { after: 5, user_after: 1000, address_after: ADDRESS_AFTER, hard_after: 1000 },
  second_factor: { required: false, answer_within: '10s' },
}

function several<T>(count: number, each: (number: number) => T): T[] {
  return Array.from({ length: count }, (_, number) => each(number))
}

/** A name that exists nowhere can be locked as well. */
async function lock({ configFile }: Running, user: string): Promise<void> {
  const loaded = await loadConfig(configFile, {}, replyRules)
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
  const { records, close } = await openStore(loaded.config)
  const since = Date.now()
  const id = systemRandom.id()
  await records.lockouts.lock({ id, scope: 'user', user, reason: 'a test', by: 'a test', since })
  await close()
}

/** One broker or several that are one to their users; requests go to all of them in turn. */
interface Site {
  readonly brokers: readonly Running[]
  /** How often they have counted alone, because Redis did not answer in time. */
  timesAlone(): Promise<number>
  stop(): Promise<void>
}

async function withWorkers(workers: number): Promise<Site> {
  const radius = { ...(SECTIONS.radius as object), ...(workers > 1 && { workers }) }
  const broker = await startBroker({ sections: { ...SECTIONS, radius } })
  return { brokers: [broker], timesAlone: async () => 0, stop: broker.stop }
}

async function withRedis(): Promise<Site> {
  const resources = new AsyncDisposableStack()
  const redis = await startRedis()
  resources.defer(redis.stop)
  const postgres = await startPostgres()
  resources.defer(postgres.stop)
  const url = await postgres.newDatabase()
  const sections = { ...SECTIONS, redis: { url: `redis://127.0.0.1:${redis.port}`, brokers: 2 } }
  const start = async (): Promise<Running> => {
    const installation = await installOnPostgres({ url, sections })
    resources.defer(installation.remove)
    const running = await installation.serve()
    resources.defer(running.stop)
    return { ...installation, ...running }
  }
  const brokers = [await start(), await start()]
  const timesAlone = async () => {
    const lines = (await Promise.all(brokers.map(({ log }) => log()))).flat()
    return lines.filter(({ event }) => event === 'limits.alone').length
  }
  return { brokers, timesAlone, stop: () => resources.disposeAsync() }
}

for (const [where, open, needs] of [
  ['one process', () => withWorkers(1), []],
  ['four workers', () => withWorkers(4), []],
  ['two brokers on Redis', withRedis, [...POSTGRES_NEEDS, 'redis-server', 'redis-cli']],
] as const)
  describeWith(needs, `a stranger at ${where}`, () => strangers(open))

function strangers(open: () => Promise<Site>): void {
  let site: Site
  let people: ReadonlyMap<string, TestPerson>
  let sent = 0

  beforeAll(async () => {
    site = await open()
    const wanted = several(TRIES, (n) =>
      ['owner', 'guessed', 'neighbour', 'queued'].map((name) => ({
        name: `${name}${n}`,
        password: PASSWORD,
        enrolled: name === 'owner',
      })),
    ).flat()
    people = new Map((await addPeople(first(), wanted)).map((person) => [person.name, person]))
  })
  afterAll(() => site?.stop())

  const first = () => site.brokers[0] ?? expect.unreachable('nothing runs')

  async function login(user: string, password: string, from = HOME, more: Partial<LoginRequest> = {}) {
    const { authPort, secret } = site.brokers[sent++ % site.brokers.length] ?? first()
    const reply = await ask(authPort, loginRequest({ secret, user, password, from, ...more }), { tries: 10 })
    return reply ?? expect.unreachable('no answer')
  }
  const eventsOf = (user: string) =>
    first().ocbroker(['audit', '--user', user, '--limit', '1000']) as Promise<readonly AuditEvent[]>
  const lockouts = () => first().ocbroker(['lockout', 'list']) as Promise<readonly Lockout[]>

  /** @param body uses the number of the try in its names and addresses; tried again where Redis was late on a busy machine. */
  function stranger(title: string, body: (n: number) => Promise<void>): void {
    test(title, { timeout: 200_000 }, async () => {
      for (let n = 0; ; n++) {
        const before = await site.timesAlone()
        try {
          return await body(n)
        } catch (error) {
          if (n === TRIES - 1 || (await site.timesAlone()) === before) throw error
        }
      }
    })
  }

  stranger('with the password and no code takes nothing from the owner, and is told of', async (n) => {
    const thief = `203.0.${n}.1`
    const guess = () => login(`owner${n}`, PASSWORD, thief)
    const { recoveryCodes } = people.get(`owner${n}`) ?? expect.unreachable()
    const prompted: string[] = []
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 5; i++) prompted.push((await guess()).code)
      const code = recoveryCodes[round]
      const owner = await login(`owner${n}`, PASSWORD, `203.0.${n}.200`)
      expect(owner.code, `round ${round}`).toBe('Access-Challenge')
      if (code === undefined) continue
      const done = await login(`owner${n}`, code, `203.0.${n}.200`, { state: owner.state })
      expect(done.code, `round ${round}`).toBe('Access-Accept')
    }
    expect(prompted.filter((code) => code === 'Access-Challenge')).toHaveLength(10)
    expect(prompted.lastIndexOf('Access-Challenge'), 'no more than the limit').toBe(9)
    const unanswered = async (address: string) =>
      (await eventsOf(`owner${n}`))
        .filter((event) => event.kind === 'login.prompt_unanswered' && event.address === address)
        .map(({ times = 1 }) => times)
    const sums = async () =>
      Promise.all([thief, `203.0.${n}.200`].map(async (address) => sum(await unanswered(address))))
    await expect.poll(sums, { timeout: 60_000, interval: 1000 }).toEqual([10, 1])
    expect((await unanswered(thief)).length, 'not one event for each').toBeLessThanOrEqual(5)
  })

  stranger('who asks for a locked name has the rate of an address, and fills no audit trail', async (n) => {
    const from = `203.0.${n}.2`
    await lock(first(), `nobody${n}`)
    const begun = performance.now()
    const messages: (string | undefined)[] = []
    const lane = async () => {
      for (let i = 0; i < 30; i++) messages.push((await login(`nobody${n}`, 'guess', from)).message)
    }
    await Promise.all([lane(), lane(), lane()])
    const windows = 1 + (performance.now() - begun) / ADDRESS_WINDOW_MS
    const locked = messages.filter((message) => message === LOCKED)
    expect(locked.length).toBeGreaterThanOrEqual(30)
    expect(locked.length).toBeLessThanOrEqual(30 * windows)
    const told = async () =>
      (await eventsOf(`nobody${n}`))
        .filter(({ kind, reason }) => kind === 'login.refused' && reason === 'locked')
        .map(({ times = 1 }) => times)
    await expect.poll(async () => sum(await told()), { timeout: 20_000, interval: 500 }).toBe(locked.length)
    expect((await told()).length).toBeLessThanOrEqual(2 * Math.ceil(windows))
  })

  stranger('with a /48 of IPv6 is as many guessers as have a few networks', async (n) => {
    const site56 = (site: number, network: number) =>
      `2001:db8:${n + 7}:${(site * 256 + network).toString(16)}::1`
    expect(await login(`neighbour${n}`, PASSWORD, site56(0, 200))).toMatchObject({ code: 'Access-Accept' })
    const locked = async () =>
      (await lockouts()).filter(({ address }) => address?.startsWith(`2001:db8:${n + 7}:`))
    for (let site = 0; site < 4; site++) {
      const numbers = Array.from({ length: 4 * ADDRESS_AFTER + 10 }).keys()
      const guessAll = async () => {
        for (const number of numbers) await login(`u${n}-${site}-${number}`, 'guess', site56(site, number))
      }
      await Promise.all([guessAll(), guessAll(), guessAll(), guessAll()])
    }
    const reason = (failures: number) => `${failures} failed logins from this network within 600 s`
    const wanted = [
      ...several(4, (site) => ({
        address: `2001:db8:${n + 7}:${site === 0 ? '' : `${(site * 256).toString(16)}`}::/56`,
        reason: reason(4 * ADDRESS_AFTER),
      })),
      { address: `2001:db8:${n + 7}::/48`, reason: reason(16 * ADDRESS_AFTER) },
    ]
    const found = (await locked()).map(({ address, reason }) => ({ address, reason }))
    const text = (value: { readonly address?: string }) => value.address?.replace(':::/', '::/') ?? ''
    expect(found.map(text).toSorted()).toEqual(wanted.map(text).toSorted())
    expect(new Set(found.map(({ reason }) => reason))).toEqual(new Set([reason(24), reason(96)]))
    const failures = (await first().ocbroker([
      'audit',
      '--kind',
      'login.refused',
      '--limit',
      '9999',
    ])) as readonly AuditEvent[]
    const guesses = failures.filter(
      ({ address, reason = '' }) =>
        address?.startsWith(`2001:db8:${n + 7}:`) && ['bad_credentials', 'unavailable'].includes(reason),
    )
    expect(guesses).toHaveLength(16 * ADDRESS_AFTER)
    expect((await login(`guessed${n}`, PASSWORD, site56(99, 1))).message).toContain('Too many failed logins')
    expect(await login(`neighbour${n}`, PASSWORD, site56(0, 200)), 'a known address').toMatchObject({
      code: 'Access-Accept',
    })
  })

  stranger('cannot use up what a user has at known addresses', async (n) => {
    expect(await login(`guessed${n}`, PASSWORD)).toMatchObject({ code: 'Access-Accept' })
    for (let i = 0; i < 12; i++) await login(`guessed${n}`, `guess ${i}`, `203.0.${n}.${100 + i}`)
    const reasons = (await eventsOf(`guessed${n}`)).map(({ reason }) => reason)
    expect(reasons.filter((reason) => reason === 'bad_credentials')).toHaveLength(5)
    expect((await login(`guessed${n}`, PASSWORD, `203.0.${n}.99`)).code).toBe('Access-Reject')
    for (let i = 0; i < 3; i++)
      expect(await login(`guessed${n}`, PASSWORD), `login ${i}`).toMatchObject({ code: 'Access-Accept' })
  })

  stranger('who keeps all password checks busy waits behind a user at a known address', async (n) => {
    expect(await login(`queued${n}`, PASSWORD)).toMatchObject({ code: 'Access-Accept' })
    let isOver = false
    let [guesses, shed] = [0, 0]
    const stranger = async (lane: number) => {
      for (let i = 0; !isOver; i++) {
        const { message } = await login(
          `flood${n}-${lane}-${i}`,
          'guess',
          `10.${n * LANES + lane}.${i >> 8}.${i & 255}`,
        )
        guesses += 1
        if (message?.includes('not available') === true) shed += 1
      }
    }
    const flood = several(LANES, stranger)
    await expect.poll(() => guesses, { timeout: 30_000 }).toBeGreaterThan(LANES)
    const outcomes: string[] = []
    for (let i = 0; i < 10; i++) {
      const { code, message } = await login(`queued${n}`, PASSWORD)
      outcomes.push(message ?? code)
    }
    isOver = true
    await Promise.all(flood)
    expect(outcomes).toEqual(Array(10).fill('Access-Accept'))
    expect(shed, 'the queue was full').toBeGreaterThan(0)
  })
}
