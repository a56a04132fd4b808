import type { Kysely } from 'kysely'
import type { AuditEvent } from '../domain/audit.ts'
import { usernameOf } from '../domain/login-name.ts'
import type { Randomness } from '../domain/random.ts'
import { GRANT_TO_START_MS } from '../domain/session.ts'
import type {
  NewOrder,
  OrderResult,
  OrderSearch,
  OrderStore,
  OrderTarget,
  SessionOrder,
} from '../domain/session-order.ts'
import { writeEvents } from './audit.ts'
import { mappingOf } from './columns.ts'
import type { SessionOrderRow } from './gateway-schema.ts'
import { locksRows, transact } from './prepared.ts'
import type { Tables } from './schema.ts'

export class SqlOrders implements OrderStore {
  readonly #db: Kysely<Tables>
  readonly #random: Randomness

  constructor(db: Kysely<Tables>, random: Randomness) {
    this.#db = db
    this.#random = random
  }

  write(orders: readonly NewOrder[]): Promise<readonly string[]> {
    return transact(this.#db, async (db) => {
      const ids: string[] = []
      for (const order of orders) ids.push(await writeOrder(db, order))
      return ids
    })
  }

  async open(gateway: string, limit: number): Promise<readonly SessionOrder[]> {
    const rows = await this.#db
      .selectFrom('session_orders')
      .selectAll()
      .where('gateway', '=', gateway)
      .where('done_at', 'is', null)
      .orderBy('id')
      .limit(limit)
      .execute()
    return rows.map(orderOf)
  }

  async list({ gateway, ids, targets, after, limit }: OrderSearch): Promise<readonly SessionOrder[]> {
    let orders = this.#db.selectFrom('session_orders').selectAll()
    if (gateway !== undefined) orders = orders.where('gateway', '=', gateway)
    if (ids !== undefined) orders = orders.where('id', 'in', ids)
    if (targets !== undefined) orders = orders.where('target', 'in', targets)
    if (after !== undefined) orders = orders.where('id', '<', after)
    return (await orders.orderBy('id', 'desc').limit(limit).execute()).map(orderOf)
  }

  async noteSent(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    await this.#db
      .updateTable('session_orders')
      .set((row) => ({ tries: row('tries', '+', 1) }))
      .where('id', 'in', ids)
      .where('done_at', 'is', null)
      .execute()
  }

  close(
    gateway: string,
    results: readonly OrderResult[],
    by: string,
    at: number,
  ): Promise<readonly SessionOrder[]> {
    return transact(this.#db, async (db) => {
      const closed: SessionOrder[] = []
      for (const { id, outcome, detail } of inOrder(results)) {
        if (outcome === 'absent' && (await mayYetCome(db, id, at))) continue
        const row = await db
          .updateTable('session_orders')
          .set({ done_at: at, outcome, ...(detail !== undefined && { detail }) })
          .where('id', '=', id)
          .where('gateway', '=', gateway)
          .where('done_at', 'is', null)
          .returningAll()
          .executeTakeFirst()
        if (row !== undefined) closed.push(orderOf(row))
      }
      await this.#tell(db, closed, by, at)
      return closed
    })
  }

  claim(gateway: string, now: number, until: number): Promise<SessionOrder | undefined> {
    return transact(this.#db, async (db) => {
      const next = db
        .selectFrom('session_orders')
        .select('id')
        .where('gateway', '=', gateway)
        .where('kind', '=', 'end')
        .where('done_at', 'is', null)
        .where((row) => row.or([row('claimed_until', 'is', null), row('claimed_until', '<=', now)]))
        .orderBy('id')
        .limit(1)
      const found = await (locksRows(db) ? next.forUpdate().skipLocked() : next).executeTakeFirst()
      if (found === undefined) return undefined
      const row = await db
        .updateTable('session_orders')
        .set((order) => ({ claimed_until: until, tries: order('tries', '+', 1) }))
        .where('id', '=', found.id)
        .returningAll()
        .executeTakeFirst()
      return row && orderOf(row)
    })
  }

  giveUp(before: number, at: number, limit: number): Promise<readonly SessionOrder[]> {
    return transact(this.#db, async (db) => {
      const old = db
        .selectFrom('session_orders')
        .select('id')
        .where('done_at', 'is', null)
        .where('at', '<', before)
        .orderBy('id')
        .limit(limit)
      const rows = await db
        .updateTable('session_orders')
        .set({ done_at: at, outcome: 'failed', detail: 'no agent or gateway acknowledged it in time' })
        .where('id', 'in', old)
        .where('done_at', 'is', null)
        .returningAll()
        .execute()
      const failed = rows.map(orderOf)
      await this.#tell(db, failed, 'ocbroker', at)
      return failed
    })
  }

  async #tell(db: Kysely<Tables>, orders: readonly SessionOrder[], by: string, at: number): Promise<void> {
    const events = orders.map((order) => ({
      id: this.#random.id(),
      at,
      kind: 'session.end_answered' as const,
      actor: by,
      user: order.user && usernameOf(order.user),
      gateway: order.gateway,
      reason: order.outcome,
      detail: `order ${order.id} to ${wordsOf(order)}: ${order.outcome}${order.detail === undefined ? '' : `, ${order.detail}`}`,
    }))
    await writeEvents(db, events)
  }
}

/**
 * Whether a login of what the order means has not become a tunnel so far: ocserv gives it a while, so that what is
 * absent now may be there in a moment.
 */
async function mayYetCome(db: Kysely<Tables>, id: string, now: number): Promise<boolean> {
  const login = await db
    .selectFrom('session_orders as order')
    .innerJoin('sessions', 'sessions.gateway', 'order.gateway')
    .select('sessions.id')
    .where('order.id', '=', id)
    .where('order.kind', '=', 'end')
    .where('sessions.stopped_at', 'is', null)
    .where('sessions.started_at', 'is', null)
    .where('sessions.granted_at', '>', now - GRANT_TO_START_MS)
    .where((row) =>
      row.or([
        row('sessions.acct_session', '=', row.ref('order.target')),
        row('sessions.user_name', '=', row.ref('order.target')),
        row('sessions.address', '=', row.ref('order.target')),
      ]),
    )
    .limit(1)
    .executeTakeFirst()
  return login !== undefined
}

/** Rows are changed in one order, so that no two transactions wait for each other. */
function inOrder(results: readonly OrderResult[]): readonly OrderResult[] {
  return [...results].sort((one, other) => (one.id < other.id ? -1 : 1))
}

function wordsOf({ kind, target }: SessionOrder): string {
  const { target_kind: what, target: which } = targetColumns(target)
  return kind === 'unban' ? `lift the ban of ${which}` : `end the sessions of ${what} ${which}`
}

/** Of the order's own identifier. */
function eventOf({ id, at, by, user, gateway, reason, target, detail }: NewOrder): AuditEvent {
  const { target_kind: what, target: which } = targetColumns(target)
  return {
    id,
    at,
    kind: 'session.end_ordered',
    actor: by,
    user: user && usernameOf(user),
    gateway,
    reason,
    detail: [`${what} ${which}`, detail].filter((part) => part !== undefined).join(': '),
  }
}

/**
 * Writes an order in the transaction of what it follows from. One that is open already for the same gateway, kind and
 * target is not written twice.
 * @returns the identifier of the open order.
 */
export async function writeOrder(db: Kysely<Tables>, order: NewOrder): Promise<string> {
  const { target, ...rest } = order
  const columns = targetColumns(target)
  for (;;) {
    const written = await db
      .insertInto('session_orders')
      .values({ ...toRow({ ...rest, tries: 0 }), ...columns })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst()
    if (written !== undefined) {
      if (order.kind === 'end') await writeEvents(db, [eventOf(order)])
      return written.id
    }
    const open = await db
      .selectFrom('session_orders')
      .select('id')
      .where('gateway', '=', order.gateway)
      .where('kind', '=', order.kind)
      .where('target_kind', '=', columns.target_kind)
      .where('target', '=', columns.target)
      .where('done_at', 'is', null)
      .executeTakeFirst()
    // Where it was closed between the two statements, there is room for the new one.
    if (open !== undefined) return open.id
  }
}

const { toRow, fromRow } = mappingOf<Omit<SessionOrder, 'target'>, SessionOrderRow>()({
  id: 'id',
  gateway: 'gateway',
  kind: 'kind',
  reason: 'reason',
  by: 'ordered_by',
  at: 'at',
  user: 'user_name',
  tries: 'tries',
  doneAt: 'done_at',
  outcome: 'outcome',
  detail: 'detail',
})

function targetColumns(target: OrderTarget): Pick<SessionOrderRow, 'target_kind' | 'target'> {
  if ('session' in target) return { target_kind: 'session', target: target.session }
  if ('user' in target) return { target_kind: 'user', target: target.user }
  return { target_kind: 'address', target: target.address }
}

function orderOf(row: SessionOrderRow): SessionOrder {
  return { ...fromRow(row), target: targetOf(row) }
}

function targetOf({ target_kind, target }: SessionOrderRow): OrderTarget {
  switch (target_kind) {
    case 'session':
      return { session: target }
    case 'user':
      return { user: target }
    case 'address':
      return { address: target }
  }
}
