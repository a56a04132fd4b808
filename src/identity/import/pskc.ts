import type { Secret } from '../../domain/secret.ts'
import { BadLine, nameIn, type Parsed, readEach } from './file-lines.ts'
import {
  algorithmIn,
  counterIn,
  digitsIn,
  type ImportedToken,
  labelIn,
  periodIn,
  seedOf,
  tokenKey,
} from './imported-token.ts'
import type { Owners } from './owners.ts'
import { base64In, type Decipher, pskcDecipher } from './pskc-encryption.ts'
import { at, documentIn, type Element, isNamed } from './xml.ts'

const NAMESPACE = 'urn:ietf:params:xml:ns:keyprov:pskc'
const PROFILE = /^urn:ietf:params:xml:ns:keyprov:pskc:(hotp|totp)$/

/**
 * Reads a key container (RFC 6030) whose keys name their users in `UserId`. A fault of the container is a fault of
 * its first line, and no key is read then.
 * @param preShared the key that encrypts the seeds (§6.1), where they are encrypted;
 * @param owners whose each key is, where the container names no users, as privacyIDEA's does not.
 */
export function parsePskc(
  text: string,
  preShared: Secret | undefined,
  owners?: Owners,
): Parsed<ImportedToken> {
  try {
    const container = documentIn(text.replace(/^\uFEFF/, ''))
    if (!isNamed(container, 'KeyContainer') || container.namespace !== NAMESPACE)
      throw new BadLine('this is not a key container of RFC 6030')
    const packages = container.children.filter((child) => isNamed(child, 'KeyPackage'))
    const decipher = pskcDecipher(container, preShared)
    return readEach(packages, (keyPackage) => tokenIn(keyPackage, decipher, owners), tokenKey)
  } catch (error) {
    if (error instanceof BadLine) return { entries: [], faults: [{ line: 1, problem: error.message }] }
    throw error
  }
}

/** @throws BadLine */
function tokenIn(keyPackage: Element, decipher: Decipher, owners: Owners | undefined): ImportedToken {
  const key = at(keyPackage, 'Key')
  if (key === undefined) throw new BadLine('there is no key')
  const [, kind] = PROFILE.exec(key.attributes.get('algorithm') ?? '') ?? []
  if (kind !== 'hotp' && kind !== 'totp')
    throw new BadLine('the algorithm of the key is neither hotp nor totp')
  checkPolicy(at(key, 'Policy'))
  const format = at(key, 'AlgorithmParameters', 'ResponseFormat')
  if ((format?.attributes.get('encoding') ?? 'DECIMAL') !== 'DECIMAL')
    throw new BadLine('the codes are not decimal')
  return {
    name: owners === undefined ? nameIn(userOf(keyPackage, key)) : owners.of(serialOf(keyPackage, key)),
    kind,
    seed: seedOf(seedIn(at(key, 'Data', 'Secret'), decipher)),
    digits: digitsIn(format?.attributes.get('length') ?? '6'),
    period: kind === 'totp' ? periodIn(plainIn(key, 'TimeInterval') ?? '30') : 30,
    algorithm: algorithmIn(suiteOf(key)),
    lastStep: kind === 'hotp' ? counterIn(plainIn(key, 'Counter') ?? '') - 1 : -1,
    label: labelIn(at(key, 'FriendlyName')?.text),
  }
}

/** A key whose policy (§5) the broker does not keep must not be used. @throws BadLine */
function checkPolicy(policy: Element | undefined): void {
  const usages = policy?.children.filter((child) => isNamed(child, 'KeyUsage')) ?? []
  const other = policy?.children.find((child) => !isNamed(child, 'KeyUsage'))
  if (other !== undefined) throw new BadLine(`the policy ${other.name} of the key is not kept by the broker`)
  if (usages.length > 0 && !usages.some(({ text }) => text.trim() === 'OTP'))
    throw new BadLine('the policy of the key does not allow one-time passwords')
}

/** RFC 6030 §4.3.2 wants a distinguished name (RFC 4514); many programs write the plain name. */
function userOf(keyPackage: Element, key: Element): string {
  const user = (at(key, 'UserId') ?? at(keyPackage, 'DeviceInfo', 'UserId'))?.text.trim() ?? ''
  const named = /^(?:uid|cn)=((?:[^,+\\]|\\.)+)/i.exec(user)?.[1]
  return named?.replaceAll(/\\(.)/g, '$1').trim() ?? user
}

function serialOf(keyPackage: Element, key: Element): string | undefined {
  return at(keyPackage, 'DeviceInfo', 'SerialNo')?.text.trim() ?? key.attributes.get('id')
}

/** privacyIDEA has the name of the digest in an attribute of its own. */
function suiteOf(key: Element): string {
  const suite = at(key, 'AlgorithmParameters', 'Suite')
  const named = suite?.text.trim() ?? ''
  return named === '' ? (suite?.attributes.get('hashalgo') ?? 'sha1') : named
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
