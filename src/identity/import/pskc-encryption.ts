import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import { Secret } from '../../domain/secret.ts'
import { BadLine } from './file-lines.ts'
import { at, type Element } from './xml.ts'

/** Opens a `Secret` with an `EncryptedValue` and its `ValueMAC`. @throws BadLine */
export type Decipher = (secret: Element) => Buffer

const CIPHER = /#aes(128|192|256)-cbc$/
const MAC = /#hmac-(sha(?:1|224|256|384|512))$/
const BLOCK_OCTETS = 16

/** @param text the pre-shared key in hexadecimal. @returns undefined where it is none of AES. */
export function pskcKeyIn(text: string): Secret | undefined {
  const hex = text.replaceAll(/\s/g, '')
  if (!/^(?:[0-9a-f]{32}|[0-9a-f]{48}|[0-9a-f]{64})$/i.test(hex)) return undefined
  return new Secret(Buffer.from(hex, 'hex'))
}

export const PSKC_KEY_WORDS = 'no key of 128, 192 or 256 bits in hexadecimal'

/**
 * How the seeds of a container are encrypted: by AES-CBC with a pre-shared key, and a MAC over each encrypted value whose
 * own key is encrypted alike (RFC 6030 §6.1, §6.1.1). The MAC is checked first, and a value without one is not opened.
 */
export function pskcDecipher(container: Element, preShared: Secret | undefined): Decipher {
  const method = at(container, 'MACMethod')
  return (secret) => {
    if (preShared === undefined) throw new BadLine('the seed is encrypted: --key-file names the key')
    const [, digest] = MAC.exec(method?.attributes.get('algorithm')?.trim() ?? '') ?? []
    const macKey = method && at(method, 'MACKey')
    const [value, mac] = [at(secret, 'EncryptedValue'), at(secret, 'ValueMAC')]
    if (digest === undefined || macKey === undefined || value === undefined || mac === undefined)
      throw new BadLine('the encrypted seed has no MAC that the broker can check')
    const made = createHmac(digest, opened(macKey, preShared)).update(cipherTextOf(value)).digest()
    const given = base64In(mac.text)
    if (made.length !== given.length || !timingSafeEqual(made, given)) throw wrongKey()
    return opened(value, preShared)
  }
}

/** @throws BadLine */
function opened(value: Element, key: Secret): Buffer {
  const named = at(value, 'EncryptionMethod')?.attributes.get('algorithm')?.trim() ?? ''
  const [, bits] = CIPHER.exec(named) ?? []
  if (bits === undefined) throw new BadLine('the cipher is not AES-CBC')
  const text = cipherTextOf(value)
  const octets = key.bytes()
  if (octets.length * 8 !== Number(bits))
    throw new BadLine(`the key has ${octets.length * 8} bits, and the cipher takes ${bits}`)
  if (text.length < 2 * BLOCK_OCTETS || text.length % BLOCK_OCTETS !== 0)
    throw new BadLine('the encrypted value is cut short')
  const decipher = createDecipheriv(`aes-${bits}-cbc`, octets, text.subarray(0, BLOCK_OCTETS)).setAutoPadding(
    false,
  )
  const padded = Buffer.concat([decipher.update(text.subarray(BLOCK_OCTETS)), decipher.final()])
  // Only the last octet of the padding is told (XML Encryption §5.2.2).
  const padding = padded.at(-1) ?? 0
  if (padding < 1 || padding > BLOCK_OCTETS) throw wrongKey()
  return padded.subarray(0, padded.length - padding)
}

/** @throws BadLine */
function cipherTextOf(value: Element): Buffer {
  return base64In(at(value, 'CipherData', 'CipherValue')?.text ?? '')
}

/** @throws BadLine */
export function base64In(text: string): Buffer {
  const digits = text.replaceAll(/\s/g, '')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(digits)) throw new BadLine('a value is not written in base64')
  return Buffer.from(digits, 'base64')
}

function wrongKey(): BadLine {
  return new BadLine('the MAC is wrong: the seed was encrypted with another key, or changed')
}
