import { Code } from './codes.ts'
import { AttributeError, describeAttributes } from './dictionary.ts'
import { type GrantedReply, grantAttributes } from './grant-attributes.ts'
import { decodePacket, encodePacket, PacketTooLong } from './packet.ts'

/** An Access-Accept in people's terms, by dictionary name: what the gateway reads, coded and read again. */
export function describeGrant(reply: GrantedReply): readonly { name: string; value: string }[] {
  try {
    const accept = { code: Code.AccessAccept, identifier: 0, authenticator: Buffer.alloc(16) }
    return describeAttributes(decodePacket(encodePacket({ ...accept, attributes: grantAttributes(reply) })))
  } catch (error) {
    if (!(error instanceof AttributeError) && !(error instanceof PacketTooLong)) throw error
    return [{ name: 'Access-Accept', value: `cannot be made: ${error.message}` }]
  }
}
