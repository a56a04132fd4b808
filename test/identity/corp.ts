import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import type { Log, LogFields } from '../../src/domain/log.ts'
import type { FirstFactorAnswer, IdentityStore, LookupAnswer } from '../../src/domain/person.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { ldapIdentity } from '../../src/identity/ldap/identity.ts'
import type { LdapOptions } from '../../src/identity/ldap/options.ts'

interface LoggedEvent {
  readonly level: string
  readonly event: string
  readonly fields: LogFields
}

/** An LDAP identity store as the tests use it. */
export interface Corp {
  readonly store: IdentityStore
  readonly events: readonly LoggedEvent[]
  /** @param within milliseconds. */
  login(name: string, password: string, within?: number): Promise<FirstFactorAnswer>
  lookup(name: string, within?: number): Promise<LookupAnswer>
  checkReady(within?: number): Promise<void>
  close(): Promise<void>
}

const WITHIN = 5000

/** Opens the store named corp. Whoever calls it closes it. */
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
  return {
    store,
    events,
    login: (name, password, within = WITHIN) =>
      store.authenticate(name, new Secret(password), deadline(within)),
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

function keeping(events: LoggedEvent[]): Log {
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}) =>
      void events.push({ level, event, fields })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
