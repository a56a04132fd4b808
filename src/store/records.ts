import type { Kysely } from 'kysely'
import type { LeaseStore } from '../domain/address-pool.ts'
import type { TokenStore } from '../domain/api-token.ts'
import type { AuditStore } from '../domain/audit.ts'
import type { AuditTrail } from '../domain/audit-search.ts'
import type { EnrolmentStore } from '../domain/enrolment.ts'
import type { EnrolmentRegister } from '../domain/enrolment-register.ts'
import type { InvitationStore } from '../domain/invitation.ts'
import type { LockoutStore } from '../domain/lockout.ts'
import type { LockoutDesk } from '../domain/lockout-desk.ts'
import type { GatewayStore, LoginStore } from '../domain/login-records.ts'
import type { Randomness } from '../domain/random.ts'
import type { RetentionStore } from '../domain/retention.ts'
import type { SessionStore } from '../domain/session.ts'
import type { SessionDesk } from '../domain/session-search.ts'
import type { UserStore } from '../domain/user.ts'
import { SqlAudit } from './audit.ts'
import { SqlAuditTrail } from './audit-trail.ts'
import { SqlEnrolmentRegister } from './enrolment-register.ts'
import { SqlEnrolments } from './enrolments.ts'
import { SqlGateways } from './gateways.ts'
import { SqlInvitations } from './invitations.ts'
import { SqlLeases } from './leases.ts'
import { SqlLockoutDesk } from './lockout-desk.ts'
import { SqlLockouts } from './lockouts.ts'
import { SqlLogin } from './login.ts'
import { SqlRetention } from './retention.ts'
import type { Tables } from './schema.ts'
import { SqlSessionDesk } from './session-desk.ts'
import { SqlSessions } from './sessions.ts'
import { SqlTokens } from './tokens.ts'
import { SqlUsers } from './users.ts'

/** Everything that is kept, by noun. Every method may throw `Unavailable`. */
export interface Records {
  readonly users: UserStore
  readonly enrolments: EnrolmentStore
  readonly lockouts: LockoutStore
  readonly sessions: SessionStore
  readonly leases: LeaseStore
  readonly audit: AuditStore
  readonly login: LoginStore
  readonly gateways: GatewayStore
  readonly lockoutDesk: LockoutDesk
  readonly auditTrail: AuditTrail
  readonly sessionDesk: SessionDesk
  readonly enrolmentRegister: EnrolmentRegister
  readonly tokens: TokenStore
  readonly retention: RetentionStore
  readonly invitations: InvitationStore
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
    leases: new SqlLeases(db),
    audit: new SqlAudit(db),
    login: new SqlLogin(db, random),
    gateways: new SqlGateways(db),
    lockoutDesk: new SqlLockoutDesk(db, random),
    auditTrail: new SqlAuditTrail(db),
    sessionDesk: new SqlSessionDesk(db),
    enrolmentRegister: new SqlEnrolmentRegister(db),
    tokens: new SqlTokens(db),
    retention: new SqlRetention(db),
    invitations: new SqlInvitations(db),
  }
}
