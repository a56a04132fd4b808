import type { Kysely } from 'kysely'
import type { Enrolment, NewRecoveryCodes } from '../domain/enrolment.ts'
import { type Param, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'

/** A typed code has a hash for each seed that may key it, and a user has so many seeds at most. */
const HASHES = ['hash1', 'hash2', 'hash3', 'hash4', 'hash5'] as const

/** What spends a recovery code: places that are not needed repeat the first hash. */
export type SpentCode = { readonly subject: string } & Readonly<Record<(typeof HASHES)[number], string>>

export function spentCode(subject: string, hashes: readonly string[]): SpentCode {
  const [first = ''] = hashes
  const places = Object.fromEntries(HASHES.map((place, index) => [place, hashes[index] ?? first]))
  return { subject, ...(places as Record<(typeof HASHES)[number], string>) }
}

/** Spends the code that is not used yet. */
export function spendingCode(db: Pick<Kysely<Tables>, 'updateTable'>, value: Param<SpentCode>, now: number) {
  return db
    .updateTable('recovery_codes')
    .set({ used_at: now })
    .where('subject', '=', value('subject'))
    .where(
      'hash',
      'in',
      HASHES.map((place) => value(place)),
    )
    .where('used_at', 'is', null)
}

export const spendRecoveryCode = prepared((db, value: Param<SpentCode & { readonly now: number }>) =>
  spendingCode(db, value, value('now')),
)

/** Puts those of the authenticator in place of all that the subject has. */
export async function replaceRecoveryCodes(
  db: Kysely<Tables>,
  { subject, id }: Pick<Enrolment, 'subject' | 'id'>,
  { recoveryHashes, scratchHashes = [] }: NewRecoveryCodes,
): Promise<void> {
  await db.deleteFrom('recovery_codes').where('subject', '=', subject).execute()
  const codes = [
    ...recoveryHashes.map((hash) => ({ subject, hash, used_at: null, enrolment: null })),
    ...scratchHashes.map((hash) => ({ subject, hash, used_at: null, enrolment: id })),
  ]
  if (codes.length > 0) await db.insertInto('recovery_codes').values(codes).execute()
}

/** Those that came with one of these authenticators, and all of a subject that has no authenticator any more. */
export async function deleteRecoveryCodes(
  db: Kysely<Tables>,
  subject: string,
  gone: readonly string[],
): Promise<void> {
  await db
    .deleteFrom('recovery_codes')
    .where('subject', '=', subject)
    .where((row) =>
      row.or([
        row('enrolment', 'in', gone),
        row.not(
          row.exists(row.selectFrom('enrolments').select('id').where('enrolments.subject', '=', subject)),
        ),
      ]),
    )
    .execute()
}

export async function countRecoveryCodes(db: Kysely<Tables>, subject: string): Promise<number> {
  const { left } = await db
    .selectFrom('recovery_codes')
    .select((select) => select.fn.countAll<number | string>().as('left'))
    .where('subject', '=', subject)
    .where('used_at', 'is', null)
    .executeTakeFirstOrThrow()
  return Number(left)
}
