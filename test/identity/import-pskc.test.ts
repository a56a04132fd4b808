import { createCipheriv, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { parsePskc } from '../../src/identity/import/pskc.ts'
import { anyCharacter } from '../any-character.ts'
import { describeWith } from '../real/needs.ts'
import { written } from '../real/password-tools.ts'

const SEED = '12345678901234567890'
const PLAIN = `<Secret><PlainValue>${Buffer.from(SEED).toString('base64')}</PlainValue></Secret>`
const USUAL = { kind: 'totp', digits: 6, period: 30, algorithm: 'sha1', lastStep: -1 }
const KEY = Buffer.from('12345678901234567890123456789012', 'hex')

const container = (...parts: string[]) =>
  `<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc" xmlns:xenc="http://www.w3.org/2001/04/xmlenc#">
${parts.join('\n')}
</KeyContainer>`

const key = (user: string, data: string, { profile = 'totp', parameters = '', more = '' } = {}) =>
  `<KeyPackage><Key Id="1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:${profile}"><AlgorithmParameters>${parameters}<ResponseFormat Length="6" Encoding="DECIMAL"/></AlgorithmParameters><Data>${data}</Data><UserId>${user}</UserId>${more}</Key></KeyPackage>`

describe('a key container', () => {
  it('holds keys by clock and counter, with users by name or distinguished name', () => {
    const interval = '<TimeInterval><PlainValue>60</PlainValue></TimeInterval>'
    const counter = '<Counter><PlainValue>7</PlainValue></Counter>'
    const text = container(
      key('Bob', PLAIN),
      key('UID=alice,DC=example', PLAIN + interval, { parameters: '<Suite>HMAC-SHA256</Suite>' }),
      key('carol', PLAIN + counter, { profile: 'hotp', more: '<Policy><KeyUsage>OTP</KeyUsage></Policy>' }),
    )
    const { entries, faults } = parsePskc(text, undefined)
    expect(faults).toEqual([])
    expect(entries).toMatchObject([
      { line: 3, name: 'bob', ...USUAL },
      { line: 4, name: 'alice', ...USUAL, period: 60, algorithm: 'sha256' },
      { line: 5, name: 'carol', ...USUAL, kind: 'hotp', lastStep: 6 },
    ])
    for (const { seed } of entries) expect(seed.reveal()).toBe(SEED)
  })

  it.each([
    ['neither hotp nor totp', key('bob', PLAIN, { profile: 'ocra' })],
    ['there is no name', key('', PLAIN)],
    ['there is no seed', key('bob', '')],
    ['not written in base64', key('bob', '<Secret><PlainValue>*</PlainValue></Secret>')],
    ['the counter', key('bob', PLAIN, { profile: 'hotp' })],
    ['the policy PINPolicy', key('bob', PLAIN, { more: '<Policy><PINPolicy/></Policy>' })],
    ['does not allow one-time', key('bob', PLAIN, { more: '<Policy><KeyUsage>CR</KeyUsage></Policy>' })],
    ['there is no key', '<KeyPackage/>'],
    ['TimeInterval is encrypted', key('bob', `${PLAIN}<TimeInterval><EncryptedValue/></TimeInterval>`)],
  ])('has a fault: %s', (problem, bad) => {
    const { entries, faults } = parsePskc(container(bad, key('zoe', PLAIN)), undefined)
    expect(entries.map(({ name }) => name)).toEqual(['zoe'])
    expect(faults).toEqual([{ line: 3, problem: expect.stringContaining(problem) }])
  })

  it.each([
    ['no XML', 'nonsense'],
    ['no XML', container('<KeyPackage>')],
    ['not a key container', '<KeyContainer/>'],
    ['nested over 32 deep', container('<a>'.repeat(32) + '</a>'.repeat(32))],
    [
      'a document type is not taken',
      `<!DOCTYPE k [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n${container(key('&x;', PLAIN)).slice(39)}`,
    ],
    ['no XML', container(key('&x;', PLAIN))],
  ])('is refused as a whole: %s', (problem, text) => {
    expect(parsePskc(text, undefined)).toEqual({
      entries: [],
      faults: [{ line: 1, problem: expect.stringContaining(problem) }],
    })
  })

  it('is any text: entries and faults, and no other error', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), (text) => {
        for (const document of [text, container(text)]) parsePskc(document, undefined)
      }),
    )
  })
})

describe('an encrypted key container', () => {
  const MAC_KEY = Buffer.from('1122334455667788990011223344556677889900', 'hex')
  const encrypted = (plain: Buffer, iv = Buffer.alloc(16, 7)) => {
    const cipher = createCipheriv('aes-128-cbc', KEY, iv)
    return Buffer.concat([iv, cipher.update(plain), cipher.final()])
  }
  const value = (octets: Buffer, cipher = 'aes128-cbc') =>
    `<xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#${cipher}"/><xenc:CipherData><xenc:CipherValue>${octets.toString('base64')}</xenc:CipherValue></xenc:CipherData>`
  const method = `<MACMethod Algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1"><MACKey>${value(encrypted(MAC_KEY))}</MACKey></MACMethod>`
  const secret = (octets: Buffer, mac = createHmac('sha1', MAC_KEY).update(octets).digest('base64')) =>
    `<Secret><EncryptedValue>${value(octets)}</EncryptedValue><ValueMAC>${mac}</ValueMAC></Secret>`
  const octets = encrypted(Buffer.from(SEED))
  const read = (text: string, preShared: Buffer | undefined = KEY) =>
    parsePskc(text, preShared && new Secret(preShared))

  it('is opened with its key, as the example of RFC 6030 §6.1 is', () => {
    const iv = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
    const macIv = Buffer.from('11223344556677889900112233445566', 'hex')
    const example = encrypted(Buffer.from(SEED), iv)
    expect(example.toString('base64')).toBe(
      'AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv',
    )
    const macKey = encrypted(MAC_KEY, macIv).toString('base64')
    expect(macKey).toBe('ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX')
    const { entries, faults } = read(
      container(method, key('bob', secret(example, 'Su+NvtQfmvfJzF6bmQiJqoLRExc='))),
    )
    expect(faults).toEqual([])
    expect(entries[0]?.seed.reveal()).toBe(SEED)
  })

  it.each([
    ['the seed is encrypted', container(method, key('bob', secret(octets))), null],
    ['the MAC is wrong', container(method, key('bob', secret(octets))), Buffer.alloc(16, 1)],
    ['the key has 256 bits', container(method, key('bob', secret(octets))), Buffer.alloc(32)],
    ['the MAC is wrong', container(method, key('bob', secret(octets, 'AAAA'))), KEY],
    ['no MAC', container(key('bob', secret(octets))), KEY],
    ['no MAC', container(method, key('bob', secret(octets).replace(/<ValueMAC>.*<\/ValueMAC>/, ''))), KEY],
    ['cut short', container(method, key('bob', secret(octets.subarray(0, 20)))), KEY],
    [
      'the cipher is not AES-CBC',
      container(method.replace('aes128-cbc', 'tripledes-cbc'), key('bob', secret(octets))),
      KEY,
    ],
  ])('has a fault: %s', (problem, text, preShared) => {
    const { entries, faults } = parsePskc(text, preShared === null ? undefined : new Secret(preShared))
    expect(entries).toEqual([])
    expect(faults).toEqual([{ line: expect.any(Number), problem: expect.stringContaining(problem) }])
  })

  it('is opened only while no octet of it was changed', () => {
    const changed = Buffer.from(octets)
    const mac = createHmac('sha1', MAC_KEY).update(octets).digest('base64')
    changed[0] = (changed[0] ?? 0) ^ 1
    expect(read(container(method, key('bob', secret(changed, mac)))).entries).toEqual([])
  })
})

describeWith(['pskctool'], 'the containers of these tests', () => {
  it('are read by pskctool as well', () => {
    const said = written('pskctool', ['--info'], container(key('bob', PLAIN)))
    expect(said).toContain('Key Secret')
    expect(said).toContain('MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=')
  })
})
