import { type Clock, systemClock } from './clock.ts'
import { type Log, quietLog } from './log.ts'
import { type Metrics, noMetrics } from './metrics.ts'
import { type Randomness, systemRandom } from './random.ts'

/** What almost every part needs, injected so that a test can move time, choose the randomness and read what is reported. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Randomness
  readonly log: Log
  readonly metrics: Metrics
}

/** The machine's own clock and random source; what is reported goes nowhere, as commands and most tests want it. */
export const SYSTEM_RUNTIME: Runtime = {
  clock: systemClock,
  random: systemRandom,
  log: quietLog,
  metrics: noMetrics,
}
