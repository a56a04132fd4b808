import { sql } from 'kysely'
import type { Agent, AgentStore, WatchedSession } from '../domain/agent.ts'
import { mappingOf } from './columns.ts'
import type { AgentRow } from './gateway-schema.ts'
import { lockLeasesOf } from './lease-locking.ts'
import { transact } from './prepared.ts'
import type { SessionRow } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'

/** Acct-Terminate-Cause of a session that its gateway has no more; RFC 2866 §5.10 has no word for it. */
const NOT_REPORTED = 'Not-Reported'
/** Values in one statement: far below what both databases take. */
const PAGE = 500

export class SqlAgents extends SqlRepository implements AgentStore {
  async list(): Promise<readonly Agent[]> {
    const rows = await this.db.selectFrom('agents').selectAll().orderBy('gateway').orderBy('host').execute()
    return rows.map(agentOf)
  }

  async note(agent: Agent): Promise<void> {
    const row = { ...toRow(agent), bans: JSON.stringify(agent.bans) }
    await this.db
      .insertInto('agents')
      .values(row)
      .onConflict((conflict) => conflict.columns(['gateway', 'host']).doUpdateSet(row))
      .execute()
  }

  async forget(before: number): Promise<number> {
    const { numDeletedRows } = await this.db
      .deleteFrom('agents')
      .where('heard_at', '<', before)
      .executeTakeFirst()
    return Number(numDeletedRows)
  }

  async watched(gateway: string, named: readonly string[]): Promise<readonly WatchedSession[]> {
    const columns = [
      'id',
      'acct_session',
      'granted_at',
      'started_at',
      'stopped_at',
      'agent',
      'missed_at',
    ] as const
    const sessions = this.db.selectFrom('sessions').select(columns).where('gateway', '=', gateway)
    const live = await sessions.where('stopped_at', 'is', null).execute()
    const holding = await sessions
      .where('id', 'in', (query) =>
        query
          .selectFrom('leases')
          .select((lease) => lease.ref('session').$notNull().as('session'))
          .where('gateway', '=', gateway)
          .where('session', 'is not', null),
      )
      .where('stopped_at', 'is not', null)
      .execute()
    const found = new Map([...live, ...holding].map((row) => [row.id, row]))
    const names = new Set([...found.values()].map((row) => row.acct_session))
    for (const some of pagesOf(named.filter((name) => !names.has(name))))
      for (const row of await sessions.where('acct_session', 'in', some).execute()) found.set(row.id, row)
    return [...found.values()].map(watchedOf)
  }

  async see(sessions: readonly string[], host: string): Promise<void> {
    for (const some of pagesOf(sessions))
      await this.db
        .updateTable('sessions')
        .set({ agent: host, missed_at: null })
        .where('id', 'in', some)
        .execute()
  }

  async miss(sessions: readonly string[], at: number): Promise<void> {
    for (const some of pagesOf(sessions))
      await this.db
        .updateTable('sessions')
        .set({ missed_at: at })
        .where('id', 'in', some)
        .where('missed_at', 'is', null)
        .execute()
  }

  async reopen(sessions: readonly string[]): Promise<void> {
    for (const some of pagesOf(sessions))
      await this.db
        .updateTable('sessions')
        .set((row) => ({ stopped_at: null, terminate_cause: null, revision: row('revision', '+', 1) }))
        .where('id', 'in', some)
        .execute()
  }

  async end(sessions: readonly string[], at: number): Promise<void> {
    for (const some of pagesOf(sessions))
      await transact(this.db, async (db) => {
        // Leases before sessions, in the order of an admission: another order could deadlock.
        const addresses = await lockLeasesOf(db, some)
        await db
          .updateTable('sessions')
          .set((row) => ({
            stopped_at: at,
            terminate_cause: NOT_REPORTED,
            revision: row('revision', '+', 1),
          }))
          .where('id', 'in', some)
          .where('stopped_at', 'is', null)
          .execute()
        if (addresses.length === 0) return
        await db
          .updateTable('leases')
          .set({ session: null, freed_at: at })
          .where('address', 'in', addresses)
          .where('session', 'in', some)
          .where((row) => row.or([row('contested', '=', 0), noOtherOfTheUser]))
          .execute()
      })
  }
}

/** The address may be that of another session of the user while one is open there. */
const noOtherOfTheUser = sql<boolean>`not exists (
  select 1 from sessions as own join sessions as other
    on other.user_stem = own.user_stem and other.gateway = own.gateway and other.stopped_at is null
  where own.id = leases.session)`

function* pagesOf(values: readonly string[]): Generator<readonly string[]> {
  for (let from = 0; from < values.length; from += PAGE) yield values.slice(from, from + PAGE)
}

const { toRow, fromRow } = mappingOf<Omit<Agent, 'bans'>, AgentRow>()({
  gateway: 'gateway',
  host: 'host',
  protocol: 'protocol',
  version: 'version',
  ocservVersion: 'ocserv_version',
  token: 'token',
  heardAt: 'heard_at',
  sessions: 'sessions',
})

function agentOf(row: AgentRow): Agent {
  return { ...fromRow(row), bans: JSON.parse(row.bans) }
}

type WatchedRow = Pick<
  SessionRow,
  'id' | 'acct_session' | 'granted_at' | 'started_at' | 'stopped_at' | 'agent' | 'missed_at'
>

function watchedOf(row: WatchedRow): WatchedSession {
  return {
    id: row.id,
    acctSession: row.acct_session ?? undefined,
    grantedAt: row.granted_at ?? undefined,
    startedAt: row.started_at ?? undefined,
    stoppedAt: row.stopped_at ?? undefined,
    agent: row.agent ?? undefined,
    missedAt: row.missed_at ?? undefined,
  }
}
