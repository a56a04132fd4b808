import type { Kysely } from 'kysely'
import { type Enrolment, type EnrolmentTakeOver, MAX_ENROLMENTS } from '../domain/enrolment.ts'
import { writeEvents } from './audit.ts'
import { Overtaken } from './overtaken.ts'
import type { EnrolmentRow, Tables } from './schema.ts'

/** Subjects of one statement. */
const AT_ONCE = 100

/** Carries out an import in the transaction that is given. @throws Overtaken */
export async function takeOverEnrolments(
  db: Kysely<Tables>,
  { enrolments, replace, events }: EnrolmentTakeOver,
  toRow: (enrolment: Enrolment) => EnrolmentRow,
): Promise<void> {
  const ofEach = new Map<string, EnrolmentTakeOver['enrolments'][number][]>()
  for (const each of enrolments) {
    const { subject } = each.enrolment
    ofEach.set(subject, [...(ofEach.get(subject) ?? []), each])
  }
  const subjects = [...ofEach.keys()]
  for (let at = 0; at < subjects.length; at += AT_ONCE) {
    const some = subjects.slice(at, at + AT_ONCE)
    const own = some.flatMap((subject) => (ofEach.get(subject) ?? []).slice(0, MAX_ENROLMENTS).map(inSlot))
    if (replace) await db.deleteFrom('enrolments').where('subject', 'in', some).execute()
    else if (await hasAny(db, some)) throw new Overtaken()
    const rows = own.map(({ enrolment, slot }) => ({ ...toRow(enrolment), slot }))
    const inserted = await db
      .insertInto('enrolments')
      .values(rows)
      .onConflict((conflict) => conflict.columns(['subject', 'slot']).doNothing())
      .returning('id')
      .execute()
    if (inserted.length < rows.length) throw new Overtaken()
    await db.deleteFrom('recovery_codes').where('subject', 'in', some).execute()
    const codes = own.flatMap(({ enrolment: { subject, id }, scratchHashes }) =>
      scratchHashes.map((hash) => ({ subject, hash, used_at: null, enrolment: id })),
    )
    if (codes.length > 0)
      await db
        .insertInto('recovery_codes')
        .values(codes)
        .onConflict((conflict) => conflict.doNothing())
        .execute()
  }
  await writeEvents(db, events)
}

function inSlot(each: EnrolmentTakeOver['enrolments'][number], index: number) {
  return { ...each, slot: index + 1 }
}

async function hasAny(db: Kysely<Tables>, subjects: readonly string[]): Promise<boolean> {
  const one = db.selectFrom('enrolments').select('id').where('subject', 'in', subjects).limit(1)
  return (await one.executeTakeFirst()) !== undefined
}
