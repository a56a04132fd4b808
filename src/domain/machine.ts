import { type Clock, systemClock } from './clock.ts'
import { type Randomness, systemRandom } from './random.ts'

/** What no test can do without having it in its hand: time and chance. */
export interface Machine {
  readonly clock: Clock
  readonly random: Randomness
}

export const THIS_MACHINE: Machine = { clock: systemClock, random: systemRandom }
