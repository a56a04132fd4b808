import type { Candidate } from '../domain/identity-provider.ts'
import { canonicalUserName, type LoginName, parseLoginName } from '../domain/login-name.ts'
import type { Secret } from '../domain/secret.ts'
import { recordVersionOf, type UserStore } from '../domain/user.ts'
import type { WebSession } from '../domain/web-session.ts'
import type { AuditContext } from './audit-context.ts'
import type { Users } from './users.ts'

export interface OwnPasswordOptions {
  readonly candidates: (name: LoginName) => readonly Candidate[]
  readonly records: Pick<UserStore, 'find'>
  readonly users: Pick<Users, 'change'>
  readonly passwordFault: (password: Secret, user: string) => Promise<string | undefined>
}

/** The password of a signed-in user, where the broker keeps it. */
export class OwnPassword {
  readonly #options: OwnPasswordOptions

  constructor(options: OwnPasswordOptions) {
    this.#options = options
  }

  /** The local user who is signed in; undefined where another identity store keeps the password. @throws Unavailable */
  async ownerOf({ typed, source, record }: WebSession): Promise<string | undefined> {
    const name = parseLoginName(typed)
    const candidate =
      name &&
      this.#options.candidates(name).find(({ store }) => store.isOwn === true && store.name === source)
    if (candidate === undefined) return undefined
    for (const form of [name?.whole, candidate.name]) {
      const canonical = form && canonicalUserName(form)
      const user = canonical === undefined ? undefined : await this.#options.records.find(canonical)
      if (user !== undefined && recordVersionOf(user) === record) return user.name
    }
    return undefined
  }

  /** @returns what is wrong with a new password, in words that follow "the password"; undefined: nothing. */
  faultIn(password: Secret, user: string): Promise<string | undefined> {
    return this.#options.passwordFault(password, user)
  }

  /**
   * Every sign-in with the old password ends. @param user of `ownerOf`.
   * @returns the record of sign-ins from now on; undefined where the user is gone, or the password is refused.
   */
  async change(user: string, password: Secret, context: AuditContext): Promise<string | undefined> {
    const answer = await this.#options.users.change(user, { password }, context)
    return answer.kind === 'done' ? recordVersionOf(answer.user) : undefined
  }
}
