import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import type { FirstFactorAnswer, IdentityProvider, LookupAnswer } from '../../src/domain/identity-provider.ts'
import { KeyRing } from '../../src/domain/key-ring.ts'
import type { Log, LogFields } from '../../src/domain/log.ts'
import { parseLoginName } from '../../src/domain/login-name.ts'
import type { PasswordGuard } from '../../src/domain/password-guard.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { memoryStore } from '../../src/ephemeral/memory-store.ts'
import type { LdapOptions } from '../../src/identity/ldap/options.ts'
import { ldapIdentity } from '../../src/identity/ldap/provider.ts'

import { attemptLimits, counterRules } from '../../src/limits/attempt-limits.ts'
import { memoryCounter } from '../../src/limits/memory-counter.ts'
import { ProcessId } from '../../src/limits/process-id.ts'
import { DirectoryGuard, type WrongPasswords } from '../../src/login/directory-guard.ts'
import { rulesOf } from '../limits/attempt-limits-contract.ts'

interface LoggedEvent {
  readonly level: string
  readonly event: string
  readonly fields: LogFields
}

/** An LDAP identity store as the tests use it. */
export interface Corp {
  readonly store: IdentityProvider
  readonly events: readonly LoggedEvent[]
  /** @param within milliseconds. */
  login(name: string, password: string, within?: number): Promise<FirstFactorAnswer>
  lookup(name: string, within?: number): Promise<LookupAnswer>
  checkReady(within?: number): Promise<void>
  close(): Promise<void>
}

const WITHIN = 5000

/** Opens the store named corp. The caller closes it. */
export function openCorp(options: Partial<LdapOptions> & Pick<LdapOptions, 'urls'>): Corp {
  const events: LoggedEvent[] = []
  const store = ldapIdentity({
    name: 'corp',
    clock: systemClock,
    random: systemRandom,
    log: keeping(events),
    ...options,
  })
  const deadline = (within: number) => systemClock.monotonic() + within
  const guardOf = guardAtKnownAddress(store, keeping(events))
  return {
    store,
    events,
    login: (name, password, within = WITHIN) =>
      store.authenticate(name, new Secret(password), deadline(within), {
        guard: guardOf(name, deadline(within)),
      }),
    lookup: (name, within = WITHIN) => store.lookup(name, deadline(within)),
    checkReady: (within = WITHIN) => store.checkReady(deadline(within)),
    close: () => store.close(),
  }
}

/** The same, closed when the test is over. */
export function corpForTest(options: Parameters<typeof openCorp>[0]): Corp {
  const corp = openCorp(options)
  onTestFinished(corp.close)
  return corp
}

/** As in logins from an address that the user is known at. Nothing is recorded. */
function guardAtKnownAddress(store: IdentityProvider, log: Log) {
  const clock = systemClock
  const guard = new DirectoryGuard({
    limits: attemptLimits(memoryCounter(counterRules(rulesOf({})), { clock }), new ProcessId(systemRandom)),
    records: {
      viewDirectory: async () => ({ locks: [], knownAddress: true }),
      lockDirectory: async (lock) => ({ ...lock, id: 'a lockout', scope: 'user', hint: 'new_place' }),
      endDirectory: async () => {},
    },
    wrongPasswords: memoryStore<WrongPasswords>({ name: 'wrong passwords', clock, capacity: 100 }),
    keys: new KeyRing([{ id: 'test', key: new Secret(systemRandom.bytes(32)) }], systemRandom),
    clock,
    log,
  })
  return (typed: string, deadline: number): PasswordGuard => {
    // A store must stand names, too, that no login could have.
    const name = parseLoginName(typed) ?? { raw: typed, whole: typed, user: typed, username: typed }
    const attempt = { id: 'a login', name, typed: new Secret(''), gateway: 'gw1', deadline }
    return guard.for({ attempt, account: undefined, isExempt: false }, { store, subject: typed })
  }
}

function keeping(events: LoggedEvent[]): Log {
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}) =>
      void events.push({ level, event, fields })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
