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

/**
 * By which of its names an entry is known: the one in its distinguished name, or else the first in their order, of the
 * first attribute that holds any. An entry may bear several (a second uid, a mail address, a userPrincipalName beside
 * the sAMAccountName), and each would get a second factor of its own.
 * @returns canonical; undefined where the entry shows none.
 */
export function ownName(
  dn: string,
  attributes: ReadonlyMap<string, readonly string[]>,
  claims: readonly NameClaim[],
): string | undefined {
  for (const claim of claims) {
    const names = (attributes.get(claim.attribute) ?? []).flatMap((value) => namesIn(claim, value))
    // As with nearly everybody: wherever it stands.
    if (names.length === 1) return names[0]
    const [own = []] = parseDn(dn) ?? []
    const inDn = own
      .filter(([attribute]) => attribute.toLowerCase() === claim.attribute)
      .flatMap(([, value]) => namesIn(claim, value))
    const name = names.find((each) => inDn.includes(each)) ?? names.toSorted()[0]
    if (name !== undefined) return name
  }
  return undefined
}

/** The name for which the claim holds of this value; none where there is no such name. */
function namesIn(claim: NameClaim, value: string): string[] {
  const text = canonical(value)
  const [before = '', behind, more] = canonical(claim.of(SAMPLE)).split(SAMPLE)
  if (behind === undefined || more !== undefined) return []
  const isSo = text.startsWith(before) && text.endsWith(behind) && text.length > before.length + behind.length
  return isSo ? [text.slice(before.length, text.length - behind.length)] : []
}

/** Names that are their own form of comparison, as most are. */
const PLAIN = /^[a-z0-9.@_-]*$/

/** The form in which names are compared everywhere else in the broker. */
function canonical(text: string): string {
  return PLAIN.test(text) ? text : text.normalize('NFKC').toLowerCase().trim()
}
