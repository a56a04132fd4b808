import { type ApprovalRequest, approvalPurpose } from '../domain/approval.ts'
import type { AttemptLimits } from '../domain/attempt-limits.ts'
import type { AuditEvent } from '../domain/audit.ts'
import type { FailureBudget, LockoutRules } from '../domain/lockout.ts'
import type { LoginStore } from '../domain/login-records.ts'
import { isWithin, type Network } from '../domain/network.ts'
import type { PasskeyRefusal } from '../domain/passkey.ts'
import { accountKey } from '../domain/person.ts'
import type { Approvals } from '../login/approvals.ts'
import type { PasskeyAssertions } from '../login/passkey-assertions.ts'
import { type AuditContext, byUsername, type RecordAuditOptions } from './audit-context.ts'

export interface ApprovingOptions extends RecordAuditOptions {
  readonly approvals: Pick<Approvals, 'shownTo' | 'answer'>
  readonly assertions: Pick<PasskeyAssertions, 'optionsFor' | 'verify'>
  readonly limits: Pick<AttemptLimits, 'take'>
  readonly records: Pick<LoginStore, 'recordFailure' | 'isKnownAddress'>
  readonly lockoutRules: LockoutRules
  /** Networks in which failures lock nobody. */
  readonly exempt: readonly Network[]
}

/** Who answers, in which browser. */
export interface Approver {
  /** `Person.subject`. */
  readonly subject: string
  /** As `PasskeyUse.browser`. */
  readonly browser: string
}

/** A request as its user is shown it. */
export interface ShownRequest extends ApprovalRequest {
  /** Whether the user was let in from that address lately. */
  readonly isKnownAddress: boolean
}

export type Approved =
  | { readonly kind: 'approved' | 'wrong_number' }
  /** It was answered or withdrawn, or is too old. */
  | { readonly kind: 'gone' }
  | PasskeyRefusal

type Choice = Pick<ApprovalRequest, 'id' | 'number'>

/** Users answer for the VPN logins in their names. Every method may throw `Unavailable`. */
export class Approving {
  readonly #options: ApprovingOptions

  constructor(options: ApprovingOptions) {
    this.#options = options
  }

  /** The request that waits for the user. */
  async shownTo(subject: string): Promise<ShownRequest | undefined> {
    const { approvals, records, clock } = this.#options
    const request = await approvals.shownTo(subject)
    if (request === undefined) return undefined
    const { user, address, source } = request
    const query = { user, account: { source, subject }, address, now: clock.now() }
    return { ...request, isKnownAddress: await records.isKnownAddress(query) }
  }

  /** @returns what the page hands to `navigator.credentials.get`; undefined where that is not asked. */
  async optionsFor({ subject, browser }: Approver, { id, number }: Choice) {
    const request = await this.#options.approvals.shownTo(subject)
    if (request?.id !== id || !request.choices.includes(number)) return undefined
    return this.#options.assertions.optionsFor({ purpose: approvalPurpose(id, number), browser }, subject)
  }

  /** @param answer as `PasskeyAssertions.verify` takes it. */
  async approve(
    { subject, browser }: Approver,
    { id, number }: Choice,
    answer: string,
    context: AuditContext,
  ): Promise<Approved> {
    const { approvals, assertions } = this.#options
    const purpose = approvalPurpose(id, number)
    const by = await assertions.verify(answer, { purpose, browser }, context.address)
    if (by.kind === 'refused') return by
    const answered = await approvals.answer(subject, id, { number, by })
    if (answered === undefined) return { kind: 'gone' }
    const { request } = answered
    if (answered.answer.kind === 'wrong_number') {
      await this.#countFailure(request, 'login.wrong_number', `chose ${number} in place of the number shown`)
      return { kind: 'wrong_number' }
    }
    await this.#options.audit.append(this.#event(request, 'login.approved', by.passkey.name))
    return { kind: 'approved' }
  }

  /** The login is not the user's: somebody else knows the password. @returns false where nothing was asked. */
  async disown(subject: string, id: string): Promise<boolean> {
    const answered = await this.#options.approvals.answer(subject, id)
    if (answered === undefined) return false
    await this.#countFailure(answered.request, 'login.disowned', 'the password is known to somebody else')
    return true
  }

  /** Counts as a wrong code does, after the right password: whether or not the client comes back for the answer. */
  async #countFailure(request: ApprovalRequest, kind: AuditEvent['kind'], detail: string): Promise<void> {
    const { limits, records, audit, lockoutRules: rules, exempt } = this.#options
    const { user, subject, source, address, gateway } = request
    const event = this.#event(request, kind, detail)
    const record = (lock: readonly FailureBudget[]) =>
      records.recordFailure({
        event,
        user,
        account: { source, subject },
        factor: 'code',
        address,
        gateway,
        lock,
        rules,
      })
    if (isWithin(exempt, address)) {
      await record([])
      return
    }
    const permit = await limits.take({ user, address, gateway })
    if (permit.kind === 'permit') await permit.fail(record, accountKey({ source, subject }))
    else await audit.append(event)
  }

  /** Of the login, at its address: the desk finds it beside the others from there. */
  #event(request: ApprovalRequest, kind: AuditEvent['kind'], detail: string): AuditEvent {
    const { clock, random } = this.#options
    const { subject, address, gateway } = request
    return byUsername({ id: random.id(), at: clock.now(), kind, user: subject, address, gateway, detail })
  }
}
