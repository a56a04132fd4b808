import { createCipheriv, createHmac } from 'node:crypto'
import type { Randomness } from '../../domain/random.ts'
import type { Secret } from '../../domain/secret.ts'
import type { ExportedToken } from './exported-token.ts'

const PSKC = 'urn:ietf:params:xml:ns:keyprov:pskc'
const XENC = 'http://www.w3.org/2001/04/xmlenc#'
const HMAC_SHA1 = 'http://www.w3.org/2000/09/xmldsig#hmac-sha1'
const BLOCK_OCTETS = 16
const MAC_KEY_OCTETS = 20

/**
 * A key container (RFC 6030) with a key for each token.
 * @param issuer who has given the keys; @param preShared of 128, 192 or 256 bits: encrypts the seeds by AES-CBC, with an
 * HMAC-SHA-1 over each (§6.1), the MAC that every program must know; absent: the seeds are in clear.
 */
export function keyContainer(
  tokens: readonly ExportedToken[],
  issuer: string,
  random: Randomness,
  preShared?: Secret,
): string {
  const sealing = preShared && sealingWith(preShared, random)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<KeyContainer Version="1.0" xmlns="${PSKC}" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:xenc="${XENC}">`,
    ...(sealing?.head ?? []),
    ...tokens.map((token) => keyPackage(token, issuer, sealing?.secret ?? plainSecret)),
    '</KeyContainer>',
    '',
  ].join('\n')
}

function keyPackage(
  { id, kind, name, label, seed, digits, period, algorithm, counter }: ExportedToken,
  issuer: string,
  secret: (seed: Secret) => string,
): string {
  const moving =
    kind === 'hotp'
      ? `<Counter><PlainValue>${counter}</PlainValue></Counter>`
      : `<TimeInterval><PlainValue>${period}</PlainValue></TimeInterval>`
  const friendly = label === undefined ? '' : `<FriendlyName xml:lang="und">${escaped(label)}</FriendlyName>`
  const suite = algorithm === 'sha1' ? '' : `<Suite>HMAC-${algorithm.toUpperCase()}</Suite>`
  return `  <KeyPackage><Key Id="${escaped(id)}" Algorithm="${PSKC}:${kind}"><Issuer>${escaped(issuer)}</Issuer><AlgorithmParameters>${suite}<ResponseFormat Length="${digits}" Encoding="DECIMAL"/></AlgorithmParameters>${friendly}<Data><Secret>${secret(seed)}</Secret>${moving}</Data><UserId>${escaped(distinguished(name))}</UserId></Key></KeyPackage>`
}

/** RFC 4514 §2.4, every special character with a backslash. */
function distinguished(name: string): string {
  return `CN=${name.replaceAll(/[\\",+;<>=]|^[ #]| $/g, (sign) => `\\${sign}`)}`
}

function plainSecret(seed: Secret): string {
  return `<PlainValue>${seed.bytes().toString('base64')}</PlainValue>`
}

function sealingWith(key: Secret, random: Randomness) {
  const macKey = random.bytes(MAC_KEY_OCTETS)
  const cipher = `aes-${key.bytes().length * 8}-cbc`
  const sealed = (octets: Buffer): Buffer => {
    const iv = random.bytes(BLOCK_OCTETS)
    const encryption = createCipheriv(cipher, key.bytes(), iv)
    return Buffer.concat([iv, encryption.update(octets), encryption.final()])
  }
  const value = (octets: Buffer) =>
    `<xenc:EncryptionMethod Algorithm="${XENC}${cipher.replace('-', '')}"/><xenc:CipherData><xenc:CipherValue>${octets.toString('base64')}</xenc:CipherValue></xenc:CipherData>`
  return {
    head: [
      '  <EncryptionKey><ds:KeyName>Pre-shared-key</ds:KeyName></EncryptionKey>',
      `  <MACMethod Algorithm="${HMAC_SHA1}"><MACKey>${value(sealed(macKey))}</MACKey></MACMethod>`,
    ],
    secret: (seed: Secret): string => {
      const octets = sealed(seed.bytes())
      const mac = createHmac('sha1', macKey).update(octets).digest('base64')
      return `<EncryptedValue>${value(octets)}</EncryptedValue><ValueMAC>${mac}</ValueMAC>`
    },
  }
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
