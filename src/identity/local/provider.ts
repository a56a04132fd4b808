import type { Clock } from '../../domain/clock.ts'
import type {
  FirstFactorAnswer,
  FirstFactorContext,
  IdentityProvider,
  LookupAnswer,
} from '../../domain/identity-provider.ts'
import { canonicalUserName } from '../../domain/login-name.ts'
import type { Secret } from '../../domain/secret.ts'
import type { StoreUser, StoreUserSearch } from '../../domain/store-users.ts'
import { type LocalUser, recordVersionOf, type UserStore } from '../../domain/user.ts'
import type { PasswordHashes } from './password-hashes.ts'

export interface LocalIdentityOptions {
  readonly users: UserStore
  readonly hashes: PasswordHashes
  readonly clock: Clock
  /** Resolves where the records can be read. */
  readonly checkReady: () => Promise<void>
}

const LOCAL = 'local'
/** Users that are read at a time. */
const PAGE_SIZE = 500

/** The broker's own users. A disabled, expired or passwordless user costs the same hash as a wrong password. */
export function localIdentity({ users, hashes, clock, checkReady }: LocalIdentityOptions): IdentityProvider {
  async function find(typed: string): Promise<LocalUser | undefined> {
    const name = canonicalUserName(typed)
    return name === undefined ? undefined : users.find(name)
  }

  async function lookup(name: string): Promise<LookupAnswer> {
    const user = await find(name)
    return user === undefined ? { kind: 'unknown' } : standing(user, clock.now())
  }

  async function authenticate(
    name: string,
    password: Secret,
    deadline: number,
    context?: FirstFactorContext,
  ): Promise<FirstFactorAnswer> {
    const user = await find(name)
    if (user === undefined) return { kind: 'unknown' }
    const goesFirst = hashes.isFull && (await context?.isAtKnownAddress?.())
    const wait = { patienceMs: Math.max(0, deadline - clock.monotonic()), goesFirst }
    if (user.passwordHash === undefined) {
      await hashes.verifyNothing(password, wait)
      return { kind: 'wrong', detail: 'the user has no password' }
    }
    if (!(await hashes.verify(user.passwordHash, password, wait)))
      return { kind: 'wrong', detail: 'wrong password' }
    if (hashes.isOutdated(user.passwordHash)) void renew(user.name, user.passwordHash, password)
    return standing(user, clock.now())
  }

  /** Beside the login, which does not wait for it; where it fails, the next login tries again. */
  async function renew(name: string, outdated: string, password: Secret): Promise<void> {
    try {
      await users.renewPasswordHash(name, outdated, await hashes.hash(password))
    } catch {
      // The imported hash is still right.
    }
  }

  async function pretend(password: Secret): Promise<void> {
    await hashes.verifyNothing(password)
  }

  async function* list({ group }: StoreUserSearch): AsyncGenerator<readonly StoreUser[]> {
    for (let after: string | undefined; ; ) {
      const page = await users.list({ group, after, limit: PAGE_SIZE })
      yield page.map((user) => {
        const answer = standing(user, clock.now())
        return {
          name: user.name,
          groups: user.groups,
          ...(answer.kind === 'barred' && { barred: answer.detail }),
        }
      })
      if (page.length < PAGE_SIZE) return
      after = page.at(-1)?.name
    }
  }

  return {
    name: LOCAL,
    isOwn: true,
    tellsUnknown: true,
    authenticate,
    lookup,
    confirm: lookup,
    verifyDummy: pretend,
    checkReady,
    users: list,
  }
}

function standing(user: LocalUser, now: number): LookupAnswer {
  if (!user.enabled) return { kind: 'barred', detail: 'the account is disabled' }
  if (user.expiresAt !== undefined && user.expiresAt <= now)
    return { kind: 'barred', detail: 'the account has expired' }
  const { groups, attributes, expiresAt: endsAt, mail, language } = user
  const record = recordVersionOf(user)
  return { kind: 'right', account: { groups, attributes, endsAt, record, mail, language } }
}
