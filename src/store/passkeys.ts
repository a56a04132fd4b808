import { MAX_PASSKEYS, type Passkey, type PasskeyStore } from '../domain/passkey.ts'
import { mappingOf } from './columns.ts'
import { closeGrace } from './grace.ts'
import { locksRows, transact } from './prepared.ts'
import type { PasskeyRow } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'

export class SqlPasskeys extends SqlRepository implements PasskeyStore {
  async list(subject: string): Promise<readonly Passkey[]> {
    const rows = await this.db
      .selectFrom('passkeys')
      .selectAll()
      .where('subject', '=', subject)
      .orderBy('id')
      .execute()
    return rows.map(fromRow)
  }

  async find(id: string): Promise<Passkey | undefined> {
    const row = await this.db.selectFrom('passkeys').selectAll().where('id', '=', id).executeTakeFirst()
    return row && fromRow(row)
  }

  async findByCredential(credential: string): Promise<Passkey | undefined> {
    const row = await this.db
      .selectFrom('passkeys')
      .selectAll()
      .where('credential', '=', credential)
      .executeTakeFirst()
    return row && fromRow(row)
  }

  add(passkey: Passkey): Promise<'added' | 'full' | 'known'> {
    return transact(this.db, async (db) => {
      const { subject } = passkey
      const own = db.selectFrom('passkeys').select('id').where('subject', '=', subject).orderBy('id')
      // Of two that add the last one permitted, the second waits here, and then counts.
      if (locksRows(db)) await own.forUpdate().execute()
      if ((await own.execute()).length >= MAX_PASSKEYS) return 'full'
      const added = await db
        .insertInto('passkeys')
        .values(toRow(passkey))
        .onConflict((conflict) => conflict.column('credential').doNothing())
        .returning('id')
        .executeTakeFirst()
      return added === undefined ? 'known' : 'added'
    })
  }

  async claim(id: string, counter: number, now: number): Promise<boolean> {
    const claimed = await this.db
      .updateTable('passkeys')
      .set({ counter, used_at: now })
      .where('id', '=', id)
      .where((row) => (counter === 0 ? row('counter', '=', 0) : row('counter', '<', counter)))
      .returning('id')
      .executeTakeFirst()
    return claimed !== undefined
  }

  rename(id: string, subject: string, name: string): Promise<Passkey | undefined> {
    return transact(this.db, async (db) => {
      const before = await db
        .selectFrom('passkeys')
        .selectAll()
        .where('id', '=', id)
        .where('subject', '=', subject)
        .executeTakeFirst()
      if (before === undefined) return undefined
      await db.updateTable('passkeys').set({ name }).where('id', '=', id).execute()
      return fromRow(before)
    })
  }

  async remove(id: string, subject: string): Promise<Passkey | undefined> {
    const [removed] = await this.#remove(subject, id)
    return removed
  }

  async removeAllOf(subject: string): Promise<readonly Passkey[]> {
    return this.#remove(subject)
  }

  #remove(subject: string, id?: string): Promise<readonly Passkey[]> {
    return transact(this.db, async (db) => {
      const all = db.deleteFrom('passkeys').where('subject', '=', subject)
      const rows = await (id === undefined ? all : all.where('id', '=', id)).returningAll().execute()
      if (rows.length > 0) await closeGrace(db, subject)
      return rows.map(fromRow)
    })
  }

  async countByRpId(): Promise<Readonly<Record<string, number>>> {
    const rows = await this.db
      .selectFrom('passkeys')
      .select('rp_id')
      .select((select) => select.fn.countAll<number | string>().as('count'))
      .groupBy('rp_id')
      .execute()
    return Object.fromEntries(rows.map(({ rp_id, count }) => [rp_id, Number(count)]))
  }
}

const { toRow, fromRow } = mappingOf<Passkey, PasskeyRow>()({
  id: 'id',
  subject: 'subject',
  name: 'name',
  credential: 'credential',
  handle: 'handle',
  publicKey: 'public_key',
  counter: 'counter',
  rpId: 'rp_id',
  transports: 'transports',
  createdAt: 'created_at',
  usedAt: 'used_at',
})
