import type { DefinedAttribute } from '../domain/policy.ts'
import type { ProviderType } from '../schema/provider-type.ts'
import type { Dictionary } from './sections/dictionaries.ts'
import type { ReplyRules } from './sections/reply.ts'

/** What the configuration has to know of other parts of the broker. */
export interface LoadRules extends ReplyRules {
  /** The types of identity stores that it may name. */
  readonly providerTypes: readonly ProviderType[]
  /** An empty one, which operators' files are read into. */
  newDictionary(): Dictionary
  /** Whether the broker's own dictionaries have the name: operators' do not change it. */
  knowsAttribute(name: string): boolean
  /** @returns why no reply can hold an attribute that an operator's file defines so; undefined where one can. */
  definedFault(name: string, definition: DefinedAttribute, value: string | number): string | undefined
}

/** The same rules with what operators' files define. */
export function withDictionary<Rules extends LoadRules>(rules: Rules, dictionary: Dictionary): Rules {
  const find = (name: string) => (rules.knowsAttribute(name) ? undefined : dictionary.find(name))
  return {
    ...rules,
    definitionOf(name) {
      const found = find(name)
      return found === undefined || 'why' in found ? undefined : found
    },
    attributeFault(name, value) {
      const found = find(name)
      if (found === undefined) return rules.attributeFault(name, value)
      return 'why' in found ? `${name}: ${found.why}` : rules.definedFault(name, found, value)
    },
  }
}
