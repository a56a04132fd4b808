import type { ReplyRules } from '../config/load.ts'
import { AttributeError, encodeAttribute } from '../radius/dictionary.ts'
import { grantAttributes } from '../radius/grant-attributes.ts'

const HEADER = 20
const MESSAGE_AUTHENTICATOR = 18
const ATTRIBUTE_HEADER = 2

/** What the configuration asks of the protocol: can a reply carry this, and how long would it be? */
export const replyRules: ReplyRules = {
  attributeFault(name, value) {
    try {
      encodeAttribute(name, value)
      return undefined
    } catch (error) {
      if (error instanceof AttributeError) return error.message
      throw error
    }
  },
  replyLength: (entitlement) =>
    grantAttributes(entitlement).reduce(
      (length, { value }) => length + ATTRIBUTE_HEADER + value.length,
      HEADER + MESSAGE_AUTHENTICATOR,
    ),
}
