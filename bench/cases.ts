import { AUDIT_CASES } from './audit-cases.ts'
import type { Case, Examination } from './case.ts'
import { DESK_CASES } from './desk-cases.ts'
import { HTTP_CASES } from './http-cases.ts'
import { LDAP_CASES } from './ldap-cases.ts'
import { RADIUS_CASES } from './radius-cases.ts'
import { SCALE_CASES } from './scale-cases.ts'

/** Cases by the suite that they are in. */
export const SUITES: Readonly<Record<string, readonly (Case | Examination)[]>> = {
  radius: RADIUS_CASES,
  ldap: LDAP_CASES,
  audit: AUDIT_CASES,
  scale: SCALE_CASES,
  http: HTTP_CASES,
  desk: DESK_CASES,
}

export const CASES: readonly (Case | Examination)[] = Object.values(SUITES).flat()
