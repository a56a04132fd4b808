import { type Kysely, type QueryResult, sql } from 'kysely'
import type { Enrolment, EnrolmentStore, NewEnrolment } from '../domain/enrolment.ts'
import { keyOf } from '../domain/key-ring.ts'
import { withoutNulls } from './absent.ts'
import { type Place, prepared } from './prepared.ts'
import type { EnrolmentRow, Tables } from './schema.ts'

export class SqlEnrolments implements EnrolmentStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async find(subject: string): Promise<Enrolment | undefined> {
    return (await enrolmentsOf(this.#db, [subject]))[0]
  }

  async replace({ enrolment, recoveryHashes, inPlaceOf }: NewEnrolment): Promise<boolean> {
    return this.#db.transaction().execute(async (db) => {
      if (!(await put(db, rowOf(enrolment), inPlaceOf))) return false
      await db.deleteFrom('recovery_codes').where('subject', '=', enrolment.subject).execute()
      const codes = recoveryHashes.map((hash) => ({ subject: enrolment.subject, hash, used_at: null }))
      if (codes.length > 0) await db.insertInto('recovery_codes').values(codes).execute()
      return true
    })
  }

  async revoke(subject: string): Promise<boolean> {
    const revoked = await this.#db
      .deleteFrom('enrolments')
      .where('subject', '=', subject)
      .returning('id')
      .executeTakeFirst()
    return revoked !== undefined
  }

  async recoveryCodesLeft(subject: string): Promise<number> {
    const { left } = await this.#db
      .selectFrom('recovery_codes')
      .select((select) => select.fn.countAll<number | string>().as('left'))
      .where('subject', '=', subject)
      .where('used_at', 'is', null)
      .executeTakeFirstOrThrow()
    return Number(left)
  }

  async keysInUse(): Promise<readonly string[]> {
    const keys: string[] = []
    for (;;) {
      const key = await this.#keyAfter(keys.at(-1))
      if (key === undefined) return keys
      keys.push(key)
    }
  }

  /** From key to key by an index: reading every seed would take longer than the rest of a start. */
  async #keyAfter(key: string | undefined): Promise<string | undefined> {
    const row = await this.#db
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
  return rows.map((row) => ({
    id: row.id,
    ...withoutNulls({ kind: row.kind }),
    subject: row.subject,
    sealedSeed: row.sealed_seed,
    digits: row.digits,
    period: row.period,
    algorithm: row.algorithm,
    lastStep: row.last_step,
    createdAt: row.created_at,
  }))
}

type OfSubjects = (db: Kysely<Tables>, subjects: readonly string[]) => Promise<QueryResult<EnrolmentRow>>

/** By how many subjects are asked for: never more than there are identity stores. */
const ofSubjectsBy = new Map<number, OfSubjects>()

function ofSubjects(count: number): OfSubjects {
  const known = ofSubjectsBy.get(count)
  if (known !== undefined) return known
  const query = prepared((db, value: Place<readonly string[]>) =>
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

function rowOf(enrolment: Enrolment): EnrolmentRow {
  return {
    id: enrolment.id,
    kind: enrolment.kind ?? null,
    subject: enrolment.subject,
    sealed_seed: enrolment.sealedSeed,
    digits: enrolment.digits,
    period: enrolment.period,
    algorithm: enrolment.algorithm,
    last_step: enrolment.lastStep,
    created_at: enrolment.createdAt,
  }
}
