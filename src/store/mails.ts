import type { Kysely } from 'kysely'
import { usernameOf } from '../domain/login-name.ts'
import {
  type CodeMailKind,
  MAILS_COUNTED,
  type Mail,
  type MailQueue,
  type MailSearch,
  type MailState,
  type MailStore,
  type MailTurn,
  type NewMail,
  NOTICE_KINDS,
  type TakenMail,
} from '../domain/mail.ts'
import { mappingOf } from './columns.ts'
import type { MailRow } from './mail-schema.ts'
import { locksRows, transact } from './prepared.ts'
import type { Tables } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'

const UNSENT = ['waiting', 'sending'] as const

export class SqlMails extends SqlRepository implements MailStore {
  add(mail: NewMail): Promise<'added' | 'known'> {
    return addMail(this.db, mail)
  }

  async madeSince(subject: string, since: number, what: 'notices' | CodeMailKind): Promise<number> {
    const { count } = await this.db
      .selectFrom('mails')
      .select((row) => row.fn.countAll<number | string>().as('count'))
      .where('user_stem', '=', usernameOf(subject))
      .where('created_at', '>', since)
      .where('subject', '=', subject)
      .where('kind', 'in', what === 'notices' ? NOTICE_KINDS : [what])
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  async take(turn: MailTurn): Promise<TakenMail | undefined> {
    // A look that writes nothing, as most of the time there is nothing to do.
    if ((await next(this.db, turn)) === undefined) return undefined
    return transact(this.db, async (db) => {
      await endWorthless(db, turn.now)
      if (await isSentByAnother(db, turn)) return undefined
      const found = await next(db, turn)
      if (found === undefined) return undefined
      const { holder, until } = turn
      const row = await db
        .updateTable('mails')
        .set({ state: 'sending', holder, held_until: until, tries: found.tries + 1 })
        .where('id', '=', found.id)
        // Of two brokers that found it at the same time, one has it.
        .where('tries', '=', found.tries)
        .where('state', '=', found.state)
        .returningAll()
        .executeTakeFirst()
      return row?.sealed == null ? undefined : { ...mailOf(row), sealed: row.sealed }
    })
  }

  async sent(id: string, turn: MailTurn): Promise<boolean> {
    return this.#end(id, turn, { state: 'sent', fault: null })
  }

  async postpone(id: string, turn: MailTurn, dueAt: number, fault: string): Promise<void> {
    await this.db
      .updateTable('mails')
      .set({ state: 'waiting', due_at: dueAt, fault, ...FREE })
      .where('id', '=', id)
      .where('holder', '=', turn.holder)
      .where('state', '=', 'sending')
      .execute()
  }

  async giveUp(id: string, turn: MailTurn, fault: string): Promise<void> {
    await this.#end(id, turn, { state: 'failed', fault })
  }

  async list({ states, kinds, user, limit }: MailSearch): Promise<readonly Mail[]> {
    let mails = this.db.selectFrom('mails').selectAll()
    if (states !== undefined) mails = mails.where('state', 'in', states)
    if (kinds !== undefined) mails = mails.where('kind', 'in', kinds)
    if (user !== undefined) mails = mails.where('user_stem', '=', user)
    const rows = await mails.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
    return rows.map((row) => mailOf(row))
  }

  async queue(since: number): Promise<MailQueue> {
    const unsent = this.db.selectFrom('mails').where('state', 'in', UNSENT)
    const some = unsent.select('id').limit(MAILS_COUNTED)
    const lost = this.db
      .selectFrom('mails')
      .select('id')
      .where('state', '=', 'failed')
      .where('ended_at', '>=', since)
      .limit(MAILS_COUNTED)
    const first = unsent.select(['created_at', 'fault']).orderBy('created_at').orderBy('id').limit(1)
    const [head, waiting, failed] = await Promise.all([
      first.executeTakeFirst(),
      some.execute(),
      lost.execute(),
    ])
    return {
      waiting: waiting.length,
      since: head?.created_at,
      fault: head?.fault ?? undefined,
      failed: failed.length,
    }
  }

  async #end(
    id: string,
    { holder, now }: MailTurn,
    end: { readonly state: MailState; readonly fault: string | null },
  ): Promise<boolean> {
    const { numUpdatedRows } = await this.db
      .updateTable('mails')
      .set({ ...end, sealed: null, ended_at: now, ...FREE })
      .where('id', '=', id)
      .where('holder', '=', holder)
      .where('state', '=', 'sending')
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }
}

const FREE = { holder: null, held_until: null }

/** Adds a mail, in the transaction of what it tells. */
export async function addMail(db: Kysely<Tables>, mail: NewMail): Promise<'added' | 'known'> {
  const { id, kind, subject, to, createdAt, expiresAt, sealed } = mail
  const added = await db
    .insertInto('mails')
    .values({
      ...{ id, kind, subject, sealed, state: 'waiting', tries: 0 },
      user_stem: usernameOf(subject),
      recipient: to,
      created_at: createdAt,
      due_at: createdAt,
      expires_at: expiresAt,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst()
  return added === undefined ? 'known' : 'added'
}

/** A later code of the subject makes those worthless that still wait. */
export async function replaceCodeMails(
  db: Kysely<Tables>,
  kind: CodeMailKind,
  subject: string,
  now: number,
): Promise<void> {
  await db
    .updateTable('mails')
    .set({ state: 'replaced', sealed: null, ended_at: now, ...FREE })
    .where('user_stem', '=', usernameOf(subject))
    .where('subject', '=', subject)
    .where('kind', '=', kind)
    .where('state', 'in', UNSENT)
    .execute()
}

/** The code that they bring is worth nothing any more. */
export async function forgetCodeMails(
  db: Kysely<Tables>,
  kind: CodeMailKind,
  subject: string,
): Promise<void> {
  await db
    .deleteFrom('mails')
    .where('user_stem', '=', usernameOf(subject))
    .where('subject', '=', subject)
    .where('kind', '=', kind)
    .where('state', 'in', UNSENT)
    .execute()
}

async function endWorthless(db: Kysely<Tables>, now: number): Promise<void> {
  await db
    .updateTable('mails')
    .set({ state: 'expired', sealed: null, ended_at: now, ...FREE })
    .where('state', 'in', UNSENT)
    .where('expires_at', '<=', now)
    .execute()
}

/** Another broker that lives. A file is one broker's: the one that sent before has ended. */
async function isSentByAnother(db: Kysely<Tables>, { holder, now }: MailTurn): Promise<boolean> {
  if (!locksRows(db)) return false
  const held = await db
    .selectFrom('mails')
    .select('id')
    .where('state', '=', 'sending')
    .where('holder', '<>', holder)
    .where('held_until', '>', now)
    .limit(1)
    .executeTakeFirst()
  return held !== undefined
}

/** What this process itself is said to be sending, it gave up without being able to say so. */
function next(db: Kysely<Tables>, { holder, now }: MailTurn) {
  return db
    .selectFrom('mails')
    .select(['id', 'state', 'tries'])
    .where('state', 'in', UNSENT)
    .where((row) =>
      row.or([
        row.and([row('state', '=', 'waiting'), row('due_at', '<=', now)]),
        locksRows(db)
          ? row.and([
              row('state', '=', 'sending'),
              row.or([row('holder', '=', holder), row('held_until', '<=', now)]),
            ])
          : row('state', '=', 'sending'),
      ]),
    )
    .orderBy('due_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
}

const { fromRow: mailOf } = mappingOf<Mail, MailRow>()({
  id: 'id',
  kind: 'kind',
  subject: 'subject',
  to: 'recipient',
  state: 'state',
  createdAt: 'created_at',
  dueAt: 'due_at',
  tries: 'tries',
  expiresAt: 'expires_at',
  endedAt: 'ended_at',
  fault: 'fault',
})
