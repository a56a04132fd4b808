import {
  AndFilter,
  ApproximateFilter,
  EqualityFilter,
  ExtensibleFilter,
  GreaterThanEqualsFilter,
  type LdapFilter,
  LessThanEqualsFilter,
  NotFilter,
  OrFilter,
  PresenceFilter,
  SubstringFilter,
} from '../wire/requests.ts'
import type { FilterNode, Piece, Placeholder } from './filter-template.ts'

/** What is filled in; a placeholder may have no value, as a user without a group number has none. */
type Filling = Readonly<Partial<Record<Placeholder, string>>>

/** @returns undefined where a value is missing without which the filter means nothing. */
export type FilterMaker = (filling: Filling) => LdapFilter | undefined

/** What is fixed is made once. An alternative whose value is missing is left out. */
export function filterMaker(node: FilterNode): FilterMaker {
  const make = makerOf(node)
  if (hasPlaceholder(node)) return make
  const fixed = make({})
  return () => fixed
}

function makerOf(node: FilterNode): FilterMaker {
  switch (node.kind) {
    case 'and':
    case 'or':
      return combination(node.kind, node.parts.map(filterMaker))
    case 'not': {
      const part = filterMaker(node.part)
      return (filling) => {
        const filter = part(filling)
        return filter && new NotFilter({ filter })
      }
    }
    case 'present': {
      const filter = new PresenceFilter({ attribute: node.attribute })
      return () => filter
    }
    case 'equal': {
      const { attribute, value } = node
      return withOctets(value, (raw) => new EqualityFilter({ attribute, raw }))
    }
    case 'approximate':
    case 'at_least':
    case 'at_most': {
      const { attribute } = node
      const Kind = {
        approximate: ApproximateFilter,
        at_least: GreaterThanEqualsFilter,
        at_most: LessThanEqualsFilter,
      }[node.kind]
      return withText(node.value, (value) => new Kind({ attribute, value }))
    }
    case 'substring':
      return substring(node.attribute, node.values)
    case 'matching': {
      const { attribute, rule, dnAttributes } = node
      return withText(node.value, (value) => new ExtensibleFilter({ attribute, rule, dnAttributes, value }))
    }
  }
}

function combination(kind: 'and' | 'or', makers: readonly FilterMaker[]): FilterMaker {
  return (filling) => {
    const filters = makers.map((make) => make(filling)).filter((filter) => filter !== undefined)
    if (kind === 'and') return filters.length === makers.length ? new AndFilter({ filters }) : undefined
    return filters.length === 0 ? undefined : new OrFilter({ filters })
  }
}

function substring(attribute: string, values: readonly (readonly Piece[])[]): FilterMaker {
  return (filling) => {
    const texts = values.map((value) => octetsOf(value, filling)?.toString('utf8'))
    const [initial = '', ...rest] = texts
    const final = rest.pop() ?? ''
    if (texts.includes(undefined)) return undefined
    const any = rest.filter((text) => text !== undefined && text !== '') as string[]
    return new SubstringFilter({ attribute, initial, any, final })
  }
}

function withOctets(value: readonly Piece[], make: (octets: Buffer) => LdapFilter): FilterMaker {
  return (filling) => {
    const octets = octetsOf(value, filling)
    return octets && make(octets)
  }
}

/** For the kinds of filters that ldapjs writes from text only. */
function withText(value: readonly Piece[], make: (text: string) => LdapFilter): FilterMaker {
  return withOctets(value, (octets) => make(octets.toString('utf8')))
}

function octetsOf(value: readonly Piece[], filling: Filling): Buffer | undefined {
  const octets: Buffer[] = []
  for (const piece of value) {
    const text = typeof piece === 'string' ? filling[piece] : piece
    if (text === undefined) return undefined
    octets.push(typeof text === 'string' ? Buffer.from(text) : text)
  }
  return Buffer.concat(octets)
}

function hasPlaceholder(node: FilterNode): boolean {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.parts.some(hasPlaceholder)
    case 'not':
      return hasPlaceholder(node.part)
    case 'present':
      return false
    case 'substring':
      return node.values.some((value) => value.some((piece) => typeof piece === 'string'))
    default:
      return node.value.some((piece) => typeof piece === 'string')
  }
}
