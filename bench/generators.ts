import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Broken, FloodOrder, LoadOrder, Order, Report } from './commands.ts'
import { Latencies } from './latencies.ts'
import type { Server } from './server.ts'

/** What came of a load, over all generators. */
export interface Load {
  readonly perSecond: number
  readonly completed: number
  readonly latencies: ReadonlyMap<string, Latencies>
  readonly retransmits: number
  readonly failures: ReadonlyMap<string, number>
  /** How busy the busiest generator was, 1 for a whole core: near that it is the generator that is measured. */
  readonly busiest: number
}

/** A load of all generators together. */
export interface LoadOfAll extends Omit<LoadOrder, 'kind' | 'users' | 'target'> {
  readonly targets: Server['targets']
}

const PROGRAM = fileURLToPath(new URL('./load-generator.ts', import.meta.url))

/** Processes that make the load, apart from the one that measures and the one that is measured. */
export class Generators {
  readonly #loaders: readonly ChildProcess[]
  readonly #flooder: ChildProcess

  /** @param count loaders, among which clients, users and targets are divided. */
  constructor(count: number) {
    this.#loaders = Array.from({ length: count }, () => fork(PROGRAM))
    this.#flooder = fork(PROGRAM)
  }

  async load({ targets, ...order }: LoadOfAll): Promise<Load> {
    const count = this.#loaders.length
    const reports = await Promise.all(
      this.#loaders.map((loader, index) => {
        const target = targets[index % targets.length] ?? targets[0]
        return obey(loader, {
          ...order,
          kind: 'load',
          target,
          inFlight: Math.ceil(order.inFlight / count),
          atMost: order.atMost && Math.ceil(order.atMost / count),
          users: {
            from: Math.floor((target.users * index) / count),
            to: Math.floor((target.users * (index + 1)) / count),
          },
        })
      }),
    )
    if (reports.some(({ outOfCodes }) => outOfCodes)) {
      throw new Error(`${targets[0].users} users have too few codes for this load: give more with --users`)
    }
    return together(reports)
  }

  /** @returns packets sent per second. */
  async flood(order: Omit<FloodOrder, 'kind'>): Promise<number> {
    const { completed, milliseconds } = await obey(this.#flooder, { ...order, kind: 'flood' })
    return (completed / milliseconds) * 1000
  }

  stop(): void {
    for (const child of [...this.#loaders, this.#flooder]) child.kill()
  }
}

async function obey(child: ChildProcess, order: Order): Promise<Report> {
  const gone = new AbortController()
  const ended = once(child, 'exit', { signal: gone.signal }).then(() => {
    throw new Error('a load generator ended')
  })
  // Aborted below, when it is no longer waited for.
  ended.catch(() => {})
  child.send(order)
  const answered = once(child, 'message').then(([message]): Report | Broken => message)
  const answer = await Promise.race([answered, ended])
  gone.abort()
  if (answer.kind === 'broken') throw new Error(`a load generator failed: ${answer.message}`)
  return answer
}

function together(reports: readonly Report[]): Load {
  const latencies = new Map<string, Latencies>()
  const failures = new Map<string, number>()
  for (const report of reports) {
    for (const [part, counts] of Object.entries(report.latencies)) {
      const sum = latencies.get(part) ?? new Latencies()
      sum.addAll(new Latencies(counts))
      latencies.set(part, sum)
    }
    for (const [reason, count] of Object.entries(report.failures)) {
      failures.set(reason, (failures.get(reason) ?? 0) + count)
    }
  }
  return {
    perSecond: total(reports, ({ inTime, milliseconds }) => (inTime / milliseconds) * 1000),
    completed: total(reports, ({ completed }) => completed),
    latencies,
    retransmits: total(reports, ({ retransmits }) => retransmits),
    failures,
    busiest: Math.max(...reports.map(({ processor, milliseconds }) => processor / milliseconds)),
  }
}

function total(reports: readonly Report[], of: (report: Report) => number): number {
  return reports.reduce((sum, report) => sum + of(report), 0)
}
