import { passwordEndIn } from '../domain/account-state.ts'
import type { AuditEvent } from '../domain/audit.ts'
import type { NoticeKind } from '../domain/mail.ts'
import { customerNetwork, parseAddress } from '../domain/network.ts'
import { stepsIn } from '../login/trace.ts'

/** What an event of the audit trail gives cause to tell its user. */
export interface Notice {
  readonly kind: NoticeKind
  /** Of two events with the same cause, one is told. */
  readonly cause: readonly string[]
  /** The user's name with its realm, as far as it is known. */
  readonly name: string
  /** When it happened, or when something ends, in wall milliseconds. */
  readonly at: number
  readonly address?: string
}

const DAY_MS = 86_400_000

/** A login event has the kind of the code that was spent in its detail: `policy staff, corp, recovery; …`. */
const BY_RECOVERY_CODE = /^(?:policy .*|signed in), [^,;]+, recovery(?:[;,]|$)/

/** @returns what the event's user is told of it; nothing, of most events. */
export function noticesOf(event: AuditEvent): readonly Notice[] {
  const { id, user, at, detail = '' } = event
  if (user === undefined) return []
  const name = event.name ?? user
  const address =
    event.address !== undefined && parseAddress(event.address) !== undefined ? event.address : undefined
  const once = { cause: [id], name, at, address }
  switch (event.kind) {
    case 'enrolment.made':
    case 'passkey.enrolled':
      return [{ ...once, kind: 'enrolled' }]
    case 'lockout.made':
      return [{ ...once, kind: 'locked' }]
    case 'login.refused':
      return isWrongCode(event) ? [{ ...once, kind: 'wrong_code', cause: wrongCodeCause(event, name) }] : []
    case 'login.accepted': {
      const ends = passwordEndIn(detail, at)
      return [
        ...(BY_RECOVERY_CODE.test(detail) ? [{ ...once, kind: 'recovery_code' as const }] : []),
        ...(ends === undefined
          ? []
          : [{ kind: 'password_ends' as const, name, at: ends, cause: [name, dayOf(ends)] }]),
      ]
    }
    default:
      return []
  }
}

/** The password was right: otherwise no code is looked at, but where codes take the place of passwords. */
function isWrongCode({ reason, steps = '' }: AuditEvent): boolean {
  if (reason !== 'wrong_code') return false
  const first = stepsIn(steps).find(({ step }) => step === 'firstFactor')
  return first?.about !== undefined && !/^code\b/.test(first.about)
}

/** Once a day for a network: somebody who mistypes several codes is asked once. */
function wrongCodeCause({ address, at }: AuditEvent, name: string): readonly string[] {
  return [name, address === undefined ? '' : customerNetwork(address), dayOf(at)]
}

function dayOf(at: number): string {
  return String(Math.floor(at / DAY_MS))
}
