import { Unavailable } from '../domain/errors.ts'
import type { Candidate } from '../domain/identity-provider.ts'
import { type LoginName, parseLoginName } from '../domain/login-name.ts'
import type { Runtime } from '../domain/runtime.ts'

export interface NamesakesOptions extends Pick<Runtime, 'clock'> {
  readonly candidates: (name: LoginName) => readonly Candidate[]
  /** Milliseconds within which an identity store must answer. */
  readonly patienceMs: number
}

/** Who else has the name of a local user. */
export interface Namesakes {
  /** The local user's subject; undefined where no login asks the broker's own records. */
  readonly subject: string | undefined
  /** Other identity stores that have a user of this name. */
  readonly knownTo: readonly string[]
  /** Other identity stores that cannot tell without a password. */
  readonly unsure: readonly string[]
  /** Other identity stores that cannot be asked now. */
  readonly away: readonly string[]
  /** Whether nobody else can have the subject, so that its authenticator is the local user's. */
  readonly ownsSubject: boolean
}

/** Asks every other identity store for the name of a local user. An outage is an answer: `away`. */
export async function namesakesOf(
  user: string,
  { candidates, clock, patienceMs }: NamesakesOptions,
): Promise<Namesakes> {
  const name = parseLoginName(user)
  const all = name === undefined ? [] : candidates(name)
  const own = all.find(({ store }) => store.isOwn === true)
  const deadline = clock.monotonic() + patienceMs
  const others = await Promise.all(
    all
      .filter((each) => each !== own)
      .map(async (each) => ({ ...each, answer: await askFor(each, deadline) })),
  )
  const withAnswer = (wanted: Answer) =>
    others.filter(({ answer }) => answer === wanted).map(({ store }) => store.name)
  return {
    subject: own?.subject,
    knownTo: withAnswer('known'),
    unsure: withAnswer('unsure'),
    away: withAnswer('away'),
    ownsSubject:
      own !== undefined &&
      others.every(({ subject, answer }) => subject !== own.subject || answer === 'unknown'),
  }
}

/** Whether no login asks for a local user of this name, because its realm is another identity store's. */
export function isOthersName(user: string, candidates: NamesakesOptions['candidates']): boolean {
  const name = parseLoginName(user)
  if (name?.realm === undefined) return false
  const asksLocal = (each: LoginName) => candidates(each).some(({ store }) => store.isOwn === true)
  const { username } = name
  return !asksLocal(name) && asksLocal({ raw: username, whole: username, user: username, username })
}

type Answer = 'known' | 'unknown' | 'unsure' | 'away'

async function askFor({ store, name }: Candidate, deadline: number): Promise<Answer> {
  try {
    const { kind } = await store.lookup(name, deadline)
    if (kind === 'unknown') return store.mayMissUsers === true ? 'unsure' : 'unknown'
    return 'known'
  } catch (error) {
    if (error instanceof Unavailable) return 'away'
    throw error
  }
}
