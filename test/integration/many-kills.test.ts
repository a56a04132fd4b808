import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { SCOPES } from '../../src/domain/scope.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { POSTGRES_NEEDS } from '../real/postgres.ts'
import { expectKept } from './many-kills/kept.ts'
import { type Crowd, Load } from './many-kills/load.ts'
import { Seeded } from './many-kills/seeded.ts'
import { isDelivered, type Site, startSite, untilAccepted, type Victim } from './many-kills/site.ts'
import { Told } from './many-kills/told.ts'

const KILLS = 100
/** Killed in one round, of two brokers, Redis and PostgreSQL. */
const FEWEST = 2
const MOST = 3
/** How many do something in a round, and who they are. */
const A_ROUND = { innocent: 16, twins: 4, victims: 5, newcomers: 3 }
const KINDS = ['innocent', 'twins', 'victims', 'newcomers'] as const
const PASSWORD = 'correct horse'
const ANYBODY = 'anybody'
/** The schedule of an earlier run again: `KILLS_SEED=… npx vitest run …`. */
const SEED = Number(process.env.KILLS_SEED ?? Date.now() % 1_000_000)

const SECTIONS = {
  second_factor: { mode: 'append', required: false },
  // One failure locks, so that whoever was locked without having failed would be seen.
  lockout: { after: 1, user_after: 9999, address_after: 9999, hard_after: 9999 },
  limits: { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' },
  passwords: { waiting: 1000 },
  // Fewer addresses than logins, and more than there are sessions, those among them that nobody was told of.
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
      timeout: 400_000,
    }, async () => {
      console.info(`KILLS_SEED=${SEED}`)
      const resources = new AsyncDisposableStack()
      onTestFinished(() => resources.disposeAsync())
      const site = await startSite(SECTIONS, resources)
      await addPeople(site.brokers[0].installation, [{ name: ANYBODY, password: PASSWORD, enrolled: false }])
      const told = new Told()
      const load = new Load({ site, token: await tokenOf(site), random: new Seeded(SEED + 1), told })
      resources.defer(() => load.stop())

      const random = new Seeded(SEED)
      const waits: number[] = []
      for (let round = 0, kills = 0; kills < KILLS; round++) {
        load.add(await crowdOf(round, site))
        const victims = random.some(everyone(site), FEWEST + Math.floor(random.below(MOST - FEWEST + 1)))
        await killAndRestart(site, victims, random, waits)
        waits.push(...(await Promise.all(site.brokers.map(accepting))))
        kills += victims.length
        expect(told.wrongs).toEqual([])
      }
      await load.stop()
      await expect
        .poll(() => site.brokers.every(({ installation }) => isDelivered(installation)), { timeout: 20_000 })
        .toBe(true)
      expect(told.wrongs).toEqual([])
      await expectKept(site, told, ANYBODY)

      waits.sort((one, other) => one - other)
      const [usual = 0, most = 0, longest = 0] = [0.5, 0.9, 1].map(
        (part) => waits[Math.ceil(waits.length * part) - 1],
      )
      const { accepted, accounted, enrolled, locked, released, failures } = told
      const counts = { accepted, accounted, enrolled, locked, released, failures }
      const sizes = Object.entries(counts).map(([what, { size }]) => `${size} ${what}`)
      const again = [...told.leases.values()].reduce((sum, times) => sum + times - 1, 0)
      console.info(
        `${told.leases.size} addresses leased, ${again} times again; ${sizes.join(', ')}; back after ${[usual, most, longest].map(Math.round).join(', ')} ms`,
      )
      // Otherwise nothing was shown.
      expect(accepted.size).toBeGreaterThan(KILLS)
      expect(accounted.size).toBeGreaterThan(KILLS / 2)
      expect(told.leases.size).toBeGreaterThan(KILLS)
      expect(again).toBeGreaterThan(0)
      for (const few of [enrolled, locked, released, failures]) expect(few.size).toBeGreaterThan(KILLS / 10)
      // A machine that does much else may be late at times.
      expect(most).toBeLessThan(1000)
      expect(longest).toBeLessThan(5000)
    })
  },
)

function everyone({ brokers, redis, postgres }: Site): readonly Victim[] {
  return [...brokers, redis, postgres]
}

function accepting({ installation }: Site['brokers'][number]): Promise<number> {
  return untilAccepted(installation, ANYBODY, PASSWORD)
}

/** Each at a moment of its own; resolves when all serve again. */
async function killAndRestart(
  { brokers, postgres }: Site,
  victims: readonly Victim[],
  random: Seeded,
  waits: number[],
): Promise<void> {
  const survivors = brokers.filter((broker) => !victims.includes(broker))
  const recovered = Promise.withResolvers<void>()
  if (!victims.includes(postgres)) recovered.resolve()
  await Promise.all(
    victims.map(async (victim) => {
      const [before, away] = [random.below(500), random.below(300)]
      await sleep(before)
      await victim.kill()
      await sleep(away)
      // A broker does not start without its records.
      if (victim !== postgres) await recovered.promise
      await victim.start()
      if (victim !== postgres) return
      recovered.resolve()
      waits.push(...(await Promise.all(survivors.map(accepting))))
    }),
  )
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
