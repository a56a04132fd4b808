import { AttributeError } from './attribute-value.ts'
import { Attr, Code } from './codes.ts'
import { describeAttributes } from './dictionary.ts'
import { type GrantedReply, grantAttributes } from './grant-attributes.ts'
import { decodePacket, encodePacket, PacketTooLong } from './packet.ts'

const UNSIGNED = { type: Attr.MessageAuthenticator, value: Buffer.alloc(16) }
const HEADER = { code: Code.AccessAccept, identifier: 0, authenticator: Buffer.alloc(16) }
/** Policies' replies are the same objects at every login, so each is checked once. */
const checked = new WeakMap<GrantedReply, { readonly fault: string | undefined }>()

/**
 * @returns why no Access-Accept can carry the reply; undefined where one can. The Proxy-State that a proxy adds to its
 * request is left out of account.
 */
export function grantFault(reply: GrantedReply): string | undefined {
  const known = checked.get(reply)
  if (known !== undefined) return known.fault
  const accept = encodeAccept(reply)
  const fault = typeof accept === 'string' ? accept : undefined
  checked.set(reply, { fault })
  return fault
}

/** An Access-Accept for people, by dictionary name: what the gateway reads, encoded and decoded again. */
export function describeGrant(reply: GrantedReply): readonly { name: string; value: string }[] {
  const accept = encodeAccept(reply)
  if (typeof accept === 'string') return [{ name: 'Access-Accept', value: `cannot be made: ${accept}` }]
  const { attributes = {}, defined = {} } = reply
  const own = Object.entries(attributes).filter(([name]) => Object.hasOwn(defined, name))
  const rest = Object.fromEntries(
    Object.entries(attributes).filter(([name]) => !Object.hasOwn(defined, name)),
  )
  const known = own.length === 0 ? accept : encodeAccept({ ...reply, attributes: rest })
  return [
    ...(typeof known === 'string' ? [] : describeAttributes(decodePacket(known)).slice(1)),
    // Only the operator's dictionary has names for these.
    ...own.flatMap(([name, values]) => [values].flat().map((value) => ({ name, value: String(value) }))),
  ]
}

/** @returns the packet, or why there cannot be one. */
function encodeAccept(reply: GrantedReply): Buffer | string {
  try {
    return encodePacket({ ...HEADER, attributes: [UNSIGNED, ...grantAttributes(reply)] })
  } catch (error) {
    if (!(error instanceof AttributeError) && !(error instanceof PacketTooLong)) throw error
    return error.message
  }
}
