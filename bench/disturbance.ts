import { setTimeout as sleep } from 'node:timers/promises'
import { machineTime } from './process-cost.ts'

const LOOK_MS = 500
/** Cores. */
const QUIET = 0.5

/** What others do on the machine, looked at while the bench does nothing. */
export class Disturbance {
  readonly #samples: number[] = []
  #patienceMs: number

  /** @param patienceMs to be spent on waiting for a quiet machine, all in all. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  /** Looks once, or again and again until others are quiet. */
  async look(): Promise<void> {
    let cores = await coresAtWork()
    while (cores > QUIET && this.#patienceMs > 0) {
      this.#patienceMs -= LOOK_MS
      cores = await coresAtWork()
    }
    this.#samples.push(cores)
  }

  /** The cores that others used, on average, each time that it was looked since this was asked last. */
  take(): number {
    const samples = this.#samples.splice(0)
    return samples.reduce((sum, cores) => sum + cores, 0) / samples.length
  }
}

async function coresAtWork(): Promise<number> {
  const before = machineTime()
  const startedAt = performance.now()
  await sleep(LOOK_MS)
  return (machineTime() - before) / (performance.now() - startedAt)
}
