import { Unavailable } from '../domain/errors.ts'
import type { ShedReason } from '../pacing/concurrency-limit.ts'

/**
 * @param what the limit's subject, such as `password checks`; @param waiting tasks that it lets wait.
 * @returns what throws when a task of it is shed.
 */
export function throwUnavailable(what: string, waiting: number) {
  return (reason: ShedReason, patienceMs: number): never => {
    const cause =
      reason === 'overloaded'
        ? `more than ${waiting} are waiting`
        : `no turn within ${Math.round(patienceMs)} ms`
    throw new Unavailable(what, cause)
  }
}
