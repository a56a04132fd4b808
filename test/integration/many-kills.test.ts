import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { SCOPES } from '../../src/domain/scope.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { POSTGRES_NEEDS } from '../real/postgres.ts'
import { Acknowledged } from './many-kills/acknowledged.ts'
import { expectKept } from './many-kills/kept.ts'
import { type Crowd, Load } from './many-kills/load.ts'
import { Prober } from './many-kills/prober.ts'
import { Seeded } from './many-kills/seeded.ts'
import { putAside, type Site, startSite, type Victim } from './many-kills/site.ts'

const KILLS = 100
/** Killed in one round, of two brokers, Redis and PostgreSQL. */
const MIN_VICTIMS = 2
const MAX_VICTIMS = 3
/** How many do something in a round, and who they are. */
const A_ROUND = { innocent: 16, twins: 4, victims: 5, newcomers: 3 }
const KINDS = ['innocent', 'twins', 'victims', 'newcomers'] as const
const PASSWORD = 'correct horse'
const ANYBODY = 'anybody'
/** Of that user at each broker. */
const ADDRESSES = ['198.51.100.11', '198.51.100.12'] as const
/** Milliseconds, from when what was killed serves again: on a machine with a core to spare, and on any. */
const ACCEPTING_WITHIN = { free: 1000, busy: 5000 }
/** The schedule of an earlier run again: `KILLS_SEED=… npx vitest run …`. */
const SEED = Number(process.env.KILLS_SEED ?? Date.now() % 1_000_000)

const SECTIONS = {
  second_factor: { mode: 'append', required: false },
  // One failure locks, so that a lockout without a failure would be seen.
  lockout: { after: 1, user_after: 9999, address_after: 9999, hard_after: 9999 },
  limits: { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' },
  passwords: { waiting: 1000 },
  // Fewer addresses than logins, and more than sessions, also those that no client learnt of.
  pools: { small: { ipv4: '10.8.0.0/25' } },
  policies: [
    { name: 'innocent', when: { groups: ['innocent'] }, reply: { pool: 'small' } },
    { name: 'anybody', reply: {} },
  ],
}

describeWith(
  [...POSTGRES_NEEDS, 'redis-server', 'redis-cli'],
  'two brokers, a PostgreSQL and a Redis',
  () => {
    test(`lose nothing and let nobody in wrongly while they are killed ${KILLS} times`, {
      timeout: 1_200_000,
    }, async () => {
      console.info(`KILLS_SEED=${SEED}`)
      const resources = new AsyncDisposableStack()
      onTestFinished(() => resources.disposeAsync())
      const site = await startSite(SECTIONS, resources)
      await addPeople(site.brokers[0].installation, [{ name: ANYBODY, password: PASSWORD, enrolled: false }])
      const acknowledged = new Acknowledged()
      const load = new Load({ site, token: await tokenOf(site), random: new Seeded(SEED + 1), acknowledged })
      resources.defer(() => load.stop())

      const probers = site.brokers.map((broker, index) => {
        const from = ADDRESSES[index] ?? expect.unreachable()
        return new Prober({ broker, user: ANYBODY, password: PASSWORD, from, acknowledged })
      })
      for (const prober of probers) resources.defer(() => prober.stop())

      const random = new Seeded(SEED)
      const waits: Wait[] = []
      // On a slow machine there may be too few logins between so many kills.
      for (let round = 0, kills = 0; kills < KILLS || !isEnough(acknowledged); round++) {
        load.add(await crowdOf(round, site))
        const victims = random.some(
          everyone(site),
          MIN_VICTIMS + Math.floor(random.below(MAX_VICTIMS - MIN_VICTIMS + 1)),
        )
        waits.push(...(await killAndRestart(site, victims, random, probers)))
        waits.push(...(await waitsOf(probers, 'all')))
        kills += victims.length
        expect(acknowledged.wrongs).toEqual([])
      }
      await Promise.all([load.stop(), ...probers.map((prober) => prober.stop())])
      await expect
        .poll(() => site.brokers.flatMap(({ installation }) => putAside(installation)), { timeout: 20_000 })
        .toEqual([])
      expect(acknowledged.wrongs).toEqual([])
      await expectKept(site, acknowledged, ANYBODY)

      const sorted = waits.map(({ ms }) => ms).toSorted((one, other) => one - other)
      const figures = [0.5, 0.9, 1].map((part) =>
        Math.round(sorted[Math.ceil(sorted.length * part) - 1] ?? 0),
      )
      const { accepted, accounted, enrolled, locked, released, failures } = acknowledged
      const counts = { accepted, accounted, enrolled, locked, released, failures }
      const sizes = Object.entries(counts).map(([what, { size }]) => `${size} ${what}`)
      console.info(
        `${acknowledged.leases.size} addresses leased, ${leasedAgain(acknowledged)} times again; ${sizes.join(', ')}; back after ${figures.join(', ')} ms (${waits.length} times)`,
      )
      // Where others wait for the same cores, the figure says more of them than of the brokers.
      const isFree = (loadavg()[1] ?? 0) < availableParallelism()
      const within = isFree ? ACCEPTING_WITHIN.free : ACCEPTING_WITHIN.busy
      expect(waits.filter(({ ms }) => ms >= within)).toEqual([])
    })
  },
)

/** Otherwise nothing was shown. */
function isEnough(acknowledged: Acknowledged): boolean {
  const { accepted, accounted, leases, enrolled, locked, released, failures } = acknowledged
  const seldom = [enrolled, locked, released, failures]
  return (
    [accepted, leases].every(({ size }) => size > KILLS) &&
    accounted.size > KILLS / 2 &&
    seldom.every(({ size }) => size > KILLS / 10) &&
    leasedAgain(acknowledged) > 0
  )
}

function leasedAgain({ leases }: Acknowledged): number {
  return [...leases.values()].reduce((sum, times) => sum + times - 1, 0)
}

function everyone({ brokers, redis, postgres }: Site): readonly Victim[] {
  return [...brokers, redis, postgres]
}

interface Wait {
  /** What was killed and serves again. */
  readonly after: string
  readonly broker: string
  readonly ms: number
}

function waitsOf(probers: readonly Prober[], after: string): Promise<Wait[]> {
  return Promise.all(
    probers.map(async (prober) => ({ after, broker: prober.broker.name, ms: await prober.accepted() })),
  )
}

/** Each at a moment of its own. @returns the waits of the brokers that are killed no more, after each recovery. */
async function killAndRestart(
  { postgres }: Site,
  victims: readonly Victim[],
  random: Seeded,
  probers: readonly Prober[],
): Promise<readonly Wait[]> {
  const survivors = probers.filter(({ broker }) => !victims.includes(broker))
  const recovered = Promise.withResolvers<void>()
  if (!victims.includes(postgres)) recovered.resolve()
  const waits = await Promise.all(
    victims.map(async (victim) => {
      const [before, away] = [random.below(500), random.below(300)]
      await sleep(before)
      await victim.kill()
      await sleep(away)
      // A broker does not start without its records.
      if (victim !== postgres) await recovered.promise
      await victim.start()
      if (victim === postgres) recovered.resolve()
      const own = probers.filter(({ broker }) => broker === victim)
      return waitsOf(own.length > 0 ? own : survivors, victim.name)
    }),
  )
  return waits.flat()
}

async function tokenOf({ brokers: [broker] }: Site): Promise<string> {
  const args = ['token', 'create', '--name', 'desk', '--scope', ...SCOPES]
  const { token } = (await broker.installation.ocbroker(args)) as { token: string }
  return token
}

/** People who were not there in the rounds before. */
async function crowdOf(round: number, { brokers: [broker] }: Site): Promise<Crowd> {
  const named = (kind: keyof Crowd) =>
    Array.from({ length: A_ROUND[kind] }, (_, number) => ({
      name: `${kind}-${round}-${number}`,
      password: PASSWORD,
      groups: [kind],
      enrolled: kind !== 'newcomers',
    }))
  const people = await addPeople(broker.installation, KINDS.flatMap(named))
  const of = (kind: keyof Crowd) => people.filter(({ name }) => name.startsWith(kind))
  return {
    innocent: of('innocent'),
    twins: of('twins'),
    victims: of('victims'),
    newcomers: of('newcomers'),
  }
}
