import type { Runtime } from '../domain/runtime.ts'
import type { AccountingReport, SessionStore } from '../domain/session.ts'

export interface AccountingOptions extends Pick<Runtime, 'log'> {
  readonly sessions: Pick<SessionStore, 'record'>
  /** Takes the records that the database cannot take now. */
  readonly spool: { append(record: AccountingReport): Promise<void> }
  /** How long the database may take, in milliseconds, before a record is spooled, and then the spooling of a Start. */
  readonly patienceMs: number
  /** How long any other record may wait after that to be kept, in milliseconds. */
  readonly holdMs: number
}

type Outcome = 'kept' | { readonly error: unknown }

const TOO_LATE: Outcome = { error: 'no answer in time' }

/**
 * Keeps one accounting record. @returns whether the gateway is to be answered.
 *
 * An answer says that the record is kept (RFC 2866 §4.1): in the database, or on this machine's disk until the database
 * can take it. Where it is in neither, the gateway gets no answer and sends the record again. A Start is the exception:
 * ocserv denies the login when it is not answered, so a full or hanging disk must not delay it. Nothing is lost by that,
 * because the login itself opened the session, and any Interim or Stop brings the rest.
 */
export async function keepAccounting(record: AccountingReport, options: AccountingOptions): Promise<boolean> {
  const { sessions, spool, patienceMs, holdMs, log } = options
  const recorded = outcomeOf(sessions.record(record))
  const soon = await within(patienceMs, recorded)
  if (soon === 'kept') return true
  const isStart = record.kind === 'start'
  // A database that is only slow may keep it too: a record that is kept twice changes nothing.
  const spooled = outcomeOf(spool.append(record))
  const late = await (isStart ? within(patienceMs, spooled) : within(holdMs, either(spooled, recorded)))
  if (late === 'kept') return true
  const { gateway, kind } = record
  const { user, acctSession } = record.kind === 'restart' ? {} : record
  log.error('accounting.unrecorded', {
    gateway,
    user,
    session: acctSession,
    kind,
    error: soon.error,
    spoolError: late.error,
  })
  return isStart
}

function outcomeOf(work: Promise<void>): Promise<Outcome> {
  return work.then(
    () => 'kept',
    (error: unknown) => ({ error }),
  )
}

/** `kept` as soon as one of the two has kept it; if neither has, the outcome of the first. */
async function either(first: Promise<Outcome>, second: Promise<Outcome>): Promise<Outcome> {
  if ((await Promise.race([first, second])) === 'kept') return 'kept'
  return (await second) === 'kept' ? 'kept' : first
}

async function within(ms: number, outcome: Promise<Outcome>): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<Outcome>((resolve) => {
    timer = setTimeout(resolve, ms, TOO_LATE)
  })
  try {
    return await Promise.race([outcome, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
