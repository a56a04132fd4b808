import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Latencies } from './latencies.ts'
import { type Server, SHARED_SECRET } from './server.ts'

export interface PairOrder {
  readonly inFlight: number
  readonly milliseconds: number
}

export interface PairReport {
  readonly completed: number
  readonly latencies: ReturnType<Latencies['toJSON']>
  /** Milliseconds. */
  readonly processor: number
}

const PROGRAM = fileURLToPath(new URL('./bare-pairs.ts', import.meta.url))

/** A process that only searches and binds. It makes its own load, as it speaks no RADIUS. */
export async function startBarePairs(directory: {
  readonly port: number
  readonly users: number
}): Promise<Server> {
  const child = fork(PROGRAM, [String(directory.port), String(directory.users)])
  await once(child, 'spawn')
  return {
    pids: [child.pid ?? 0],
    targets: [
      {
        name: 'bare pairs',
        authPort: 0,
        acctPort: 0,
        secret: SHARED_SECRET,
        signsFirst: true,
        spendsCodes: false,
        users: directory.users,
      },
    ],
    async load({ inFlight, milliseconds }) {
      const failed = once(child, 'exit').then(() => {
        throw new Error('the process that searches and binds has ended')
      })
      failed.catch(() => {})
      child.send({ inFlight, milliseconds } satisfies PairOrder)
      const [report]: PairReport[] = await Promise.race([once(child, 'message'), failed])
      if (report === undefined) throw new Error('the process that searches and binds said nothing')
      return {
        perSecond: (report.completed / milliseconds) * 1000,
        completed: report.completed,
        latencies: new Map([['login', new Latencies(report.latencies)]]),
        retransmits: 0,
        failures: new Map(),
        busiest: 0,
      }
    },
    async stop() {
      child.kill()
    },
  }
}
