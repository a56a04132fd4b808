import type { Case, Context, Subject, Variant } from './case.ts'
import type { Generators } from './generators.ts'
import { datagramsLost, memoryOf, processorTime } from './process-cost.ts'
import type { Server } from './server.ts'

interface Percentiles {
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** What one subject did in one round. */
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
  /** Lines to report about other things that went on. */
  readonly besides?: string
}

export interface Plan {
  /** Of a round; a brief run does not heed what a case wants. */
  readonly seconds: number
  /** Of a first load, which is not measured. */
  readonly warmUpSeconds: number
  /** Operations of a round at most, in a brief run. */
  readonly briefly?: number
  readonly rounds: number
  /** In place of the case's own number of clients. */
  readonly inFlight?: number | undefined
  /** Awaited before each round. */
  readonly beforeRound: () => Promise<void>
  /** Gets what is going on, a line at a time. */
  readonly progress: (line: string) => void
}

/** One subject's rounds of one variant. */
export interface Series {
  readonly subject: string
  readonly variant: string
  /** Whether something else went on beside the load. */
  readonly beside: boolean
  readonly rounds: readonly Measured[]
}

const PRIMING_IN_FLIGHT = 32
/** Long enough for any number of challenges, which the password check makes slow. */
const PRIMING_MS = 180_000

/** Starts all subjects of a case and measures them in turn, so that what else the machine does hits all alike. */
export async function runCase(
  each: Case,
  around: Context,
  generators: Generators,
  plan: Plan,
): Promise<Series[]> {
  const { subjects, variants } = await each.prepare(around)
  const running: { subject: Subject; server: Server }[] = []
  try {
    for (const subject of subjects) {
      plan.progress(`${each.name}: starting ${subject.name}`)
      const server = await subject.start()
      running.push({ subject, server })
      await warmUp(each, subject, server, generators, plan)
    }
    const all = variants.flatMap((variant) =>
      running.map(({ subject, server }) => ({ subject, server, variant, rounds: [] as Measured[] })),
    )
    const long = {
      ...plan,
      seconds: plan.briefly === undefined ? Math.max(plan.seconds, each.seconds ?? 0) : plan.seconds,
    }
    for (let round = 1; round <= plan.rounds; round += 1) {
      await plan.beforeRound()
      for (const { subject, server, variant, rounds } of all) {
        const measured = await measure(each, variant, server, generators, long)
        rounds.push(measured)
        const what = [each.name, variant.label, subject.name].filter((word) => word !== '').join(', ')
        plan.progress(`${what}: round ${round} of ${plan.rounds}, ${Math.round(measured.perSecond)}/s`)
      }
    }
    return all.map(({ subject, variant, rounds }) => ({
      subject: subject.name,
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
  { name }: Subject,
  server: Server,
  generators: Generators,
  plan: Plan,
): Promise<void> {
  const short = { ...plan, seconds: plan.warmUpSeconds }
  const { perSecond, failures } = await measure(each, { label: '' }, server, generators, short)
  if (!(perSecond > 0))
    throw new Error(`${each.name}: ${name} answers nothing: ${[...failures.keys()].join('; ')}`)
}

async function measure(
  { operation, challengesPerSecond, ...each }: Case,
  { flood: packetsPerSecond, beside, ...variant }: Variant,
  server: Server,
  generators: Generators,
  plan: Plan,
): Promise<Measured> {
  const { pids, targets } = server
  const milliseconds = plan.seconds * 1000
  if (challengesPerSecond !== undefined) {
    const atMost = plan.briefly ?? Math.ceil(challengesPerSecond * plan.seconds)
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
  const inFlight = plan.inFlight ?? variant.inFlight ?? each.inFlight
  const order = { targets, operation, inFlight, milliseconds }
  const load = await (server.load?.(order) ??
    generators.load({ ...order, atMost: plan.briefly ?? each.atMost }))
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
    flood: flood === undefined ? undefined : { perSecond: flood, lost: lostBy(targets) - lostBefore },
    besides,
  }
}

function lostBy(targets: Server['targets']): number {
  return targets.reduce((sum, { authPort }) => sum + datagramsLost(authPort), 0)
}
