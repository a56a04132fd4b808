import { type QueryCreator, type RawBuilder, sql } from 'kysely'
import { spendingGrace } from '../grace.ts'
import type { LockoutRow } from '../lockout-schema.ts'
import type { Param } from '../prepared.ts'
import { type SpentCode, spendingCode } from '../recovery-codes.ts'
import type { Tables } from '../schema.ts'
import { spending } from '../trusts.ts'
import type { Prefixed } from './prefixed.ts'

export type ClaimValues = Prefixed<
  'claim',
  {
    enrolment: string
    step: number
    driftMs: number
    trust: string
    passkey: string
    most: number
  } & SpentCode
> & { readonly now: number }

type Claiming = QueryCreator<Tables & { locks: LockoutRow }>

/** The one column of a part that only has a row or none. */
export const one = sql<number>`1`.as('one')

/** Each spends what a login shows, as the part `claimed` of an admission: one row if it was there. */
export function claimStep(db: Claiming, value: Param<ClaimValues>, mayClaim: RawBuilder<boolean>) {
  return db
    .updateTable('enrolments')
    .set({ last_step: value('claim.step'), drift_ms: value('claim.driftMs'), used_at: value('now') })
    .where('id', '=', value('claim.enrolment'))
    .where('last_step', '<', value('claim.step'))
    .where(mayClaim)
    .returning(one)
}

export function claimRecoveryCode(db: Claiming, value: Param<ClaimValues>, mayClaim: RawBuilder<boolean>) {
  const code = ((part) => value(`claim.${part}`)) as Param<SpentCode>
  return spendingCode(db, code, value('now')).where(mayClaim).returning(one)
}

export function claimTrust(db: Claiming, value: Param<ClaimValues>, mayClaim: RawBuilder<boolean>) {
  const use = { trust: value('claim.trust'), enrolment: value('claim.enrolment'), now: value('now') }
  return spending(db, use).where(mayClaim).returning(one)
}

/** The approval itself was taken before; the passkey may have been removed since. */
export function claimPasskey(db: Claiming, value: Param<ClaimValues>, mayClaim: RawBuilder<boolean>) {
  return db
    .updateTable('passkeys')
    .set({ used_at: value('now') })
    .where('id', '=', value('claim.passkey'))
    .where('subject', '=', value('claim.subject'))
    .where(mayClaim)
    .returning(one)
}

export function claimGrace(db: Claiming, value: Param<ClaimValues>, mayClaim: RawBuilder<boolean>) {
  const use = { subject: value('claim.subject'), most: value('claim.most'), now: value('now') }
  return spendingGrace(db, use, mayClaim).returning(one)
}

export function claimNothing(db: Claiming, _: Param<ClaimValues>, mayClaim: RawBuilder<boolean>) {
  return db.selectNoFrom(one).where(mayClaim)
}
