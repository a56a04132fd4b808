import { Attr, Code } from './codes.ts'
import { AttributeError } from './dictionary.ts'
import { type GrantedReply, grantAttributes } from './grant-attributes.ts'
import { encodePacket, PacketTooLong } from './packet.ts'

const UNSIGNED = { type: Attr.MessageAuthenticator, value: Buffer.alloc(16) }
/** Policies' replies are the same objects at every login, so each is looked at once. */
const known = new WeakMap<GrantedReply, { readonly fault: string | undefined }>()

/**
 * @returns why no Access-Accept can carry the reply; undefined where one can. What a proxy adds by the Proxy-State of
 * its request is not in it.
 */
export function grantFault(reply: GrantedReply): string | undefined {
  const looked = known.get(reply)
  if (looked !== undefined) return looked.fault
  const fault = faultOf(reply)
  known.set(reply, { fault })
  return fault
}

function faultOf(reply: GrantedReply): string | undefined {
  try {
    const attributes = [UNSIGNED, ...grantAttributes(reply)]
    encodePacket({ code: Code.AccessAccept, identifier: 0, authenticator: Buffer.alloc(16), attributes })
    return undefined
  } catch (error) {
    if (!(error instanceof AttributeError) && !(error instanceof PacketTooLong)) throw error
    return error.message
  }
}
