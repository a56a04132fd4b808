import type { AuditEvent, AuditStore } from '../domain/audit.ts'
import { OperatorError } from '../domain/errors.ts'
import { timeOfId } from '../domain/record-id.ts'
import { eventWire } from '../http/api/wire.ts'
import { stepsIn, type TakenStep } from '../login/trace.ts'
import { moment, table } from './output.ts'

const MAX_EVENTS = 20

/** What the audit trail has of one login. @param id of the attempt, as the log has it, or of its event. @throws OperatorError */
export async function eventsOfAttempt(
  id: string,
  audit: Pick<AuditStore, 'list'>,
): Promise<readonly AuditEvent[]> {
  if (timeOfId(id) === undefined)
    throw new OperatorError(
      `--attempt: "${id}" is no identifier; take the attempt of a line of the log, or the id of an audit event`,
    )
  const events = await audit.list({ attempt: id, order: 'oldest', limit: MAX_EVENTS })
  if (events.length > 0) return events
  throw new OperatorError(
    `the audit trail has nothing of ${id}: it is older than storage.keep_audit, or a limit of attempts refused it, which is written once for many`,
  )
}

export function attemptWire(events: readonly AuditEvent[]) {
  return {
    events: events.map((event) => ({ ...eventWire(event), steps: stepsIn(event.steps ?? '') })),
  }
}

/** Each step with what it looked at, how it ended, and its milliseconds. */
export function linesOfAttempt(events: readonly AuditEvent[]): string[] {
  return events.flatMap((event) => {
    const { at, kind, name, user, address, gateway, steps } = event
    const who = `${name ?? user ?? '-'} through ${gateway ?? '-'}${address === undefined ? '' : ` from ${address}`}`
    const rows = stepsIn(steps ?? '').map((taken, index, all) => [
      taken.step,
      inputOf(taken, event),
      verdictOf(taken, all.slice(index + 1), event),
      `${taken.ms}${taken.isOpen ? ' so far' : ''}`,
    ])
    const verdict = [event.reason, event.detail].filter(Boolean).join(': ')
    return [
      `${moment(at)}  ${kind}${verdict === '' ? '' : `, ${verdict}`}`,
      `${who}`,
      ...(rows.length === 0 ? [] : ['', ...table(['STEP', 'LOOKED AT', 'VERDICT', 'MS'], rows)]),
      '',
    ]
  })
}

/** What each step goes by; `about` is what the login noted. */
const INPUTS: Readonly<Record<string, (about: string | undefined, event: AuditEvent) => string>> = {
  takePermit: (_, { user, address, gateway }) =>
    `limits of ${[user, address, gateway].filter((each) => each !== undefined).join(', ')}`,
  loadContext: (about) => `lockouts, authenticators; stores: ${about || 'none'}`,
  firstFactor: (about) => about ?? 'password',
  recogniseClaims: () => 'the single sign-on',
  loadEnrolment: () => 'the authenticator',
  findPolicy: () => 'the policies',
  recogniseTrust: () => 'an earlier full login from there',
  secondFactorByPolicy: () => 'the code',
  secondFactor: () => 'the code',
  secondFactorOfProvider: () => 'the single sign-on, the code',
  authorize: () => 'what the policy gives',
  openSession: () => 'the code, an address, the session',
  checkPasskey: () => 'the passkey',
  findPasskeyOwner: () => 'the owner of the passkey',
  redeemTicket: () => 'the enrolment code',
  resumeSession: () => 'the browser session',
  signIn: () => 'the code, the sign-in',
}

function inputOf({ step, about }: TakenStep, event: AuditEvent): string {
  return INPUTS[step]?.(about, event) ?? '-'
}

/** The last of the steps that decide is the one that ended the login; those after it are taken by every verdict. */
function verdictOf({ step }: TakenStep, after: readonly TakenStep[], { kind, reason }: AuditEvent): string {
  if (INPUTS[step] === undefined) return 'done'
  if (after.some((next) => INPUTS[next.step] !== undefined)) return 'passed'
  return reason ?? kind.replace('login.', '')
}
