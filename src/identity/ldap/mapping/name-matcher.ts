import { foldName } from '../../../domain/login-name.ts'
import { parseDn } from './distinguished-name.ts'
import type { FilterNode } from './filter-template.ts'

/** One way in which an attribute of an entry holds the user's name, such as `uid={user}` or `mail={user}@corp.example`. */
export interface NameMatcher {
  readonly attribute: string
  /** The text around the name: `['', '@corp.example']`. */
  readonly parts: readonly string[]
  /** The same in the form in which names are compared. */
  readonly canonicalParts: readonly string[]
}

type Attributes = ReadonlyMap<string, readonly string[]>

/** Stands for the user's name; it is in no name, and every reader leaves it alone. */
const SAMPLE = '\u{f0000}'

function matcher(attribute: string, text: string): NameMatcher {
  return { attribute, parts: text.split(SAMPLE), canonicalParts: foldName(text).split(SAMPLE) }
}

/** The places of a filter that compare an attribute with the user's name. */
export function matchersInFilter(node: FilterNode): readonly NameMatcher[] {
  if (node.kind === 'and' || node.kind === 'or') return node.parts.flatMap(matchersInFilter)
  if (node.kind !== 'equal' || !node.value.includes('user')) return []
  const text = node.value.map((piece) => (typeof piece === 'string' ? SAMPLE : piece.toString('utf8')))
  return [matcher(node.attribute.toLowerCase(), text.join(''))]
}

/** The same for a distinguished name with `{user}` in it. */
export function matchersInName(template: string): readonly NameMatcher[] {
  const [own = []] = parseDn(template.replaceAll('{user}', SAMPLE)) ?? []
  return own
    .filter(([, value]) => value.includes(SAMPLE))
    .map(([attribute, value]) => matcher(attribute, value))
}

/**
 * Whether the entry has exactly this name. Directories compare loosely (Active Directory takes é for e, others ignore
 * blanks), and each loose spelling would get guesses, lockouts and second factors of its own.
 */
export function matchesName(attributes: Attributes, matchers: readonly NameMatcher[], user: string): boolean {
  if (matchers.length === 0) return true
  return matchers.some(({ attribute, parts }) => {
    const wanted = foldName(parts.join(user))
    return attributes.get(attribute)?.some((value) => foldName(value) === wanted) ?? false
  })
}

/**
 * The name under which an entry is known: the one in its distinguished name, otherwise the first in alphabetical order
 * of the first attribute that has any. An entry may have several names (a second uid, a mail address, a
 * userPrincipalName beside the sAMAccountName), and each would get a second factor of its own.
 * @returns canonical; undefined where the entry shows none.
 */
export function ownName(
  dn: string,
  attributes: Attributes,
  matchers: readonly NameMatcher[],
): string | undefined {
  for (const each of matchers) {
    const names = (attributes.get(each.attribute) ?? []).flatMap((value) => namesIn(each, value))
    // Most entries have a single name; then the distinguished name need not be read.
    if (names.length === 1) return names[0]
    const [own = []] = parseDn(dn) ?? []
    const inDn = own
      .filter(([attribute]) => attribute.toLowerCase() === each.attribute)
      .flatMap(([, value]) => namesIn(each, value))
    const name = names.find((candidate) => inDn.includes(candidate)) ?? names.toSorted()[0]
    if (name !== undefined) return name
  }
  return undefined
}

/** The user's name in this value; none where the value is not of the matcher's form. */
function namesIn({ canonicalParts: [before = '', after, more] }: NameMatcher, value: string): string[] {
  if (after === undefined || more !== undefined) return []
  const text = foldName(value)
  const matches =
    text.startsWith(before) && text.endsWith(after) && text.length > before.length + after.length
  return matches ? [text.slice(before.length, text.length - after.length)] : []
}
