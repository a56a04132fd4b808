import type { Reply } from '../../real/radius-socket.ts'

/** Whether the user is told of a lock, and not only to try again. */
export function isOfALock({ message = '' }: Reply): boolean {
  return message.includes('locked') || message.includes('Too many failed logins')
}
