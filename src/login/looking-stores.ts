import { Unavailable } from '../domain/errors.ts'
import type {
  Candidate,
  FirstFactorAnswer,
  FirstFactorContext,
  LookupAnswer,
} from '../domain/identity-provider.ts'
import { type Person, subjectOf } from '../domain/person.ts'
import type { Secret } from '../domain/secret.ts'

/** What an identity store said of the user. */
export interface AskedStore {
  readonly store: string
  readonly subject: string
  readonly answer: 'known' | 'barred' | 'unknown' | 'unavailable'
  readonly detail?: string
  readonly groups?: readonly string[]
  /** What only a password tells: whether the store knows the user, or takes a password that has expired. */
  readonly needsPassword?: 'known' | 'expired'
  readonly person?: Person
}

/** Looks each user up once, however many logins are foreseen. */
export class Lookups {
  readonly #answers = new Map<string, Promise<LookupAnswer>>()

  of({ store, name }: Candidate, deadline: number): Promise<LookupAnswer> {
    const key = JSON.stringify([store.name, name])
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    const answer = store.lookup(name, deadline)
    answer.catch(() => {})
    this.#answers.set(key, answer)
    return answer
  }
}

/** The identity stores of one login, which are asked about the user and never for a password. */
export class LookingStores {
  readonly #lookups: Lookups
  readonly #password: Secret
  readonly #asked = new Map<string, AskedStore>()

  /** @param password stands for the right one. */
  constructor(lookups: Lookups, password: Secret) {
    this.#lookups = lookups
    this.#password = password
  }

  /** In the order in which they were asked. */
  get asked(): readonly AskedStore[] {
    return [...this.#asked.values()]
  }

  /** The same candidate, with a store to which the right password is right. */
  looking(candidate: Candidate): Candidate {
    const { store } = candidate
    const lookup = (deadline: number) => this.#lookUp(candidate, deadline)
    return {
      ...candidate,
      store: {
        ...store,
        prefetch: undefined,
        verifyDummy: undefined,
        confirm: store.confirm && ((_, deadline) => lookup(deadline)),
        lookup: (_, deadline) => lookup(deadline),
        authenticate: async (_, password, deadline, context = {}) =>
          this.#answer(candidate, await lookup(deadline), { password, deadline, context }),
      },
    }
  }

  async #lookUp(candidate: Candidate, deadline: number): Promise<LookupAnswer> {
    try {
      const answer = await this.#lookups.of(candidate, deadline)
      this.#note(candidate, answer)
      return answer
    } catch (error) {
      if (error instanceof Unavailable) this.#note(candidate, { kind: 'unavailable', detail: error.message })
      throw error
    }
  }

  #note(
    candidate: Candidate,
    answer:
      | LookupAnswer
      | { readonly kind: 'unavailable'; readonly detail: string; readonly found?: undefined },
  ): void {
    const {
      store: { name: store },
      subject,
    } = candidate
    const own = answer.found === undefined ? subject : subjectOf(candidate, answer.found)
    this.#asked.set(store, noted({ store, subject: own }, candidate, answer))
  }

  /** As the store's own `authenticate` would answer, in the same order. */
  async #answer(
    { store, subject }: Candidate,
    answer: LookupAnswer,
    typed: { readonly password: Secret; readonly deadline: number; readonly context: FirstFactorContext },
  ): Promise<FirstFactorAnswer> {
    const { password, deadline, context } = typed
    if (answer.kind === 'unknown') {
      if (store.mayMissUsers !== true) return answer
      const about = { store: store.name, subject, answer: 'unknown' } as const
      this.#asked.set(store.name, { ...about, needsPassword: 'known' })
      return { kind: 'wrong', detail: 'only a password tells whether the user is known' }
    }
    if (answer.isWrong) return { kind: 'wrong', detail: answer.kind === 'barred' ? answer.detail : '' }
    const { found } = answer
    if (found !== undefined && (await context.identified?.(found)) === false) return { kind: 'stopped' }
    if (found?.withheld !== undefined) return found.withheld
    if (found?.isExpired === true) {
      const asked = this.#asked.get(store.name)
      if (asked !== undefined) this.#asked.set(store.name, { ...asked, needsPassword: 'expired' })
    }
    const send = async () =>
      password.equals(this.#password)
        ? ({ kind: 'right', value: answer } as const)
        : ({ kind: 'wrong', value: NOT_SPLIT } as const)
    if (found?.guess === undefined || context.guard === undefined) return (await send()).value
    return context.guard.ask({ ...found.guess, password, deadline }, send)
  }
}

const NOT_SPLIT: FirstFactorAnswer = {
  kind: 'wrong',
  detail: 'under this name the code is not told from the password before it',
}

function noted(
  about: Pick<AskedStore, 'store' | 'subject'>,
  candidate: Candidate,
  answer: LookupAnswer | { readonly kind: 'unavailable'; readonly detail: string },
): AskedStore {
  switch (answer.kind) {
    case 'right': {
      const { groups, attributes, endsAt, record, notice } = answer.account
      const subject = subjectOf(candidate, answer.account)
      const person = { subject, source: about.store, groups, attributes, endsAt, record, notice }
      return { ...about, subject, answer: 'known', groups, person }
    }
    case 'barred':
      return { ...about, answer: 'barred', detail: answer.detail }
    case 'unknown':
      return { ...about, answer: 'unknown' }
    case 'unavailable':
      return { ...about, answer: 'unavailable', detail: answer.detail }
  }
}
