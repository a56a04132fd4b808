import type { AccountGroupStore } from '../domain/account-groups.ts'
import { usernameOf } from '../domain/login-name.ts'
import type { Person } from '../domain/person.ts'
import type { Runtime } from '../domain/runtime.ts'

export interface SeenAccountsOptions extends Pick<Runtime, 'clock' | 'log'> {
  readonly accountGroups: Pick<AccountGroupStore, 'note'>
}

/** The same groups are written again after this time, in milliseconds. */
const AGAIN_MS = 24 * 3_600_000
/** Accounts that are remembered to be in the records; each costs about 200 octets. */
const MAX_ACCOUNTS = 50_000

/** Keeps in the records of which groups users were when their first factor was right. No login waits for it. */
export class SeenAccounts {
  readonly #options: SeenAccountsOptions
  readonly #noted = new Map<string, { readonly groups: string; readonly at: number }>()

  constructor(options: SeenAccountsOptions) {
    this.#options = options
  }

  /** @param username that was typed; the account's own may be another. */
  note(username: string, person: Pick<Person, 'source' | 'subject' | 'groups'>): void {
    for (const user of new Set([username, usernameOf(person.subject)])) this.#noteAs(user, person)
  }

  #noteAs(user: string, { source, subject, groups }: Pick<Person, 'source' | 'subject' | 'groups'>): void {
    const { accountGroups, clock, log } = this.#options
    const seenAt = clock.now()
    const key = JSON.stringify([user, source, subject])
    const known = this.#noted.get(key)
    const text = JSON.stringify(groups)
    if (known?.groups === text && seenAt - known.at < AGAIN_MS) return
    if (this.#noted.size >= MAX_ACCOUNTS) this.#noted.clear()
    this.#noted.set(key, { groups: text, at: seenAt })
    accountGroups.note({ user, source, subject, groups, seenAt }).catch((error: unknown) => {
      this.#noted.delete(key)
      log.warn('groups.not_noted', { user, error })
    })
  }
}
