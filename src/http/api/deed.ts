import type { Deed } from '../../manage/deed.ts'
import { addressOf } from '../peer.ts'
import type { Call } from './call.ts'

/** Who asks, from where, and why. */
export function deedOf(call: Call, reason: string | undefined): Deed {
  return { actor: call.caller.actor, address: addressOf(call.request), reason }
}
