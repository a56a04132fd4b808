import type { Case, Contestant, Surroundings, Variant } from './case.ts'
import type { Generators } from './generators.ts'
import { datagramsLost, memoryOf, processorTime } from './process-cost.ts'
import type { Server } from './server.ts'

interface Percentiles {
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** What one contestant did in one round. */
export interface Measured {
  readonly perSecond: number
  /** By part of the operation. */
  readonly parts: ReadonlyMap<string, Percentiles>
  /** Microseconds of processor that the server, all its threads together, spent on an operation. */
  readonly processor: number
  /** MiB at the end of the round, and the most since the server began. */
  readonly resident: number
  readonly peak: number
  readonly retransmits: number
  readonly failures: ReadonlyMap<string, number>
  /** How busy the busiest generator was, 1 for a whole core. */
  readonly generator: number
  /** A stranger's packets per second, and those of all senders that the kernel threw away. */
  readonly flood?: { readonly perSecond: number; readonly lost: number }
  /** What is to be told of what else went on. */
  readonly besides?: string
}

export interface Plan {
  readonly seconds: number
  readonly rounds: number
  /** In place of the case's own number of clients. */
  readonly inFlight?: number | undefined
  /** Awaited before each round. */
  readonly beforeRound: () => Promise<void>
  /** Told what is going on, a line at a time. */
  readonly told: (line: string) => void
}

/** One contestant's rounds of one variant. */
export interface Series {
  readonly contestant: string
  readonly variant: string
  /** Whether something else went on beside the load. */
  readonly beside: boolean
  readonly rounds: readonly Measured[]
}

/** A first load is not measured: for its first four seconds a login takes half as long again, until the code is compiled. */
const WARM_UP_MS = 5000
const PRIMING_IN_FLIGHT = 32
/** Long enough for any number of challenges, which the password check makes slow. */
const PRIMING_MS = 180_000

/** Starts all contestants of a case and measures them in turn, so that what else the machine does hits all alike. */
export async function runCase(
  each: Case,
  around: Surroundings,
  generators: Generators,
  plan: Plan,
): Promise<Series[]> {
  const { contestants, variants } = await each.prepare(around)
  const running: { contestant: Contestant; server: Server }[] = []
  try {
    for (const contestant of contestants) {
      plan.told(`${each.name}: starting ${contestant.name}`)
      const server = await contestant.start()
      running.push({ contestant, server })
      await warmUp(each, contestant, server, generators, plan)
    }
    const all = variants.flatMap((variant) =>
      running.map(({ contestant, server }) => ({ contestant, server, variant, rounds: [] as Measured[] })),
    )
    const long = { ...plan, seconds: Math.max(plan.seconds, each.seconds ?? 0) }
    for (let round = 1; round <= plan.rounds; round += 1) {
      await plan.beforeRound()
      for (const { contestant, server, variant, rounds } of all) {
        const measured = await measure(each, variant, server, generators, long)
        rounds.push(measured)
        const what = [each.name, variant.label, contestant.name].filter((word) => word !== '').join(', ')
        plan.told(`${what}: round ${round} of ${plan.rounds}, ${Math.round(measured.perSecond)}/s`)
      }
    }
    return all.map(({ contestant, variant, rounds }) => ({
      contestant: contestant.name,
      variant: variant.label,
      beside: variant.flood !== undefined || variant.beside !== undefined,
      rounds,
    }))
  } finally {
    for (const { server } of running) await server.stop()
  }
}

/** @throws Error where nothing succeeds: then it is not set up for this load, and its figures would mean nothing. */
async function warmUp(
  each: Case,
  { name }: Contestant,
  server: Server,
  generators: Generators,
  plan: Plan,
): Promise<void> {
  const short = { ...plan, seconds: WARM_UP_MS / 1000 }
  const { perSecond, failures } = await measure(each, { label: '' }, server, generators, short)
  if (!(perSecond > 0))
    throw new Error(`${each.name}: ${name} answers nothing: ${[...failures.keys()].join('; ')}`)
}

async function measure(
  { operation, challengesPerSecond, ...each }: Case,
  { flood: packetsPerSecond, beside, ...variant }: Variant,
  { pids, targets }: Server,
  generators: Generators,
  plan: Plan,
): Promise<Measured> {
  const milliseconds = plan.seconds * 1000
  if (challengesPerSecond !== undefined) {
    const atMost = Math.ceil(challengesPerSecond * plan.seconds)
    await generators.load({
      targets,
      operation: 'password',
      inFlight: PRIMING_IN_FLIGHT,
      milliseconds: PRIMING_MS,
      atMost,
    })
  }
  const before = processorTime(pids)
  const lostBefore = lostBy(targets)
  const end = await beside?.()
  const flooding =
    packetsPerSecond === undefined
      ? undefined
      : generators.flood({ target: targets[0], source: '127.0.0.2', packetsPerSecond, milliseconds })
  const load = await generators.load({
    targets,
    operation,
    inFlight: plan.inFlight ?? variant.inFlight ?? each.inFlight,
    milliseconds,
    ...(each.atMost === undefined ? {} : { atMost: each.atMost }),
  })
  const flood = await flooding
  const besides = await end?.()
  const spent = processorTime(pids) - before
  return {
    perSecond: load.perSecond,
    parts: new Map(
      [...load.latencies].map(([part, latencies]) => [
        part,
        { p50: latencies.percentile(0.5), p99: latencies.percentile(0.99) },
      ]),
    ),
    processor: (spent * 1000) / load.completed,
    ...memoryOf(pids),
    retransmits: load.retransmits,
    failures: load.failures,
    generator: load.busiest,
    ...(flood === undefined ? {} : { flood: { perSecond: flood, lost: lostBy(targets) - lostBefore } }),
    ...(besides === undefined ? {} : { besides }),
  }
}

function lostBy(targets: Server['targets']): number {
  return targets.reduce((sum, { authPort }) => sum + datagramsLost(authPort), 0)
}
