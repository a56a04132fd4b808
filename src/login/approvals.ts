import {
  APPROVAL_TTL_MS,
  type ApprovalAnswer,
  type ApprovalPlace,
  type ApprovalRequest,
  approvalPurpose,
  drawNumbers,
  FETCH_WITHIN_MS,
  MAX_PROMPTS,
  PROMPTS_WITHIN_MS,
} from '../domain/approval.ts'
import type { EphemeralStore, OpenEphemeralStore } from '../domain/ephemeral-store.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { VerifiedPasskey } from './passkey-assertions.ts'

export interface ApprovalsOptions extends Pick<Runtime, 'clock' | 'random'> {
  readonly open: OpenEphemeralStore
  /** How long a login can be approved, in milliseconds; `APPROVAL_TTL_MS` at most. */
  readonly ttlMs: number
}

const MAX_REQUESTS = 10_000

/** Why a login is not put before its user. */
export type NotAsked =
  /** Another login of the user, from elsewhere, waits for an answer. */
  | 'another_waits'
  /** The user was prompted as often as may be, without an approval. */
  | 'too_many'

/**
 * Logins that wait for their users, over all brokers and processes. A request is answered by whoever takes it out, and
 * an answer is fetched by whoever takes that out: each works once. Every method may throw `Unavailable`.
 */
export class Approvals {
  readonly #options: ApprovalsOptions
  readonly #requests: EphemeralStore<ApprovalRequest>
  readonly #answers: EphemeralStore<ApprovalAnswer>
  /** By subject, the request that the user is shown. */
  readonly #shown: EphemeralStore<string>
  /** By subject and number, the prompts that have brought no approval. */
  readonly #prompts: EphemeralStore<string>
  readonly ttlMs: number

  constructor(options: ApprovalsOptions) {
    this.#options = options
    this.ttlMs = Math.min(options.ttlMs, APPROVAL_TTL_MS)
    this.#requests = options.open('approval requests', MAX_REQUESTS)
    this.#answers = options.open('approval answers', MAX_REQUESTS)
    this.#shown = options.open('shown approval requests', MAX_REQUESTS)
    this.#prompts = options.open('approval prompts', MAX_PROMPTS * MAX_REQUESTS)
  }

  /** Puts a login before its user: one at a time, and a few in all that are not approved. */
  async ask(about: ApprovalPlace): Promise<ApprovalRequest | NotAsked> {
    const { clock, random } = this.#options
    const { subject } = about
    const waiting = await this.shownTo(subject)
    if (waiting !== undefined && !isSamePlace(waiting, about)) return 'another_waits'
    const id = random.id()
    const place = await this.#takePlace(subject, id)
    if (place === undefined) return 'too_many'
    if (waiting !== undefined) await this.withdraw(waiting.id)
    const askedAt = clock.now()
    const expiresAt = askedAt + this.ttlMs
    const request = { ...about, ...drawNumbers(random), id, place, askedAt, expiresAt }
    await this.#requests.put(id, request, this.ttlMs)
    // Of two at one moment the user is shown the later one, and only what is shown can be answered.
    await this.#shown.put(subject, id, this.ttlMs)
    return request
  }

  /** The request that waits for the user. */
  async shownTo(subject: string): Promise<ApprovalRequest | undefined> {
    const id = await this.#shown.get(subject)
    return id === undefined ? undefined : this.#requests.get(id)
  }

  /** Ends a request, answered or not: nobody can approve it any more, and what was approved is void. */
  async withdraw(id: string): Promise<void> {
    await this.#requests.delete(id)
    await this.#answers.delete(id)
  }

  /**
   * The user's answer. It ends the request, whatever it is: a second answer finds none.
   * @param chosen absent: the login is not the user's; `by` has answered for this request and this number.
   * @returns undefined where the user is not asked about this login, or not any more.
   */
  async answer(
    subject: string,
    id: string,
    chosen?: { readonly number: number; readonly by: VerifiedPasskey },
  ): Promise<{ readonly request: ApprovalRequest; readonly answer: ApprovalAnswer } | undefined> {
    if (chosen !== undefined && !isFor(chosen.by, subject, id, chosen.number)) return undefined
    if ((await this.shownTo(subject))?.id !== id) return undefined
    const request = await this.#requests.take(id)
    if (request === undefined || request.subject !== subject) return undefined
    const answer: ApprovalAnswer =
      chosen === undefined
        ? { kind: 'disowned' }
        : chosen.number === request.number
          ? { kind: 'approved', request, passkey: chosen.by.passkey.id }
          : { kind: 'wrong_number' }
    const leftMs = request.expiresAt - this.#options.clock.now()
    await this.#answers.put(id, answer, Math.max(0, leftMs) + FETCH_WITHIN_MS)
    if (answer.kind === 'approved') await this.#prompts.delete(request.place)
    return { request, answer }
  }

  /** The answer, which nobody gets a second time; `pending` while the user has not answered. */
  async fetch(id: string): Promise<ApprovalAnswer | 'pending' | undefined> {
    const answer = await this.#answers.take(id)
    if (answer !== undefined) return answer
    if ((await this.#requests.get(id)) !== undefined) return 'pending'
    // Answered between the two.
    return this.#answers.take(id)
  }

  /** Taken before the user is prompted, and given back by an approval. */
  async #takePlace(subject: string, id: string): Promise<string | undefined> {
    for (let number = 0; number < MAX_PROMPTS; number += 1) {
      const place = JSON.stringify([subject, number])
      if (await this.#prompts.putIfAbsent(place, id, PROMPTS_WITHIN_MS)) return place
    }
    return undefined
  }
}

function isFor({ subject: owner, purpose }: VerifiedPasskey, subject: string, id: string, number: number) {
  return owner === subject && purpose === approvalPurpose(id, number)
}

function isSamePlace(one: ApprovalPlace, other: ApprovalPlace): boolean {
  return (
    one.gateway === other.gateway &&
    one.address === other.address &&
    one.client === other.client &&
    one.source === other.source
  )
}
