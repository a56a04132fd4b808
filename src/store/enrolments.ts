import { type Kysely, sql } from 'kysely'
import {
  type AddedEnrolment,
  type Enrolment,
  type EnrolmentStore,
  type EnrolmentTakeOver,
  MAX_ENROLMENTS,
  type NewEnrolment,
  type RegisteredEnrolment,
} from '../domain/enrolment.ts'
import { keyOf } from '../domain/key-ring.ts'
import { mappingOf } from './columns.ts'
import { closeGrace } from './grace.ts'
import { nullsToUndefined } from './nulls-to-undefined.ts'
import { unlessOvertaken } from './overtaken.ts'
import { locksRows, type Param, prepared, type Rows, transact } from './prepared.ts'
import { countRecoveryCodes, deleteRecoveryCodes, replaceRecoveryCodes } from './recovery-codes.ts'
import type { EnrolmentRow, Tables } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'
import { takeOverEnrolments } from './take-over-enrolments.ts'

export class SqlEnrolments extends SqlRepository implements EnrolmentStore {
  ofSubject(subject: string): Promise<readonly Enrolment[]> {
    return enrolmentsOf(this.db, [subject])
  }

  async replace(fresh: NewEnrolment): Promise<boolean> {
    return transact(this.db, async (db) => {
      if (!(await put(db, fresh))) return false
      await replaceRecoveryCodes(db, fresh.enrolment, fresh)
      return true
    })
  }

  async add(added: AddedEnrolment): Promise<'added' | 'full' | 'gone'> {
    const { enrolment, beside } = added
    return transact(this.db, async (db) => {
      const present = await lockedOf(db, enrolment.subject)
      if (beside !== undefined && !present.some(({ id }) => id === beside)) return 'gone'
      const slot = freeSlot(present)
      if (slot === undefined || !(await insert(db, enrolment, slot))) return 'full'
      if (present.length === 0) await replaceRecoveryCodes(db, enrolment, added)
      return 'added'
    })
  }

  takeOver(imported: EnrolmentTakeOver): Promise<'done' | 'overtaken'> {
    return unlessOvertaken(transact(this.db, (db) => takeOverEnrolments(db, imported, toRow)))
  }

  async rename(subject: string, id: string, name: string | undefined): Promise<boolean> {
    const renamed = await this.db
      .updateTable('enrolments')
      .set({ name: name ?? null })
      .where('subject', '=', subject)
      .where('id', '=', id)
      .returning('id')
      .executeTakeFirst()
    return renamed !== undefined
  }

  async revoke(subject: string, id?: string): Promise<boolean> {
    return transact(this.db, async (db) => {
      await lockedOf(db, subject)
      const all = db.deleteFrom('enrolments').where('subject', '=', subject).returning('id')
      const gone = await (id === undefined ? all : all.where('id', '=', id)).execute()
      if (gone.length === 0) return false
      await deleteRecoveryCodes(
        db,
        subject,
        gone.map((row) => row.id),
      )
      await closeGrace(db, subject)
      return true
    })
  }

  recoveryCodesLeft(subject: string): Promise<number> {
    return countRecoveryCodes(this.db, subject)
  }

  async list({ after, limit }: { after?: string; limit: number }): Promise<readonly RegisteredEnrolment[]> {
    const all = this.#withCounts()
    const [id = '', subject = ''] = after?.split(/ (.*)/s) ?? []
    const rest =
      after === undefined
        ? all
        : all
            .where('subject', '>=', subject)
            .where((row) => row.or([row('subject', '>', subject), row('id', '>', id)]))
    return (await rest.orderBy('subject').orderBy('id').limit(limit).execute()).map(registered)
  }

  async registeredOf(subject: string): Promise<readonly RegisteredEnrolment[]> {
    const mine = this.#withCounts().where('subject', '=', subject)
    return (await mine.orderBy('created_at').orderBy('id').execute()).map(registered)
  }

  async renewRecoveryCodes(subject: string, hashes: readonly string[]): Promise<boolean> {
    return transact(this.db, async (db) => {
      const [one] = await lockedOf(db, subject)
      if (one === undefined) return false
      await replaceRecoveryCodes(db, { subject, id: one.id }, { recoveryHashes: hashes })
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
        'name',
        'digits',
        'period',
        'algorithm',
        'last_step',
        'drift_ms',
        'created_at',
        'used_at',
      ])
      .select((row) =>
        row
          .selectFrom('recovery_codes')
          .select((codes) => codes.fn.countAll<number | string>().as('count'))
          .whereRef('recovery_codes.subject', '=', 'enrolments.subject')
          .where('recovery_codes.used_at', 'is', null)
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

/** The beginning of a sealed seed, long enough for the longest name of a key. */
const sealedBy = sql<string>`substr(sealed_seed, 1, 33)`

const FIRST_SLOT = 1

interface Locked {
  readonly id: string
  readonly slot: number
}

/**
 * Every change of a subject's authenticators begins with this: of two at once the later one then finds, in its next
 * statement, what the earlier one left.
 */
function lockedOf(db: Kysely<Tables>, subject: string): Promise<readonly Locked[]> {
  const mine = db
    .selectFrom('enrolments')
    .select(['id', 'slot'])
    .where('subject', '=', subject)
    .orderBy('slot')
  return locksRows(db) ? mine.forUpdate().execute() : mine.execute()
}

function freeSlot(present: readonly Locked[]): number | undefined {
  const slots = Array.from({ length: MAX_ENROLMENTS }, (_, index) => FIRST_SLOT + index)
  return slots.find((slot) => !present.some((each) => each.slot === slot))
}

/** @returns false where another transaction has taken the slot at the same moment. */
async function insert(db: Kysely<Tables>, enrolment: Enrolment, slot: number): Promise<boolean> {
  const inserted = await db
    .insertInto('enrolments')
    .values({ ...toRow(enrolment), slot })
    .onConflict((conflict) => conflict.columns(['subject', 'slot']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

async function put(db: Kysely<Tables>, { enrolment, inPlaceOf }: NewEnrolment): Promise<boolean> {
  const present = await lockedOf(db, enrolment.subject)
  if (inPlaceOf === null) return present.length === 0 && insert(db, enrolment, FIRST_SLOT)
  if (typeof inPlaceOf === 'string') return putInPlaceOf(db, enrolment, inPlaceOf)
  if (inPlaceOf !== undefined && !(present.length > 0 && present.every(({ id }) => inPlaceOf.includes(id))))
    return false
  const row = toRow(enrolment)
  await db
    .insertInto('enrolments')
    .values({ ...row, slot: FIRST_SLOT })
    .onConflict((conflict) => conflict.columns(['subject', 'slot']).doUpdateSet(row))
    .execute()
  await db
    .deleteFrom('enrolments')
    .where('subject', '=', enrolment.subject)
    .where('id', '<>', enrolment.id)
    .execute()
  return true
}

/** It keeps the name of the other, unless it has one. */
async function putInPlaceOf(db: Kysely<Tables>, enrolment: Enrolment, other: string): Promise<boolean> {
  const { name, ...row } = toRow(enrolment)
  const replaced = await db
    .updateTable('enrolments')
    .set(name === null ? row : { ...row, name })
    .where('subject', '=', enrolment.subject)
    .where('id', '=', other)
    .returning('id')
    .executeTakeFirst()
  return replaced !== undefined
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
  name: 'name',
  sealedSeed: 'sealed_seed',
  digits: 'digits',
  period: 'period',
  algorithm: 'algorithm',
  lastStep: 'last_step',
  driftMs: 'drift_ms',
  createdAt: 'created_at',
  usedAt: 'used_at',
})

interface RegisteredRow extends Omit<EnrolmentRow, 'sealed_seed'> {
  readonly codes_left: number | string | null
}

function registered({
  kind,
  name,
  last_step,
  drift_ms,
  created_at,
  used_at,
  codes_left,
  ...row
}: RegisteredRow): RegisteredEnrolment {
  return {
    ...row,
    ...nullsToUndefined({ kind, name }),
    driftMs: drift_ms,
    createdAt: created_at,
    usedAt: used_at ?? undefined,
    used: last_step >= 0,
    recoveryCodesLeft: Number(codes_left),
  }
}
