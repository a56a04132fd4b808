import { type Kysely, sql } from 'kysely'
import type { Enrolment, EnrolmentStore, NewEnrolment, RegisteredEnrolment } from '../domain/enrolment.ts'
import { keyOf } from '../domain/key-ring.ts'
import { mappingOf } from './columns.ts'
import { nullsToUndefined } from './nulls-to-undefined.ts'
import { type Param, prepared, type Rows, transact } from './prepared.ts'
import type { EnrolmentRow, Tables } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'

export class SqlEnrolments extends SqlRepository implements EnrolmentStore {
  async find(subject: string): Promise<Enrolment | undefined> {
    return (await enrolmentsOf(this.db, [subject]))[0]
  }

  async replace({ enrolment, recoveryHashes, inPlaceOf }: NewEnrolment): Promise<boolean> {
    return transact(this.db, async (db) => {
      if (!(await put(db, toRow(enrolment), inPlaceOf))) return false
      await replaceRecoveryCodes(db, enrolment.subject, recoveryHashes)
      return true
    })
  }

  async revoke(subject: string): Promise<boolean> {
    const revoked = await this.db
      .deleteFrom('enrolments')
      .where('subject', '=', subject)
      .returning('id')
      .executeTakeFirst()
    return revoked !== undefined
  }

  async recoveryCodesLeft(subject: string): Promise<number> {
    const { left } = await this.db
      .selectFrom('recovery_codes')
      .select((select) => select.fn.countAll<number | string>().as('left'))
      .where('subject', '=', subject)
      .where('used_at', 'is', null)
      .executeTakeFirstOrThrow()
    return Number(left)
  }

  async list({ after, limit }: { after?: string; limit: number }): Promise<readonly RegisteredEnrolment[]> {
    const all = this.#withCounts()
    const rest = after === undefined ? all : all.where('subject', '>', after)
    return (await rest.orderBy('subject').limit(limit).execute()).map(registered)
  }

  async findRegistered(subject: string): Promise<RegisteredEnrolment | undefined> {
    const row = await this.#withCounts().where('subject', '=', subject).executeTakeFirst()
    return row === undefined ? undefined : registered(row)
  }

  async renewRecoveryCodes(subject: string, hashes: readonly string[]): Promise<boolean> {
    return transact(this.db, async (db) => {
      const known = await db
        .selectFrom('enrolments')
        .select('id')
        .where('subject', '=', subject)
        .executeTakeFirst()
      if (known === undefined) return false
      await replaceRecoveryCodes(db, subject, hashes)
      return true
    })
  }

  async keysInUse(): Promise<readonly string[]> {
    const keys: string[] = []
    for (;;) {
      const key = await this.#keyAfter(keys.at(-1))
      if (key === undefined) return keys
      keys.push(key)
    }
  }

  #withCounts() {
    return this.db
      .selectFrom('enrolments')
      .select([
        'id',
        'kind',
        'subject',
        'digits',
        'period',
        'algorithm',
        'last_step',
        'drift_ms',
        'created_at',
      ])
      .select((row) =>
        row
          .selectFrom('recovery_codes')
          .select((codes) => codes.fn.countAll<number | string>().as('count'))
          .whereRef('recovery_codes.subject', '=', 'enrolments.subject')
          .where('used_at', 'is', null)
          .as('codes_left'),
      )
  }

  /** From key to key by an index: reading every seed would take longer than the rest of a start. */
  async #keyAfter(key: string | undefined): Promise<string | undefined> {
    const row = await this.db
      .selectFrom('enrolments')
      .select(sealedBy.as('start'))
      // A name ends with a point; a slash is what follows it in order.
      .where(sealedBy, '>=', key === undefined ? '' : `${key}/`)
      .orderBy(sealedBy)
      .limit(1)
      .executeTakeFirst()
    return row === undefined ? undefined : keyOf(row.start)
  }
}

async function replaceRecoveryCodes(
  db: Kysely<Tables>,
  subject: string,
  hashes: readonly string[],
): Promise<void> {
  await db.deleteFrom('recovery_codes').where('subject', '=', subject).execute()
  const codes = hashes.map((hash) => ({ subject, hash, used_at: null }))
  if (codes.length > 0) await db.insertInto('recovery_codes').values(codes).execute()
}

/** The beginning of a sealed seed, long enough for the longest name of a key. */
const sealedBy = sql<string>`substr(sealed_seed, 1, 33)`

/** One statement each, so that of two at once the later one finds what the earlier one left. */
async function put(db: Kysely<Tables>, row: EnrolmentRow, inPlaceOf?: string | null): Promise<boolean> {
  const insert = db.insertInto('enrolments').values(row).returning('id')
  const written =
    typeof inPlaceOf === 'string'
      ? db
          .updateTable('enrolments')
          .set(row)
          .where('subject', '=', row.subject)
          .where('id', '=', inPlaceOf)
          .returning('id')
      : insert.onConflict((conflict) => {
          const taken = conflict.column('subject')
          return inPlaceOf === null ? taken.doNothing() : taken.doUpdateSet(row)
        })
  return (await written.executeTakeFirst()) !== undefined
}

/** The authenticators of any of the subjects. */
export async function enrolmentsOf(
  db: Kysely<Tables>,
  subjects: readonly string[],
): Promise<readonly Enrolment[]> {
  if (subjects.length === 0) return []
  const { rows } = await ofSubjects(subjects.length)(db, subjects)
  return rows.map(fromRow)
}

type OfSubjects = (db: Kysely<Tables>, subjects: readonly string[]) => Rows<EnrolmentRow>

/** By how many subjects are asked for: never more than there are identity stores. */
const ofSubjectsBy = new Map<number, OfSubjects>()

function ofSubjects(count: number): OfSubjects {
  const known = ofSubjectsBy.get(count)
  if (known !== undefined) return known
  const query = prepared((db, value: Param<readonly string[]>) =>
    db
      .selectFrom('enrolments')
      .selectAll()
      .where(
        'subject',
        'in',
        Array.from({ length: count }, (_, index) => value(index)),
      ),
  )
  ofSubjectsBy.set(count, query)
  return query
}

const { toRow, fromRow } = mappingOf<Enrolment, EnrolmentRow>()({
  id: 'id',
  kind: 'kind',
  subject: 'subject',
  sealedSeed: 'sealed_seed',
  digits: 'digits',
  period: 'period',
  algorithm: 'algorithm',
  lastStep: 'last_step',
  driftMs: 'drift_ms',
  createdAt: 'created_at',
})

interface RegisteredRow extends Omit<EnrolmentRow, 'sealed_seed'> {
  readonly codes_left: number | string | null
}

function registered({
  kind,
  last_step,
  drift_ms,
  created_at,
  codes_left,
  ...row
}: RegisteredRow): RegisteredEnrolment {
  return {
    ...row,
    ...nullsToUndefined({ kind }),
    driftMs: drift_ms,
    createdAt: created_at,
    used: last_step >= 0,
    recoveryCodesLeft: Number(codes_left),
  }
}
