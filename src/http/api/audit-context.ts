import type { AuditContext } from '../../manage/audit-context.ts'
import { addressOf } from '../peer.ts'
import type { Call } from './call.ts'

/** Who acts, from where, and why. */
export function auditContextOf(call: Call, reason: string | undefined): AuditContext {
  return { actor: call.caller.actor, address: addressOf(call.request), reason }
}
