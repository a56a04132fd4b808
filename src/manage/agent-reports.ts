import {
  type AgentGateway,
  type AgentReport,
  type AgentStore,
  isOneServer,
  type ReportedSession,
  type WatchedSession,
} from '../domain/agent.ts'
import type { Clock } from '../domain/clock.ts'
import { type AccountingRecord, GRANT_TO_START_MS, type SessionStore } from '../domain/session.ts'

export interface AgentReportsOptions {
  readonly agents: AgentStore
  readonly sessions: Pick<SessionStore, 'record'>
  readonly clock: Clock
}

/** A session is never gone, nor back, in this time after a change: reports and accounting overtake each other. */
const YOUNG_MS = 60_000
/** Two reports that follow upon each other at once are one for a session that is missing from both. */
const BETWEEN_MISSES_MS = 5_000
/** An agent that was not heard for so long does not count any more. */
const PRESENT_MS = 24 * 3_600_000
/** Records in progress at a time. */
const AT_ONCE = 64

/** Makes sessions and leases what the gateway says that it has. */
export class AgentReports {
  readonly #options: AgentReportsOptions

  constructor(options: AgentReportsOptions) {
    this.#options = options
  }

  /** @throws Unavailable */
  async take(report: AgentReport, gateway: AgentGateway): Promise<void> {
    const { agents, clock } = this.#options
    const { agent, sessions } = report
    const now = clock.now()
    await agents.note({ ...agent, heardAt: now })
    const names = sessions.map(({ acctSession }) => acctSession)
    const before = byName(await agents.watched(gateway.name, names))
    await this.#reopen(sessions, before, now)
    for (let from = 0; from < sessions.length; from += AT_ONCE) {
      const some = sessions.slice(from, from + AT_ONCE)
      await Promise.all(some.map((each) => this.#record(each, before.get(each.acctSession), gateway, now)))
    }
    await this.#compare(report, gateway, now)
  }

  /** Those that ended a while ago, by a Stop that was not true or by reports without them. */
  async #reopen(
    sessions: readonly ReportedSession[],
    known: ReadonlyMap<string, WatchedSession>,
    now: number,
  ): Promise<void> {
    const back = sessions.flatMap(({ acctSession, connectedAt }) => {
      const { id, stoppedAt } = known.get(acctSession) ?? {}
      if (id === undefined || stoppedAt === undefined || stoppedAt > now - YOUNG_MS) return []
      const isAnother = connectedAt !== undefined && connectedAt > stoppedAt
      return isAnother ? [] : [id]
    })
    await this.#options.agents.reopen(back)
  }

  async #record(
    reported: ReportedSession,
    known: WatchedSession | undefined,
    { name: gateway }: AgentGateway,
    now: number,
  ): Promise<void> {
    const { sessions } = this.#options
    const { connectedAt = now, octetsIn, octetsOut, ...session } = reported
    const began = Math.min(connectedAt, now)
    const isNew = known?.startedAt === undefined || (known.stoppedAt ?? now) < began
    // occtl tells whole minutes: what accounting said of the start is nearer.
    const seconds = Math.floor((now - (isNew ? began : known.startedAt)) / 1000)
    const named = { gateway, ...session }
    const start: AccountingRecord = {
      ...named,
      kind: 'start',
      at: began,
      seconds: 0,
      octetsIn: 0,
      octetsOut: 0,
    }
    if (isNew) await sessions.record(start)
    await sessions.record({ ...named, kind: 'interim', at: now, seconds, octetsIn, octetsOut })
  }

  /** Ends what two reports were without. */
  async #compare(
    { agent, sessions, cookies }: AgentReport,
    gateway: AgentGateway,
    now: number,
  ): Promise<void> {
    const { agents } = this.#options
    const tunnels = new Set(sessions.map(({ acctSession }) => acctSession))
    const present = new Set([...tunnels, ...cookies])
    const isOnly = isOneServer(gateway) && (await this.#isOnly(gateway.name, now))
    const watched = await agents.watched(gateway.name, [...present])
    const isPresent = ({ acctSession = '' }: WatchedSession) => present.has(acctSession)
    const isHere = ({ agent: host }: WatchedSession) => (host === undefined ? isOnly : host === agent.host)
    const missing = watched.filter((each) => !isPresent(each) && isHere(each) && !isYoung(each, now))
    const seen = watched.filter(
      (each) => isPresent(each) && (each.agent !== agent.host || each.missedAt !== undefined),
    )
    const isGone = ({ missedAt = now }: WatchedSession) => missedAt <= now - BETWEEN_MISSES_MS
    await agents.see(seen.map(idOf), agent.host)
    await agents.miss(missing.filter((each) => each.missedAt === undefined).map(idOf), now)
    await agents.end(missing.filter(isGone).map(idOf), now)
  }

  async #isOnly(gateway: string, now: number): Promise<boolean> {
    const all = await this.#options.agents.list()
    const here = all.filter((each) => each.gateway === gateway && each.heardAt > now - PRESENT_MS)
    return here.length === 1
  }
}

function byName(watched: readonly WatchedSession[]): ReadonlyMap<string, WatchedSession> {
  return new Map(
    watched.flatMap((each) => (each.acctSession === undefined ? [] : [[each.acctSession, each]])),
  )
}

function idOf({ id }: WatchedSession): string {
  return id
}

/** A login without a name cannot be in a report: its client may still come by the cookie. */
function isYoung(
  { acctSession, grantedAt = 0, startedAt = 0, stoppedAt = 0 }: WatchedSession,
  now: number,
): boolean {
  const waits = acctSession === undefined ? GRANT_TO_START_MS : YOUNG_MS
  return grantedAt > now - waits || Math.max(startedAt, stoppedAt) > now - YOUNG_MS
}
