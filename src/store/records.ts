import type { Kysely } from 'kysely'
import type { AuditStore } from '../domain/audit.ts'
import type { EnrolmentStore } from '../domain/enrolment.ts'
import type { LockoutStore } from '../domain/lockout.ts'
import type { GatewayStore, LoginStore } from '../domain/login-records.ts'
import type { Randomness } from '../domain/random.ts'
import type { SessionStore } from '../domain/session.ts'
import type { UserStore } from '../domain/user.ts'
import { SqlAudit } from './audit.ts'
import { SqlEnrolments } from './enrolments.ts'
import { SqlGateways } from './gateways.ts'
import { SqlLockouts } from './lockouts.ts'
import { SqlLogin } from './login.ts'
import type { Tables } from './schema.ts'
import { SqlSessions } from './sessions.ts'
import { SqlUsers } from './users.ts'

/** Everything that is kept, by noun. Every method may throw `Unavailable`. */
export interface Records {
  readonly users: UserStore
  readonly enrolments: EnrolmentStore
  readonly lockouts: LockoutStore
  readonly sessions: SessionStore
  readonly audit: AuditStore
  readonly login: LoginStore
  readonly gateways: GatewayStore
}

/** Records that were opened, whatever holds them. */
export interface OpenRecords {
  readonly records: Records
  /** Resolves where the records can be read and written now. @throws Unavailable */
  checkReady(): Promise<void>
  /** Finishes what waits, then lets go of what holds them. */
  close(): Promise<void>
}

/** The records in a database whose tables have been migrated. */
export function sqlRecords(db: Kysely<Tables>, { random }: { readonly random: Randomness }): Records {
  return {
    users: new SqlUsers(db),
    enrolments: new SqlEnrolments(db),
    lockouts: new SqlLockouts(db, random),
    sessions: new SqlSessions(db, random),
    audit: new SqlAudit(db),
    login: new SqlLogin(db, random),
    gateways: new SqlGateways(db),
  }
}
