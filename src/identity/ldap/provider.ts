import { Unavailable } from '../../domain/errors.ts'
import type {
  Barred,
  FirstFactorAnswer,
  FirstFactorContext,
  FoundAccount,
  IdentityProvider,
  LookupAnswer,
  PendingLogin,
} from '../../domain/identity-provider.ts'
import { hasIgnorableCharacters } from '../../domain/login-name.ts'
import type { DirectoryLockPolicy, Sent, Withheld } from '../../domain/password-guard.ts'
import type { Account } from '../../domain/person.ts'
import type { Secret } from '../../domain/secret.ts'
import type { StoreUser, StoreUserSearch } from '../../domain/store-users.ts'
import { Directory, type DirectoryAnswer } from './directory.ts'
import { AllServersUnavailable, type Operation } from './failover/servers.ts'
import { kindMisfit, withKind } from './kinds.ts'
import type { AccountFacts } from './mapping/active-directory.ts'
import { sendableAccount } from './mapping/sendable-account.ts'
import type { FoundUser, UserSearchAnswer } from './mapping/user-search.ts'
import type { LdapOptions } from './options.ts'
import { directorySettings } from './settings.ts'
import { ConnectionLost } from './wire/connection-lost.ts'

/** A password that was typed for a user, and what the directory says of the account. */
interface AskedPassword {
  readonly operation: Operation
  readonly password: Secret
  readonly context: FirstFactorContext
  readonly facts: AccountFacts
  /** When `facts` were asked for, in monotonic milliseconds; they do not contain later wrong passwords. */
  readonly factsAt: number
  readonly recount?: DirectoryLockPolicy['recount']
}

/**
 * Users of an LDAP directory or Active Directory.
 * @throws Error that names the option that cannot be used.
 */
export function ldapIdentity(given: LdapOptions): IdentityProvider & { close(): Promise<void> } {
  const options = withKind(given)
  const settings = directorySettings(options)
  const { name: store, clock, log } = options
  const what = `identity ${store}`
  const directory = new Directory({ settings, clock, log })
  const isNamedByTemplate = settings.users.bindTemplate !== undefined
  const { shield } = options
  const isGuarded = shield !== undefined || options.active_directory !== undefined
  let inProgress = 0

  for (const { url, target } of settings.servers)
    if (target.tls === 'none') log.warn('ldap.clear_text', { identity: store, server: url })

  /** @throws Unavailable where too many operations are in progress. */
  function begin(deadline: number): Operation {
    if (inProgress >= settings.pools.logins) throw new Unavailable(what, `${inProgress} logins wait already`)
    inProgress += 1
    return {
      expiresAt: Math.min(deadline, clock.monotonic() + settings.deadlines.wholeMs),
      isPasswordSent: false,
    }
  }

  function end(): void {
    inProgress -= 1
  }

  async function run<T>(deadline: number, work: (operation: Operation) => Promise<T>): Promise<T> {
    const operation = begin(deadline)
    try {
      return await work(operation)
    } catch (error) {
      throw unavailable(error, operation)
    } finally {
      end()
    }
  }

  function unavailable(error: unknown, { isPasswordSent }: Operation): unknown {
    if (error instanceof AllServersUnavailable || error instanceof ConnectionLost)
      return new Unavailable(what, error.message, { cause: error, passwordSent: isPasswordSent })
    if (!(error instanceof Unavailable))
      log.error('ldap.fault', {
        identity: store,
        fault: error instanceof Error ? error.stack : String(error),
      })
    return error instanceof Unavailable
      ? error
      : new Unavailable(what, 'a fault of the broker', { cause: error, passwordSent: isPasswordSent })
  }

  /** @returns an answer for which the directory is not asked. */
  function answerUnasked(name: string, password: Secret): FirstFactorAnswer | undefined {
    // It would be an anonymous bind, which succeeds (RFC 4513 §5.1.2).
    if (password.isEmpty) return { kind: 'wrong', detail: 'empty password' }
    return isImpossible(name) ? { kind: 'unknown' } : undefined
  }

  async function authenticate(
    name: string,
    password: Secret,
    deadline: number,
    context: FirstFactorContext = {},
  ): Promise<FirstFactorAnswer> {
    const unasked = answerUnasked(name, password)
    if (unasked !== undefined) return unasked
    return run(deadline, async (operation) => {
      const factsAt = clock.monotonic()
      if (isNamedByTemplate)
        return guarded({ operation, password, context, facts: {}, factsAt }, () =>
          directory.bindByTemplate(operation, name, password.reveal()),
        )
      const found = await directory.find(operation, name)
      return checkFound({ operation, password, context, factsAt }, found)
    })
  }

  async function checkFound(
    asked: Omit<AskedPassword, 'facts'>,
    found: UserSearchAnswer,
  ): Promise<FirstFactorAnswer> {
    if (found.kind !== 'found') return found
    const { user } = found
    const { operation, password, context } = asked
    if ((await context.identified?.(user.account)) === false) return { kind: 'stopped' }
    const { facts } = user
    const recount = async () => {
      const at = clock.monotonic()
      const again = await directory.find(operation, user.name)
      return again.kind === 'found' ? countIn(again.user.facts, at) : undefined
    }
    const answer = await guarded({ ...asked, facts, recount }, () =>
      directory.checkPassword(operation, user, password.reveal()),
    )
    return answer.kind === 'right' && facts.barred !== undefined ? discreet(facts.barred) : answer
  }

  /** Sends the password, unless that could lock the account. */
  async function guarded(
    { operation, password, context: { guard }, facts, factsAt, recount }: AskedPassword,
    send: () => Promise<DirectoryAnswer>,
  ): Promise<FirstFactorAnswer> {
    if (!isGuarded) return answerOf(await send())
    if (guard === undefined) throw new Error(`${what} is asked outside of a login`)
    const locked = knownToBeLocked(facts)
    if (locked !== undefined) return locked
    const { passwordStamp: stamp } = facts
    const lock = lockPolicy(countIn(facts, factsAt), recount)
    const guess = { password, stamp, lock, deadline: operation.expiresAt }
    const outcome = await guard.ask(guess, async (): Promise<Sent<() => DirectoryAnswer>> => {
      try {
        const answer = await send()
        const kind = answer.kind === 'right' || answer.kind === 'wrong' ? answer.kind : 'other'
        return { kind, value: () => answer }
      } catch (error) {
        const value = () => {
          throw error
        }
        return { kind: operation.isPasswordSent ? 'lost' : 'other', value }
      }
    })
    return typeof outcome === 'function' ? answerOf(outcome()) : outcome
  }

  function knownToBeLocked({ lockedAt }: AccountFacts): Withheld | undefined {
    const { locked_for: lockedMs } = shield ?? {}
    if (lockedAt === undefined || lockedMs === undefined) return undefined
    if (lockedMs > 0 && lockedAt + lockedMs <= clock.now()) return undefined
    return {
      kind: 'withheld',
      reason: 'barred',
      detail: 'the account is locked in the directory; not asked',
    }
  }

  function lockPolicy(
    counted: DirectoryLockPolicy['counted'],
    recount?: DirectoryLockPolicy['recount'],
  ): DirectoryLockPolicy | undefined {
    const { threshold } = shield ?? {}
    return threshold === undefined
      ? undefined
      : { threshold, windowMs: settings.countsForMs, counted, recount }
  }

  /** The directory's count, 0 if its window is over. */
  function countIn(
    { wrongPasswords, lastWrongAt }: AccountFacts,
    at: number,
  ): DirectoryLockPolicy['counted'] {
    if (wrongPasswords === undefined) return undefined
    const isOver = lastWrongAt !== undefined && clock.now() - lastWrongAt >= settings.countsForMs
    return { wrong: isOver ? 0 : wrongPasswords, at }
  }

  /** Starts the search. A guard has to read the entry right before the password is sent, and a template needs no search. */
  function prefetch(name: string, deadline: number): PendingLogin | undefined {
    if (isGuarded || isNamedByTemplate || isImpossible(name)) return undefined
    if (inProgress >= settings.pools.logins) return undefined
    const operation = begin(deadline)
    const found = directory.find(operation, name)
    // An error is reported by `complete`, if that is called.
    found.catch(() => {})
    let isCompleting = false
    let isReleased = false
    const release = () => {
      if (!isReleased) end()
      isReleased = true
    }
    return {
      async complete(password, context = {}) {
        isCompleting = true
        try {
          if (password.isEmpty) return { kind: 'wrong', detail: 'empty password' }
          return await checkFound({ operation, password, context, factsAt: 0 }, await found)
        } catch (error) {
          throw unavailable(error, operation)
        } finally {
          release()
        }
      },
      [Symbol.dispose]: () => {
        if (!isCompleting) found.then(release, release)
      },
    }
  }

  function answerOf(answer: DirectoryAnswer): FirstFactorAnswer {
    if (answer.kind === 'right')
      return { kind: 'right', account: told(sendableAccount(answer.account, options)) }
    return answer.kind === 'barred' ? discreet(answer) : answer
  }

  function discreet({ kind, detail, tell }: Barred): Barred {
    return options.tell_state === true ? { kind, detail, tell } : { kind, detail }
  }

  function told(account: Account): Account {
    const { notice } = account
    return notice === undefined || options.tell_state !== true
      ? account
      : { ...account, notice: { ...notice, isTold: true } }
  }

  async function lookup(name: string, deadline: number): Promise<LookupAnswer> {
    if (isImpossible(name)) return { kind: 'unknown' }
    return run(deadline, async (operation) => {
      const factsAt = clock.monotonic()
      const { user, answer, isExpired } = await directory.lookup(operation, name)
      const found =
        user === undefined || isNamedByTemplate ? undefined : { ...foundAccount(user, factsAt), isExpired }
      if (answer.kind === 'unknown') return answer
      if (answer.kind === 'right')
        return { kind: 'right', account: told(sendableAccount(answer.account, options)), found }
      // Several entries: it is unknown which user is meant. No password was shown, so no state is revealed to the user.
      return { kind: 'barred', detail: answer.detail, found, ...(user === undefined && { isWrong: true }) }
    })
  }

  function foundAccount({ account: { name }, facts }: FoundUser, factsAt: number): FoundAccount {
    if (!isGuarded) return { name }
    const { passwordStamp: stamp } = facts
    return {
      name,
      withheld: knownToBeLocked(facts),
      guess: { stamp, lock: lockPolicy(countIn(facts, factsAt)) },
    }
  }

  async function* users(search: StoreUserSearch): AsyncGenerator<readonly StoreUser[]> {
    try {
      yield* directory.users(search)
    } catch (error) {
      throw unavailable(error, { isPasswordSent: false, expiresAt: 0 })
    }
  }

  return {
    name: store,
    ...(isNamedByTemplate && settings.service === undefined && { needsPassword: true as const }),
    tellsUnknown: isNamedByTemplate ? undefined : true,
    authenticate,
    prefetch,
    lookup,
    // Without an account of its own the broker reads no entry but that of whoever logs in.
    ...((!isNamedByTemplate || settings.service !== undefined) && { users }),
    checkReady: (deadline) => run(deadline, (operation) => directory.checkReady(operation)),
    async remarks(deadline) {
      const misfit = kindMisfit(given, await run(deadline, (operation) => directory.kind(operation)))
      return misfit === undefined ? [] : [misfit]
    },
    close: async () => directory.close(),
  }
}

/** Whether the name is one that no entry can have. */
function isImpossible(name: string): boolean {
  return name === '' || hasIgnorableCharacters(name)
}
