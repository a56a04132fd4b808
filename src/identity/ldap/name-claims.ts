import { parseDn } from './distinguished-name.ts'
import type { FilterNode } from './filter-template.ts'

/** "This attribute holds this", said of the user's name: what makes an entry the user's. */
export interface NameClaim {
  readonly attribute: string
  of(user: string): string
}

const SAMPLE = '\u{f0000}' // in no name, and left alone by everything that reads one

/** The places of a filter that compare an attribute with the user's name. */
export function claimsInFilter(node: FilterNode): readonly NameClaim[] {
  if (node.kind === 'and' || node.kind === 'or') return node.parts.flatMap(claimsInFilter)
  if (node.kind !== 'equal' || !node.value.includes('user')) return []
  const { attribute, value } = node
  return [
    {
      attribute: attribute.toLowerCase(),
      of: (user) =>
        value.map((piece) => (typeof piece === 'string' ? user : piece.toString('utf8'))).join(''),
    },
  ]
}

/** The same for a distinguished name with `{user}` in it. */
export function claimsInName(template: string): readonly NameClaim[] {
  const [own = []] = parseDn(template.replaceAll('{user}', SAMPLE)) ?? []
  return own
    .filter(([, value]) => value.includes(SAMPLE))
    .map(([attribute, value]) => ({ attribute, of: (user) => value.replaceAll(SAMPLE, user) }))
}

/**
 * Whether the entry bears exactly this name. Directories compare loosely (Active Directory takes é for e, others
 * overlook blanks), and each loose spelling would get guesses, lockouts and second factors of its own.
 */
export function bearsName(
  attributes: ReadonlyMap<string, readonly string[]>,
  claims: readonly NameClaim[],
  user: string,
): boolean {
  if (claims.length === 0) return true
  return claims.some((claim) => {
    const wanted = canonical(claim.of(user))
    return attributes.get(claim.attribute)?.some((value) => canonical(value) === wanted) ?? false
  })
}

/** The form in which names are compared everywhere else in the broker. */
function canonical(text: string): string {
  return text.normalize('NFKC').toLowerCase().trim()
}
