import type { Kysely } from 'kysely'
import type { EnrolmentRegister, RegisteredEnrolment } from '../domain/enrolment-register.ts'
import { withoutNulls } from './absent.ts'
import type { EnrolmentRow, Tables } from './schema.ts'

export class SqlEnrolmentRegister implements EnrolmentRegister {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async list({ after, limit }: { after?: string; limit: number }): Promise<readonly RegisteredEnrolment[]> {
    const all = this.#withCounts()
    const rest = after === undefined ? all : all.where('subject', '>', after)
    return (await rest.orderBy('subject').limit(limit).execute()).map(registered)
  }

  async find(subject: string): Promise<RegisteredEnrolment | undefined> {
    const row = await this.#withCounts().where('subject', '=', subject).executeTakeFirst()
    return row === undefined ? undefined : registered(row)
  }

  async renewRecoveryCodes(subject: string, hashes: readonly string[]): Promise<boolean> {
    return this.#db.transaction().execute(async (db) => {
      const known = await db
        .selectFrom('enrolments')
        .select('id')
        .where('subject', '=', subject)
        .executeTakeFirst()
      if (known === undefined) return false
      await db.deleteFrom('recovery_codes').where('subject', '=', subject).execute()
      const codes = hashes.map((hash) => ({ subject, hash, used_at: null }))
      if (codes.length > 0) await db.insertInto('recovery_codes').values(codes).execute()
      return true
    })
  }

  #withCounts() {
    return this.#db
      .selectFrom('enrolments')
      .select(['id', 'kind', 'subject', 'digits', 'period', 'algorithm', 'last_step', 'created_at'])
      .select((row) =>
        row
          .selectFrom('recovery_codes')
          .select((codes) => codes.fn.countAll<number | string>().as('count'))
          .whereRef('recovery_codes.subject', '=', 'enrolments.subject')
          .where('used_at', 'is', null)
          .as('codes_left'),
      )
  }
}

interface Row extends Omit<EnrolmentRow, 'sealed_seed'> {
  readonly codes_left: number | string | null
}

function registered({ kind, last_step, created_at, codes_left, ...row }: Row): RegisteredEnrolment {
  return {
    ...row,
    ...withoutNulls({ kind }),
    createdAt: created_at,
    used: last_step >= 0,
    recoveryCodesLeft: Number(codes_left),
  }
}
