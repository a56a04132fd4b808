import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import { Secret } from '../../domain/secret.ts'
import { BadLine } from './file-lines.ts'

const VERSION = 0x80
const HALF_OCTETS = 16
const KEY_OCTETS = 32
const MAC_OCTETS = 32
/** Version, time, initialisation vector. */
const HEAD_OCTETS = 1 + 8 + HALF_OCTETS

/** @param text 32 octets in base64url. @returns undefined where it is no key. */
export function fernetKeyIn(text: string): Secret | undefined {
  const octets = base64urlIn(text)
  return octets?.length === KEY_OCTETS ? new Secret(octets) : undefined
}

/** Whether the text looks like a Fernet token: the octet of the version and the first ones of a time of these decades. */
export function isFernet(text: string): boolean {
  return text.startsWith('gAAAAA')
}

/** Opens a Fernet token: AES-128-CBC, with an HMAC over all that comes before it. @throws BadLine */
export function openFernet(token: string, key: Secret): string {
  const octets = base64urlIn(token)
  if (octets === undefined || octets.length < HEAD_OCTETS + HALF_OCTETS + MAC_OCTETS || octets[0] !== VERSION)
    throw new BadLine('the encrypted export is cut short, or not one of privacyIDEA')
  const [signed, mac] = [octets.subarray(0, -MAC_OCTETS), octets.subarray(-MAC_OCTETS)]
  const made = createHmac('sha256', key.bytes().subarray(0, HALF_OCTETS)).update(signed).digest()
  if (!timingSafeEqual(made, mac))
    throw new BadLine('the export was encrypted with another key, or was changed')
  const iv = signed.subarray(HEAD_OCTETS - HALF_OCTETS, HEAD_OCTETS)
  const decipher = createDecipheriv('aes-128-cbc', key.bytes().subarray(HALF_OCTETS), iv)
  try {
    return Buffer.concat([decipher.update(signed.subarray(HEAD_OCTETS)), decipher.final()]).toString('utf8')
  } catch {
    throw new BadLine('the encrypted export is cut short')
  }
}

function base64urlIn(text: string): Buffer | undefined {
  const digits = text.replaceAll(/\s/g, '')
  return /^[A-Za-z0-9_-]+={0,2}$/.test(digits) ? Buffer.from(digits, 'base64url') : undefined
}
