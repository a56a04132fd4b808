import type { EphemeralStore } from '../domain/ephemeral-store.ts'
import { Unavailable } from '../domain/errors.ts'
import type { Candidate } from '../domain/identity-provider.ts'
import type { LoginName } from '../domain/login-name.ts'
import { type Person, subjectOf } from '../domain/person.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { SessionUse } from '../domain/web-session.ts'

export interface RecheckedGroupsOptions extends Pick<Runtime, 'clock'> {
  readonly candidates: (name: LoginName) => readonly Candidate[]
  /** Shared by workers and brokers. Ages are counted by its expiry, so that no clocks of brokers are compared. */
  readonly answers: EphemeralStore<readonly string[]>
  /** Milliseconds for which an answer of an identity store is taken for the present state. */
  readonly recheckMs: number
  /** Milliseconds within which an identity store must answer. */
  readonly patienceMs: number
}

export interface RecheckedGroups {
  /** Keeps what a store said that cannot be asked without the password. @throws Unavailable */
  noteSignIn(name: LoginName, person: Person): Promise<void>
  /**
   * The present groups of a user whom the store has confirmed before; undefined where the user's sessions are over.
   * @throws Unavailable where a write would rest on an answer that is too old.
   */
  groupsOf(candidate: Candidate, subject: string, use: SessionUse): Promise<readonly string[] | undefined>
}

/**
 * What identity stores say about users of whom the broker has no record. An answer is good for `recheckMs`. After that
 * the store is asked again; while it cannot be asked, the old answer is good for reading for as long again.
 */
export function recheckedGroups(options: RecheckedGroupsOptions): RecheckedGroups {
  const { candidates, answers, recheckMs, patienceMs, clock } = options

  async function keep(keys: Keys, groups: readonly string[], ageMs: number): Promise<void> {
    await answers.put(keys.last, groups, Math.max(1, 2 * recheckMs - ageMs))
    await answers.put(keys.fresh, groups, Math.max(1, recheckMs - ageMs))
  }

  return {
    async noteSignIn(name, { source, subject, groups }) {
      const asked = candidates(name).find(({ store }) => store.name === source)
      if (asked?.store.needsPassword === true) await keep(keysOf(source, subject), groups, 0)
    },
    async groupsOf(candidate, subject, use) {
      const { store, name } = candidate
      const keys = keysOf(store.name, subject)
      const fresh = await answers.get(keys.fresh)
      if (fresh !== undefined) return fresh
      if (store.needsPassword === true) return use === 'read' ? answers.get(keys.last) : undefined
      const askedAt = clock.monotonic()
      try {
        const answer = await store.lookup(name, askedAt + patienceMs)
        if (answer.kind === 'right' && subjectOf(candidate, answer.account) === subject) {
          await keep(keys, answer.account.groups, clock.monotonic() - askedAt)
          return answer.account.groups
        }
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error
        const last = await answers.get(keys.last)
        if (use === 'write' && last !== undefined) throw error
        return last
      }
      // The user's other browsers must not go on with the answer of before.
      await Promise.all([answers.delete(keys.fresh), answers.delete(keys.last)])
      return undefined
    },
  }
}

interface Keys {
  readonly fresh: string
  readonly last: string
}

function keysOf(source: string, subject: string): Keys {
  const key = JSON.stringify([source, subject])
  return { fresh: `fresh ${key}`, last: `last ${key}` }
}
