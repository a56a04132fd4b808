import { createCipheriv, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { fernetKeyIn } from '../../src/identity/import/fernet.ts'
import type { Parsed } from '../../src/identity/import/file-lines.ts'
import type { ImportedToken } from '../../src/identity/import/imported-token.ts'
import { linOtpKeyIn, parseLinOtp } from '../../src/identity/import/linotp.ts'
import { parseOathCsv } from '../../src/identity/import/oath-csv.ts'
import { type Owners, ownersIn } from '../../src/identity/import/owners.ts'
import { parsePrivacyIdea } from '../../src/identity/import/privacyidea.ts'
import { parsePskc } from '../../src/identity/import/pskc.ts'
import { anyCharacter } from '../any-character.ts'

// These files are written here after the formats that the two servers document; neither server runs in the tests.

const SEED = '12345678901234567890'
const HEX = Buffer.from(SEED).toString('hex')
const BASE32 = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const USUAL = { kind: 'totp', digits: 6, period: 30, algorithm: 'sha1', lastStep: -1 }

function entriesOf({ entries, faults }: Parsed<ImportedToken>) {
  expect(faults).toEqual([])
  for (const { seed } of entries) expect(seed.reveal()).toBe(SEED)
  return entries
}

function faultsOf({ entries, faults }: Parsed<ImportedToken>) {
  expect(entries).toEqual([])
  expect(JSON.stringify(faults)).not.toMatch(/3132333435|GEZDGNBV/)
  return faults
}

function ownersOf(text: string): Owners {
  const owners = ownersIn(text)
  return 'faults' in owners ? expect.unreachable(JSON.stringify(owners.faults)) : owners
}

describe('an export of privacyIDEA', () => {
  const KEY = Buffer.alloc(32, 5)
  const key = fernetKeyIn(`${KEY.toString('base64url')}=\n`)
  const token = (owner: string, more: Record<string, unknown> = {}) => ({
    serial: `TOTP${owner}`,
    type: 'totp',
    otpkey: HEX,
    otplen: 6,
    counter: 0,
    description: null,
    user: { login: owner, realm: 'corp', resolver: 'ldap', uid: '7' },
    info_list: { timeStep: '30', hashlib: 'sha1', timeWindow: '180' },
    ...more,
  })

  function encrypted(text: string, change = (octets: Buffer) => octets): string {
    const iv = Buffer.alloc(16, 9)
    const cipher = createCipheriv('aes-128-cbc', KEY.subarray(16), iv)
    const time = Buffer.from('000000006565f2a0', 'hex')
    const signed = Buffer.concat([Buffer.from([0x80]), time, iv, cipher.update(text), cipher.final()])
    const mac = createHmac('sha256', KEY.subarray(0, 16)).update(signed).digest()
    return change(Buffer.concat([signed, mac])).toString('base64url')
  }

  it('is opened with its key', () => {
    const list = [
      token('Bob'),
      token('carol', { type: 'HOTP', counter: 7, otplen: 8, info_list: { hashlib: 'sha256' } }),
      token('dave', { info_list: { timeStep: 60, timeShift: '-90.0' } }),
    ]
    const parsed = parsePrivacyIdea(encrypted(JSON.stringify(list, null, 2)), key)
    expect(entriesOf(parsed)).toMatchObject([
      { name: 'bob', line: 2, ...USUAL, driftMs: 0 },
      { name: 'carol', ...USUAL, kind: 'hotp', digits: 8, algorithm: 'sha256', lastStep: 6 },
      { name: 'dave', ...USUAL, period: 60, driftMs: -90_000 },
    ])
  })

  it('is opened with no other key, and not when an octet of it was changed', () => {
    const text = encrypted(JSON.stringify([token('bob')]))
    const other = fernetKeyIn(Buffer.alloc(32, 6).toString('base64url'))
    const flipped = encrypted('[]', (octets) => octets.fill((octets[20] ?? 0) ^ 1, 20, 21))
    for (const parsed of [parsePrivacyIdea(text, other), parsePrivacyIdea(flipped, key)])
      expect(faultsOf(parsed)).toEqual([
        { line: 1, problem: 'the export was encrypted with another key, or was changed' },
      ])
    expect(faultsOf(parsePrivacyIdea(text.slice(0, 60), key))[0]?.problem).toContain('cut short')
    expect(faultsOf(parsePrivacyIdea(text, undefined))[0]?.problem).toContain('--key-file')
    expect(fernetKeyIn('abc')).toBeUndefined()
    expect(faultsOf(parsePrivacyIdea(encrypted('{}'), key))[0]?.problem).toBe('this is not a list of tokens')
  })

  it('may be YAML, with seeds in base32', () => {
    const yaml = [
      `- count: 0\n  info_list:\n    timeStep: '60'\n  otpkey: ${BASE32}\n  otplen: 6\n  owner: bob@corp\n  serial: TOTP1\n  type: totp`,
      `- count: 3\n  info_list: {}\n  otpkey: '${HEX}'\n  otplen: 6\n  owner: carol@corp\n  serial: HOTP1\n  type: hotp\n`,
    ].join('\n')
    expect(entriesOf(parsePrivacyIdea(yaml, undefined))).toMatchObject([
      { name: 'bob', line: 1, ...USUAL, period: 60 },
      { name: 'carol', line: 9, ...USUAL, kind: 'hotp', lastStep: 2 },
    ])
  })

  it('may be a table, with and without periods', () => {
    const text = `bob@corp, TOTP1, ${HEX}, totp, 6, 60\ncarol@corp, HOTP1, ${BASE32}, hotp, 8`
    expect(entriesOf(parsePrivacyIdea(text, undefined))).toMatchObject([
      { name: 'bob', line: 1, ...USUAL, period: 60 },
      { name: 'carol', line: 2, ...USUAL, kind: 'hotp', digits: 8 },
    ])
  })

  it.each([
    ['the token belongs to nobody', `n/a, TOTP1, ${HEX}, totp, 6, 30`],
    ['neither totp nor hotp', `bob@corp, SMS1, ${HEX}, sms, 6`],
    ['not written in base32', 'bob@corp, TOTP1, 0, totp, 6, 30'],
    ['the token belongs to nobody', `- {type: totp, otpkey: ${BASE32}}`],
    ['timeShift is not', `- {type: totp, owner: bob, otpkey: ${BASE32}, info_list: {timeShift: x}}`],
    ['this is not YAML', '- {'],
  ])('has a fault: %s', (problem, text) => {
    expect(faultsOf(parsePrivacyIdea(text, undefined))).toEqual([
      { line: 1, problem: expect.stringContaining(problem) },
    ])
  })

  it('as a key container names tokens by serial number, in small letters', () => {
    const PRE_SHARED = Buffer.alloc(16, 3)
    const MAC_KEY = Buffer.alloc(20, 4)
    const sealed = (plain: Buffer) => {
      const iv = Buffer.alloc(16, 8)
      const cipher = createCipheriv('aes-128-cbc', PRE_SHARED, iv)
      return Buffer.concat([iv, cipher.update(plain), cipher.final()])
    }
    const value = (octets: Buffer) =>
      `<xenc:encryptionmethod algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"></xenc:encryptionmethod><xenc:cipherdata><xenc:ciphervalue>${octets.toString('base64')}</xenc:ciphervalue></xenc:cipherdata>`
    const octets = sealed(Buffer.from(SEED))
    const mac = createHmac('sha1', MAC_KEY).update(octets).digest('base64')
    const container = `<keycontainer version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc" xmlns:xenc="http://www.w3.org/2001/04/xmlenc#">
<encryptionkey></encryptionkey><macmethod algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1"><mackey>${value(sealed(MAC_KEY))}</mackey></macmethod>
<keypackage><deviceinfo><manufacturer></manufacturer><serialno>TOTP1</serialno></deviceinfo><key algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp" id="TOTP1"><issuer>privacyIDEA</issuer><algorithmparameters><responseformat encoding="DECIMAL" length="8"></responseformat><suite hashalgo="sha256"></suite></algorithmparameters><data><secret><encryptedvalue>${value(octets)}</encryptedvalue><valuemac>${mac}</valuemac></secret><timeinterval><plainvalue>60</plainvalue></timeinterval><counter><plainvalue>0</plainvalue></counter></data></key></keypackage>
</keycontainer>`
    const read = (owners?: Owners) => parsePskc(container, new Secret(PRE_SHARED), owners)
    expect(entriesOf(read(ownersOf('TOTP1,Bob')))).toMatchObject([
      { name: 'bob', line: 3, ...USUAL, digits: 8, period: 60, algorithm: 'sha256' },
    ])
    expect(faultsOf(read(ownersOf('TOTP2,bob')))).toEqual([
      { line: 3, problem: 'the list of owners names no user of the token TOTP1' },
    ])
    expect(faultsOf(read())).toEqual([{ line: 3, problem: 'there is no name' }])
  })
})

describe("LinOTP's table of tokens", () => {
  const ENC_KEY = Buffer.from(Array.from({ length: 96 }, (_, at) => at))
  const key = linOtpKeyIn(ENC_KEY)
  const IV = Buffer.alloc(16, 2)
  const HEAD =
    'LinOtpTokenSerialnumber,LinOtpTokenType,LinOtpUserid,LinOtpOtpLen,LinOtpCount,LinOtpTokenInfo,LinOtpKeyEnc,LinOtpKeyIV,LinOtpIsactive'

  function sealed(version: 2 | 3, seed = HEX): string {
    const plain = Buffer.from(Buffer.from(seed).toString('hex'))
    const rest = 16 - (plain.length % 16)
    const padding =
      version === 3
        ? Buffer.alloc(rest, rest)
        : Buffer.from([1, 2, ...Array(rest === 1 ? 15 : rest - 2).fill(0)])
    const cipher = createCipheriv('aes-256-cbc', ENC_KEY.subarray(0, 32), IV).setAutoPadding(false)
    return Buffer.concat([cipher.update(plain), cipher.update(padding), cipher.final()]).toString('hex')
  }

  const row = (serial: string, type: string, info: string, secret: string, more = '1') =>
    `${serial},${type},1001,6,7,"${info.replaceAll('"', '""')}",${secret},${IV.toString('hex')},${more}`

  it('is opened with encKey, the seeds of both versions alike', () => {
    const text = [
      HEAD,
      row('TOTP1', 'totp', '{"timeStep": "60", "hashlib": "sha256", "timeShift": 30.0}', sealed(3)),
      row('HOTP1', 'HMAC', '', sealed(2), 't'),
    ].join('\n')
    const owners = ownersOf('serial;user\nTOTP1;bob\nHOTP1;Carol')
    expect(entriesOf(parseLinOtp(text, key, owners))).toMatchObject([
      { name: 'bob', line: 2, ...USUAL, period: 60, algorithm: 'sha256', driftMs: 30_000 },
      { name: 'carol', line: 3, ...USUAL, kind: 'hotp', lastStep: 6 },
    ])
  })

  it('may have tabs between its fields, as mysql writes it', () => {
    const fields = [
      'TOTP1',
      'totp',
      'bob',
      '6',
      '7',
      '{\\n"timeStep": 60\\n}',
      sealed(2),
      IV.toString('hex'),
      '1',
    ]
    const text = `${HEAD.replaceAll(',', '\t')}\n${fields.join('\t')}`
    expect(entriesOf(parseLinOtp(text, key, undefined))).toMatchObject([
      { name: 'bob', ...USUAL, period: 60 },
    ])
    const without = fields.map((field) => (field.startsWith('{') ? 'NULL' : field)).join('\t')
    const usual = parseLinOtp(`${HEAD.replaceAll(',', '\t')}\n${without}`, key, undefined)
    expect(entriesOf(usual)).toMatchObject([USUAL])
  })

  it.each([
    ['with another key', row('T', 'totp', '', sealed(3)), linOtpKeyIn(Buffer.alloc(32))],
    ['--key-file names', row('T', 'totp', '', sealed(3)), undefined],
    ['cut short', row('T', 'totp', '', sealed(3).slice(0, 40)), key],
    ['not written in hexadecimal', row('T', 'totp', '', 'x'), key],
    ['the token is disabled', row('T', 'totp', '', sealed(3), '0'), key],
    ['not JSON', row('T', 'totp', '{', sealed(3)), key],
    ['neither totp nor hotp', row('T', 'sms', '', sealed(3)), key],
    ['the seed has 40 bits', row('T', 'totp', '', sealed(3, '3132333435')), key],
    ['the line has 2 fields, and the head has 9', 'T,totp', key],
  ])('has a fault: %s', (problem, line, secret) => {
    expect(faultsOf(parseLinOtp(`${HEAD}\n${line}`, secret, undefined))).toEqual([
      { line: 2, problem: expect.stringContaining(problem) },
    ])
  })

  it('needs its columns', () => {
    expect(faultsOf(parseLinOtp('LinOtpTokenType,LinOtpKeyEnc\nx,y', key, undefined))).toEqual([
      { line: 1, problem: 'the head names no column linotptokenserialnumber' },
    ])
    expect(linOtpKeyIn(Buffer.alloc(31))).toBeUndefined()
  })

  it('or a file of serial numbers and seeds, as LinOTP imports them, has users by a list of owners', () => {
    const answer = {
      result: {
        value: {
          data: [
            { 'LinOtp.TokenSerialnumber': 'A1', 'User.username': 'bob' },
            { 'LinOtp.TokenSerialnumber': 'A2', 'User.username': '' },
          ],
        },
      },
    }
    const owners = ownersOf(JSON.stringify(answer))
    expect(entriesOf(parseOathCsv(`A1,${HEX},totp,6,60`, owners))).toMatchObject([
      { name: 'bob', ...USUAL, period: 60 },
    ])
    expect(faultsOf(parseOathCsv(`A2, ${HEX}, hotp, 6`, owners))).toEqual([
      { line: 1, problem: 'the list of owners names no user of the token A2' },
    ])
  })
})

describe('a list of owners', () => {
  it('may be LinOTP’s, with quotes and a separator at the end', () => {
    const text = `'LinOtp.TokenId'; 'LinOtp.TokenSerialnumber'; 'User.username'; \n'1'; 'A1'; 'bob'; \n'2'; 'A2'; 'o'brien'; `
    expect(ownersOf(text).of('A1')).toBe('bob')
    expect(ownersOf(text).of('A2')).toBe("o'brien")
  })

  it('may be privacyIDEA’s answer', () => {
    const tokens = [{ serial: 'A1', username: 'Bob', realms: ['corp'] }, { serial: 'A2' }]
    const owners = ownersOf(JSON.stringify({ result: { value: { tokens } } }))
    expect(owners.of('A1')).toBe('bob')
    expect(() => owners.of('A2')).toThrow('names no user')
    expect(() => owners.of(undefined)).toThrow('no serial number')
  })

  it('has faults by line', () => {
    expect(ownersIn('serial,user\nA1,bob\n,carol\nA1,dave')).toEqual({
      faults: [
        { line: 3, problem: 'there is no serial number' },
        { line: 4, problem: 'A1 is already in line 2' },
      ],
    })
  })

  it.each([
    ['names no column serial', 'user\nbob'],
    ['not JSON', '{'],
    ['not a list of tokens', '{"result": null}'],
    // Quotes within quotes: where a field ends cannot be told, and the wrong one would name the user.
    ['has 4 fields in place of 3', '"serial","info","user"\n"A1","{"a": 1, "b": 2}","bob"'],
  ])('is refused: %s', (problem, text) => {
    expect(() => ownersIn(text)).toThrow(problem)
  })
})

it('any text is entries and faults, and no other error', () => {
  const owners = ownersOf('A,b')
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (text) => {
      for (const start of ['', '- ', 'gAAAAA', '{'])
        parsePrivacyIdea(start + text, fernetKeyIn(Buffer.alloc(32).toString('base64url')))
      parseLinOtp(text, linOtpKeyIn(Buffer.alloc(32)), owners)
      parseOathCsv(text, owners)
    }),
  )
})
