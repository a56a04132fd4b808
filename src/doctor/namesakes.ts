import type { UserStore } from '../domain/user.ts'
import { allOf, namedShortly } from './all-of.ts'
import { type Check, type Finding, ok, warning } from './finding.ts'

/** Lookups that are in progress at one time. */
const AT_ONCE = 8
/** A directory is not asked for more users than this. */
const MAX_ASKED = 5000
const MAX_NAMED = 10

/** What the other identity stores say about the name of a local user. */
type Ask = (name: string) => Promise<{
  readonly knownTo: readonly string[]
  readonly unsure: readonly string[]
  readonly away: readonly string[]
}>

/** Which local users have the name of a user of another identity store. */
export function checkNamesakes(users: Pick<UserStore, 'list'>, ask: Ask): Check {
  return async () => {
    const findings = await compareNames(namesOf(users), ask)
    return findings.length > 0 ? findings : [ok(ABOUT, 'no other identity store has one of them')]
  }
}

const ABOUT = 'names of local users'

async function* namesOf(users: Pick<UserStore, 'list'>): AsyncGenerator<string> {
  for await (const { name } of allOf(users, ({ name }) => name)) yield name
}

/** @returns which of the names are also those of others, and which stores cannot tell; nothing where all is well. */
export async function compareNames(
  names: AsyncIterable<string> | Iterable<string>,
  ask: Ask,
): Promise<readonly Finding[]> {
  const shared: string[] = []
  const [unsure, away] = [new Set<string>(), new Set<string>()]
  let asked = 0
  let next: string[] = []
  const askAll = async () => {
    const answers = await Promise.all(next.map(async (name) => ({ name, ...(await ask(name)) })))
    for (const answer of answers) {
      if (answer.knownTo.length > 0) shared.push(`${answer.name} (${answer.knownTo.join(', ')})`)
      for (const store of answer.unsure) unsure.add(store)
      for (const store of answer.away) away.add(store)
    }
    asked += next.length
    next = []
  }
  for await (const name of names) {
    if (asked + next.length >= MAX_ASKED) break
    next.push(name)
    if (next.length < AT_ONCE) continue
    await askAll()
    // It would take its whole time for every user.
    if (away.size > 0) break
  }
  await askAll()
  return [
    ...(unsure.size === 0
      ? []
      : [
          warning(ABOUT, `not compared with ${named(unsure)}`, 'only a password tells whether it has a user'),
        ]),
    ...(away.size === 0
      ? []
      : [warning(ABOUT, `not compared with ${named(away)}`, 'it cannot be asked now: try again later')]),
    ...(shared.length === 0
      ? []
      : [
          warning(
            ABOUT,
            `${shared.length} also belong to users of other identity stores: ${namedShortly(shared, MAX_NAMED)}`,
            'both share limits, lockouts and, without realms, the authenticator; rename or remove the local user',
          ),
        ]),
  ]
}

function named(stores: ReadonlySet<string>): string {
  return [...stores].sort().join(', ')
}
