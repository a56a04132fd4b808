import type { LdapFilter } from '../wire/requests.ts'
import { ANYTHING } from './anything.ts'
import { filterMaker } from './filter-objects.ts'
import type { FilterNode } from './filter-template.ts'

/**
 * What the filter of one user becomes where everybody is meant: the attributes that are compared with the name need any
 * value. It may find more entries than users have, never fewer: each is held against its name afterwards.
 */
export function listingFilter(node: FilterNode): LdapFilter {
  return filterMaker(everybody(node) ?? ANY)({}) ?? ANYTHING
}

const ANY: FilterNode = { kind: 'present', attribute: 'objectClass' }

/** @returns undefined where the part excludes nobody. */
function everybody(node: FilterNode): FilterNode | undefined {
  switch (node.kind) {
    case 'and':
    case 'or': {
      const parts = node.parts.map(everybody)
      const kept = parts.filter((part) => part !== undefined)
      // An alternative that excludes nobody makes the others void.
      if (kept.length === 0 || (node.kind === 'or' && kept.length < parts.length)) return undefined
      return { kind: node.kind, parts: kept }
    }
    case 'not':
      return isFixed(node.part) ? node : undefined
    case 'present':
      return node
    case 'matching':
      return isFixed(node) ? node : undefined
    default:
      return isFixed(node) ? node : { kind: 'present', attribute: node.attribute }
  }
}

/** Whether it says the same of every user. */
function isFixed(node: FilterNode): boolean {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.parts.every(isFixed)
    case 'not':
      return isFixed(node.part)
    case 'present':
      return true
    case 'substring':
      return node.values.every((value) => value.every((piece) => typeof piece !== 'string'))
    default:
      return node.value.every((piece) => typeof piece !== 'string')
  }
}
