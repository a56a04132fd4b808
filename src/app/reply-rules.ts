import type { LoadRules } from '../config/load.ts'
import { PROVIDER_TYPES } from '../identity/registry.ts'
import { AttributeError } from '../radius/attribute-value.ts'
import { Code } from '../radius/codes.ts'
import { encodeDefined } from '../radius/defined-attribute.ts'
import { attributeFault, attributeType, knownAttribute, nameOfNumber } from '../radius/dictionary.ts'
import { grantAttributes } from '../radius/grant-attributes.ts'
import { maxOccurrence } from '../radius/occurrence.ts'
import { OperatorDictionary } from '../radius/operator-dictionary.ts'

const HEADER = 20
const MESSAGE_AUTHENTICATOR = 18
const ATTRIBUTE_HEADER = 2

/** What the configuration asks of the protocol: can a reply carry this, and how long would it be? */
export const replyRules: LoadRules = {
  providerTypes: PROVIDER_TYPES,
  attributeFault,
  definitionOf: () => undefined,
  newDictionary: () => new OperatorDictionary(),
  knowsAttribute: knownAttribute,
  definedFault(name, definition, value) {
    // By another name a reserved attribute would still be that attribute.
    const own = nameOfNumber(definition.number, definition.vendor)
    if (own !== undefined) return `${name} is ${own} by another name: write ${own}`
    try {
      encodeDefined(name, definition, value)
      return undefined
    } catch (error) {
      if (error instanceof AttributeError) return error.message
      throw error
    }
  },
  maxOccurrence: (name) => {
    const type = attributeType(name)
    return type === undefined ? undefined : maxOccurrence(Code.AccessAccept, type)
  },
  replyLength: (entitlement) =>
    grantAttributes(entitlement).reduce(
      (length, { value }) => length + ATTRIBUTE_HEADER + value.length,
      HEADER + MESSAGE_AUTHENTICATOR,
    ),
}
