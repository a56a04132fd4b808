import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Waits where the code is about to change, for what needs one code twice, or two clocks that agree on it.
 * @param room milliseconds that the step must go on for at least
 */
export async function awayFromTheEdge(room = 2000): Promise<void> {
  const into = Date.now() % 30_000
  if (into < 1000) await sleep(1000)
  else if (into > 30_000 - room) await sleep(31_000 - into)
}
