import type { Clock } from '../domain/clock.ts'
import type { Dependency } from '../domain/dependency.ts'
import { Unavailable } from '../domain/errors.ts'
import { type Check, fault, ok } from './finding.ts'

/** Whether everything that logins need answers, as `/readyz` asks it. @param withinMs for each. */
export function checkDependencies(
  dependencies: readonly Dependency[],
  clock: Clock,
  withinMs: number,
): Check {
  return () =>
    Promise.all(
      dependencies.map(async ({ name, checkReady }) => {
        const began = clock.monotonic()
        try {
          await checkReady(began + withinMs)
          return ok(name, `answers after ${Math.ceil(clock.monotonic() - began)} ms`)
        } catch (error) {
          if (!(error instanceof Unavailable)) throw error
          return fault(name, error, `bring it back, or correct ${name.replace(' ', '.')} in broker.yaml`)
        }
      }),
    )
}
