import type { Clock } from '../domain/clock.ts'
import type { Dependency } from '../domain/dependency.ts'
import { Unavailable } from '../domain/person.ts'
import type { Check } from './finding.ts'

/** Whether everything that logins need can be asked now, as `/readyz` asks it. @param withinMs for each. */
export function checkDependencies(
  dependencies: readonly Dependency[],
  clock: Clock,
  withinMs: number,
): Check {
  return () =>
    Promise.all(
      dependencies.map(async ({ name, checkReady }) => {
        const begun = clock.monotonic()
        try {
          await checkReady(begun + withinMs)
          const took = Math.ceil(clock.monotonic() - begun)
          return { about: name, level: 'good', says: `answers after ${took} ms` } as const
        } catch (error) {
          if (!(error instanceof Unavailable)) throw error
          return { about: name, level: 'fault', says: error.message } as const
        }
      }),
    )
}
