import type { SinkState, SinkStore, Waiting } from '../domain/audit-sink.ts'
import { WAITING_AT_MOST } from '../domain/audit-sink.ts'
import type { Clock } from '../domain/clock.ts'
import { type Check, type Finding, hint, ok, warning } from './finding.ts'

/** What waits for so long is not under way any more: the log has its first line for it after a second. */
const LATE_MS = 60_000

/** Whether the receivers of the audit trail get it. @param names of those in the configuration. */
export function checkAuditSinks(
  names: readonly string[],
  sinks: Pick<SinkStore, 'list' | 'waiting'>,
  clock: Clock,
): Check {
  return async () => {
    const states = new Map((await sinks.list()).map((state) => [state.name, state]))
    return Promise.all(
      names.map(async (name) => {
        const state = states.get(name)
        if (state === undefined)
          return hint(`audit ${name}`, 'was sent nothing yet: the broker has not served')
        return findingOf(state, await sinks.waiting(state.position), clock.now())
      }),
    )
  }
}

function findingOf({ name, fault, dropped }: SinkState, { events, since }: Waiting, now: number): Finding {
  const about = `audit ${name}`
  const lag = since === undefined ? 0 : now - since
  const waits = events < WAITING_AT_MOST ? `${events} events wait` : `more than ${events} events wait`
  const lost = dropped === 0 ? '' : `; ${dropped} were past storage.keep_audit before they could be sent`
  if (fault !== undefined)
    return warning(about, `${fault}; ${waits}${lost}`, 'bring the receiver back: it gets what it missed')
  if (lag > LATE_MS)
    return warning(
      about,
      `${waits}, the first for ${Math.round(lag / 1000)} s${lost}`,
      'see that a broker runs with this receiver, and that no transaction of the database server has been open for long',
    )
  return dropped === 0 ? ok(about, waits) : hint(about, `${waits}${lost}`)
}
