import type { Secret } from '../../domain/secret.ts'
import { BadLine, nameIn, type Parsed, readEach } from './file-lines.ts'
import { algorithmIn, counterIn, digitsIn, type ImportedToken, periodIn, seedOf } from './imported-token.ts'
import { base64In, type Decipher, pskcDecipher } from './pskc-encryption.ts'
import { at, documentIn, type Element } from './xml.ts'

const NAMESPACE = 'urn:ietf:params:xml:ns:keyprov:pskc'
const PROFILE = /^urn:ietf:params:xml:ns:keyprov:pskc:(hotp|totp)$/

/**
 * Reads a key container (RFC 6030) whose keys name their users in `UserId`. A fault of the container is a fault of
 * its first line, and no key is read then.
 * @param preShared the key that encrypts the seeds (§6.1), where they are encrypted.
 */
export function parsePskc(text: string, preShared: Secret | undefined): Parsed<ImportedToken> {
  try {
    const container = documentIn(text.replace(/^\uFEFF/, ''))
    if (container.name !== 'KeyContainer' || container.namespace !== NAMESPACE)
      throw new BadLine('this is not a key container of RFC 6030')
    const packages = container.children.filter(({ name }) => name === 'KeyPackage')
    const decipher = pskcDecipher(container, preShared)
    return readEach(packages, (keyPackage) => tokenIn(keyPackage, decipher))
  } catch (error) {
    if (error instanceof BadLine) return { entries: [], faults: [{ line: 1, problem: error.message }] }
    throw error
  }
}

/** @throws BadLine */
function tokenIn(keyPackage: Element, decipher: Decipher): ImportedToken {
  const key = at(keyPackage, 'Key')
  if (key === undefined) throw new BadLine('there is no key')
  const [, kind] = PROFILE.exec(key.attributes.get('Algorithm') ?? '') ?? []
  if (kind !== 'hotp' && kind !== 'totp')
    throw new BadLine('the algorithm of the key is neither hotp nor totp')
  checkPolicy(at(key, 'Policy'))
  const format = at(key, 'AlgorithmParameters', 'ResponseFormat')
  if ((format?.attributes.get('Encoding') ?? 'DECIMAL') !== 'DECIMAL')
    throw new BadLine('the codes are not decimal')
  return {
    name: nameIn(userOf(keyPackage, key)),
    kind,
    seed: seedOf(seedIn(at(key, 'Data', 'Secret'), decipher)),
    digits: digitsIn(format?.attributes.get('Length') ?? '6'),
    period: kind === 'totp' ? periodIn(plainIn(key, 'TimeInterval') ?? '30') : 30,
    algorithm: algorithmIn(at(key, 'AlgorithmParameters', 'Suite')?.text.trim() ?? 'sha1'),
    lastStep: kind === 'hotp' ? counterIn(plainIn(key, 'Counter') ?? '') - 1 : -1,
  }
}

/** A key whose policy (§5) the broker does not keep must not be used. @throws BadLine */
function checkPolicy(policy: Element | undefined): void {
  const usages = policy?.children.filter(({ name }) => name === 'KeyUsage') ?? []
  const other = policy?.children.find(({ name }) => name !== 'KeyUsage')
  if (other !== undefined) throw new BadLine(`the policy ${other.name} of the key is not kept by the broker`)
  if (usages.length > 0 && !usages.some(({ text }) => text.trim() === 'OTP'))
    throw new BadLine('the policy of the key does not allow one-time passwords')
}

/** RFC 6030 §4.3.2 wants a distinguished name; many programs write the plain name. */
function userOf(keyPackage: Element, key: Element): string {
  const user = (at(key, 'UserId') ?? at(keyPackage, 'DeviceInfo', 'UserId'))?.text.trim() ?? ''
  return /^(?:uid|cn)=([^,+]+)/i.exec(user)?.[1]?.trim() ?? user
}

/** @throws BadLine */
function seedIn(secret: Element | undefined, decipher: Decipher): Buffer {
  const plain = secret && at(secret, 'PlainValue')
  if (plain !== undefined) return base64In(plain.text)
  if (secret === undefined || at(secret, 'EncryptedValue') === undefined)
    throw new BadLine('there is no seed')
  return decipher(secret)
}

/** @throws BadLine where it is encrypted. */
function plainIn(key: Element, name: string): string | undefined {
  const value = at(key, 'Data', name)
  if (value === undefined) return undefined
  const plain = at(value, 'PlainValue')
  if (plain === undefined) throw new BadLine(`${name} is encrypted; only the seed may be`)
  return plain.text.trim()
}
