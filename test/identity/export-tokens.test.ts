import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { hiddenCharacterIn } from '../../src/domain/hidden-characters.ts'
import { canonicalUserName } from '../../src/domain/login-name.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { ExportedToken } from '../../src/identity/export/exported-token.ts'
import { authenticatorFile } from '../../src/identity/export/google-authenticator.ts'
import { OATH_CSV_HEAD, oathCsvLine } from '../../src/identity/export/oath-csv.ts'
import { otpauthLine } from '../../src/identity/export/otpauth.ts'
import { keyContainer } from '../../src/identity/export/pskc.ts'
import type { Parsed } from '../../src/identity/import/file-lines.ts'
import { parseGoogleAuthenticator } from '../../src/identity/import/google-authenticator.ts'
import type { ImportedToken } from '../../src/identity/import/imported-token.ts'
import { parseOathCsv } from '../../src/identity/import/oath-csv.ts'
import { parseOtpauth } from '../../src/identity/import/otpauth.ts'
import { parsePskc } from '../../src/identity/import/pskc.ts'
import { anyCharacter } from '../any-character.ts'
import { temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { written } from '../real/password-tools.ts'

const KEY = new Secret(Buffer.from('12345678901234567890123456789012', 'hex'))
const ISSUER = 'Example: VPN & more'

const names = fc
  .string({ unit: anyCharacter, minLength: 1, maxLength: 20 })
  .map((typed) => canonicalUserName(typed))
  // An import takes no name with a character that cannot be seen.
  .filter((name) => name !== undefined && !/\p{Z}/u.test(name) && hiddenCharacterIn(name) === undefined)
  .map(String)

const tokens: fc.Arbitrary<ExportedToken> = fc.record({
  name: fc.oneof(
    names,
    fc.constantFrom('bob', 'bob@corp.example', 'a,b', 'a"b', "o'brien", 'a;b', 'x:y', 'cn=z'),
  ),
  id: fc.uuid(),
  kind: fc.constantFrom('totp' as const, 'hotp' as const),
  seed: fc.uint8Array({ minLength: 10, maxLength: 64 }).map((octets) => new Secret(Buffer.from(octets))),
  digits: fc.constantFrom(6, 7, 8),
  period: fc.integer({ min: 1, max: 300 }),
  algorithm: fc.constantFrom('sha1' as const, 'sha256' as const, 'sha512' as const),
  counter: fc.integer({ min: 0, max: 2 ** 40 }),
  driftMs: fc.constant(0),
  label: fc.constantFrom(undefined, 'Phone', 'a, "b"', '旧手机 <2>'),
})

/** What makes the codes equal, and whose they are. */
function codesOf({ name, kind, seed, digits, algorithm, period, ...more }: ExportedToken | ImportedToken) {
  const next = 'counter' in more ? more.counter : more.lastStep + 1
  const moving = kind === 'totp' ? { period } : { next }
  return { name, kind, seed: seed.bytes().toString('hex'), digits, algorithm, ...moving }
}

function isSame({ entries, faults }: Parsed<ImportedToken>, token: ExportedToken): void {
  expect(faults).toEqual([])
  expect(entries.map(codesOf)).toEqual([codesOf(token)])
}

describe('a token that was exported is imported with equal codes', () => {
  it('as a URI', () => {
    fc.assert(fc.property(tokens, (token) => isSame(parseOtpauth(otpauthLine(token, ISSUER)), token)))
  })

  it('as a line of a table', () => {
    fc.assert(
      fc.property(tokens, (token) =>
        isSame(parseOathCsv(`${OATH_CSV_HEAD}\n${oathCsvLine(token)}\n`), token),
      ),
    )
  })

  it('in a key container, in clear or encrypted', () => {
    fc.assert(
      fc.property(tokens, fc.constantFrom(undefined, KEY), (token, key) =>
        isSame(parsePskc(keyContainer([token], ISSUER, systemRandom, key), key), token),
      ),
    )
  })

  it('as a file of google-authenticator', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        const usual: ExportedToken = { ...token, digits: 6, algorithm: 'sha1' }
        isSame(
          parseGoogleAuthenticator([{ user: usual.name, line: 1, content: authenticatorFile(usual) }]),
          usual,
        )
      }),
    )
  })
})

const token: ExportedToken = {
  name: 'bob',
  id: '1',
  kind: 'totp',
  seed: new Secret('12345678901234567890'),
  digits: 6,
  period: 30,
  algorithm: 'sha1',
  counter: 0,
  driftMs: 0,
}

describe('a file of google-authenticator', () => {
  it('keeps how far the clock of the token is ahead', () => {
    const content = authenticatorFile({ ...token, driftMs: -61_000 })
    const { entries } = parseGoogleAuthenticator([{ user: 'bob', line: 1, content }])
    expect(entries).toMatchObject([{ driftMs: -60_000 }])
  })

  it.each([{ digits: 8 }, { algorithm: 'sha256' as const }])('cannot hold %j', (other) => {
    expect(() => authenticatorFile({ ...token, ...other })).toThrow('6 digits by SHA-1 alone')
  })
})

describeWith(['pskctool', 'pskc2csv'], 'a key container', () => {
  const hotp: ExportedToken = {
    ...token,
    id: '2',
    name: 'carol, c',
    kind: 'hotp',
    counter: 7,
    algorithm: 'sha256',
  }
  const textOf = (key?: Secret) => keyContainer([token, hotp], ISSUER, systemRandom, key)

  it('is read by pskctool', () => {
    const said = written('pskctool', ['--info', '--strict'], textOf())
    expect(said).toContain('Key Secret (base64): MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=')
    expect(said).toContain('Key Counter: 7')
  })

  it('that is encrypted is opened by pskc2csv with the key', () => {
    const folder = temporaryFolder('pskc')
    onTestFinished(folder.remove)
    const [file, key] = [folder.file('keys.xml'), folder.file('key')]
    writeFileSync(file, textOf(KEY))
    writeFileSync(key, KEY.bytes())
    const columns = 'key_userid,secret,algorithm_suite,counter,time_interval'
    const said = written('pskc2csv', ['-s', key, '-c', columns, file]).trim().split(/\r?\n/)
    const seed = '3132333435363738393031323334353637383930'
    expect(said.slice(1)).toEqual([`CN=bob,${seed},,,30`, `"CN=carol\\, c",${seed},HMAC-SHA256,7,`])
  })
})
