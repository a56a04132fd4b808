import type { Clock } from '../domain/clock.ts'
import type { LoginStore } from '../domain/login-records.ts'
import { customerNetwork } from '../domain/network.ts'
import type { AccountId } from '../domain/person.ts'

/** Milliseconds for which an answer is remembered: a flood asks the records once, and not with every packet. */
const REMEMBERED_MS = 10_000
const MAX_ANSWERS = 10_000

/** Whether users were let in lately from where they are. Asked only where known addresses have precedence of strangers. */
export class KnownAddresses {
  readonly #records: Pick<LoginStore, 'isKnownAddress'>
  readonly #clock: Clock
  readonly #answers = new Map<string, { readonly isKnown: Promise<boolean>; readonly until: number }>()

  constructor(records: Pick<LoginStore, 'isKnownAddress'>, clock: Clock) {
    this.#records = records
    this.#clock = clock
  }

  /** @param user canonical. @param account as soon as it is known. @throws Unavailable */
  async has(user: string, account: AccountId | undefined, address: string | undefined): Promise<boolean> {
    if (address === undefined) return false
    const key = JSON.stringify([account?.subject ?? user, account?.source, customerNetwork(address)])
    const answer = this.#answers.get(key)
    if (answer !== undefined && answer.until > this.#clock.monotonic()) return answer.isKnown
    if (this.#answers.size >= MAX_ANSWERS) this.#answers.clear()
    const isKnown = this.#records.isKnownAddress({ user, account, address, now: this.#clock.now() })
    this.#answers.set(key, { isKnown, until: this.#clock.monotonic() + REMEMBERED_MS })
    isKnown.catch(() => this.#answers.delete(key))
    return isKnown
  }
}
