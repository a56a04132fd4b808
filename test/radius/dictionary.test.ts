import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AttributeError } from '../../src/radius/attribute-value.ts'
import { Attr, Code } from '../../src/radius/codes.ts'
import { describeAttributes, encodeAttribute, knownAttribute } from '../../src/radius/dictionary.ts'
import { decodePacket, encodePacket, type NewAttribute } from '../../src/radius/packet.ts'
import { anyCharacter } from '../any-character.ts'
import { octetsOf, packetOctets } from './arbitraries.ts'
import { octets } from './rfc-packets.ts'

function described(...attributes: NewAttribute[]): { name: string; value: string }[] {
  const header = { code: Code.AccessAccept, identifier: 0, authenticator: Buffer.alloc(16) }
  return describeAttributes(decodePacket(encodePacket({ ...header, attributes })))
}

function errorOf(name: string, value: string | number | Buffer): AttributeError {
  try {
    encodeAttribute(name, value)
  } catch (error) {
    if (error instanceof AttributeError) return error
    throw error
  }
  throw new Error(`${name} took ${value}`)
}

describe('encoding', () => {
  test.each<[string, string | number | Buffer, number, string]>([
    ['User-Name', 'nemo', 1, '6e656d6f'],
    ['Reply-Message', '验证码', 18, 'e9aa8ce8af81e7a081'],
    ['Class', 'OU=staff;ops', 25, '4f553d73746166663b6f7073'],
    ['Class', Buffer.of(0, 255), 25, '00ff'],
    ['Session-Timeout', 43200, 27, '0000a8c0'],
    ['Session-Timeout', '43200', 27, '0000a8c0'],
    ['Session-Timeout', 0, 27, '00000000'],
    ['Session-Timeout', 4294967295, 27, 'ffffffff'],
    ['Service-Type', 'Authenticate-Only', 6, '00000008'],
    ['Service-Type', 8, 6, '00000008'],
    ['Acct-Status-Type', 'Interim-Update', 40, '00000003'],
    ['Event-Timestamp', 1_700_000_000, 55, '6553f100'],
    ['Framed-IP-Address', '10.8.0.255', 8, '0a0800ff'],
    ['Framed-IP-Address', Buffer.of(10, 8, 0, 255), 8, '0a0800ff'],
    ['Framed-Route', '10.0.0.0/8', 22, '31302e302e302e302f38'],
    ['Acct-Interim-Interval', 300, 85, '0000012c'],
    ['NAS-IPv6-Address', '::1', 95, '00000000000000000000000000000001'],
    ['Framed-IPv6-Prefix', '2001:db8:1::/48', 97, '003020010db80001'],
    ['Framed-IPv6-Route', '2001:db8::/32', 99, '323030313a6462383a3a2f3332'],
    ['Delegated-IPv6-Prefix', '2001:db8::5/128', 123, '008020010db8000000000000000000000005'],
    ['Framed-IPv6-Prefix', '2001:db8:ffff::1/33', 97, '002120010db880'],
    ['Cisco-AVPair', 'ip:dns=10.0.0.53', 26, '00000009011269703a646e733d31302e302e302e3533'],
    ['Delegated-IPv6-Prefix', '::/0', 123, '0000'],
    ['Framed-IPv6-Address', '2001:DB8::A', 168, '20010db800000000000000000000000a'],
    ['Framed-IPv6-Address', '::ffff:192.0.2.1', 168, '00000000000000000000ffffc0000201'],
    ['DNS-Server-IPv6-Address', '2001:db8::53', 169, '20010db8000000000000000000000053'],
    ['Delegated-IPv6-Prefix-Pool', 'staff', 171, '7374616666'],
    ['MS-Primary-DNS-Server', '10.0.0.53', 26, '000001371c060a000035'],
    ['MS-Secondary-DNS-Server', '10.0.0.54', 26, '000001371d060a000036'],
    ['RP-Upstream-Speed-Limit', 1024, 26, '00002747010600000400'],
    ['RP-Downstream-Speed-Limit', '2048', 26, '00002747020600000800'],
  ])('puts %s on the wire as it should (case %#)', (name, value, type, hex) => {
    expect(encodeAttribute(name, value)).toEqual({ type, value: Buffer.from(hex, 'hex') })
  })

  test.each<[string, string | number | Buffer]>([
    ['Framed-IP-Address', '10.0.0.256'],
    ['Framed-IP-Address', '10.0.0'],
    ['Framed-IP-Address', '010.0.0.1'],
    ['Framed-IP-Address', '0x0a.0.0.1'],
    ['Framed-IP-Address', '10.0.0.1 '],
    ['Framed-IP-Address', '10.0.0.0/8'],
    ['Framed-IP-Address', ''],
    ['Framed-IP-Address', 167772161],
    ['Framed-IP-Address', Buffer.of(10, 0, 0)],
    ['MS-Primary-DNS-Server', '::1'],
    ['Framed-IPv6-Address', '2001:db8::1::2'],
    ['Framed-IPv6-Address', 'fe80::1%eth0'],
    ['Framed-IPv6-Address', '10.0.0.1'],
    ['Framed-IPv6-Address', '2001:db8::/64'],
    ['Framed-IPv6-Address', Buffer.alloc(4)],
    ['Framed-IPv6-Prefix', '2001:db8::'],
    ['Framed-IPv6-Prefix', '2001:db8::/129'],
    ['Framed-IPv6-Prefix', '2001:db8::/032'],
    ['Framed-IPv6-Prefix', Buffer.of(0)],
    ['Framed-IPv6-Prefix', Buffer.of(0, 129)],
    ['Session-Timeout', -1],
    ['Session-Timeout', 1.5],
    ['Session-Timeout', 4294967296],
    ['Session-Timeout', '4294967296'],
    ['Session-Timeout', Number.NaN],
    ['Session-Timeout', ''],
    ['Session-Timeout', '12h'],
    ['Session-Timeout', '0x10'],
    ['Session-Timeout', Buffer.alloc(5)],
    ['Service-Type', 'Authenticate'],
    ['Service-Type', 'constructor'],
    ['Event-Timestamp', 'yesterday'],
    ['Reply-Message', ''],
    ['Reply-Message', 5],
    ['Reply-Message', 'a'.repeat(254)],
    ['Reply-Message', '码'.repeat(85)],
    ['Reply-Message', 'cut\0here'],
    ['Reply-Message', 'half \ud800'],
    ['Reply-Message', Buffer.of()],
    ['Class', ''],
    ['Class', 1],
    ['Class', Buffer.alloc(254)],
    ['Vendor-Specific', 'Microsoft'],
    ['Tunnel-Type', 'PPTP'],
    ['Tunnel-Password', 'clear'],
    ['Framed-Interface-Id', '0:0:0:1'],
    ['Message-Authenticator', Buffer.alloc(16)],
    ['Proxy-State', Buffer.of(1)],
    ['No-Such-Attribute', 'x'],
  ])('refuses what %s cannot carry, and names both (case %#)', (name, value) => {
    const error = errorOf(name, value)
    expect(error.attribute).toBe(name)
    expect(error.message).toContain(name)
    if (name !== 'Tunnel-Password') {
      const written = typeof value === 'string' ? JSON.stringify(value).slice(0, 40) : `${value}`
      const shown = Buffer.isBuffer(value) ? `${value.length} octets` : written
      expect(error.message).toContain(shown)
    }
  })

  test('takes 253 octets of text', () => {
    expect(encodeAttribute('Reply-Message', 'a'.repeat(253)).value).toHaveLength(253)
    expect(encodeAttribute('Reply-Message', '码'.repeat(84)).value).toHaveLength(252)
  })

  test('never shows a password, however its name is spelt', () => {
    for (const name of ['User-Password', 'user-password', 'Tunnel-Password']) {
      const error = errorOf(name, 'hunter2')
      expect(`${error.stack} ${error.value} ${JSON.stringify(error)}`).not.toContain('hunter2')
    }
  })

  test('leaves the caller with a value of its own', () => {
    const given = Buffer.from('octets')
    const { value } = encodeAttribute('Class', given)
    given.fill(0)
    encodeAttribute('Class', 'another')
    expect(value).toEqual(Buffer.from('octets'))
  })

  test('codes every text that fits so that it reads the same', () => {
    const content = fc.string({ unit: anyCharacter, minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(content, (words) => {
        fc.pre(Buffer.byteLength(words) <= 253 && !words.includes('\0') && words.isWellFormed())
        expect(encodeAttribute('Reply-Message', words).value.toString()).toBe(words)
      }),
    )
  })

  test('throws nothing but AttributeError, whatever the name and the value', () => {
    const name = fc.oneof(
      fc.string(),
      fc.constantFrom('User-Password', 'Tunnel-Type', 'PKM-SAID', '1', '__proto__', 'constructor', 'Class'),
    )
    const value = fc.oneof(fc.string(), fc.double(), fc.integer(), octetsOf(0, 300))
    fc.assert(
      fc.property(name, value, (attribute, given) => {
        try {
          expect(encodeAttribute(attribute, given).value.length).toBeLessThanOrEqual(253)
        } catch (error) {
          expect(error).toBeInstanceOf(AttributeError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('knowing an attribute', () => {
  test.each(['User-Name', 'MS-Primary-DNS-Server', 'RP-Upstream-Speed-Limit', 'Framed-IPv6-Address'])(
    'knows %s',
    (name) => expect(knownAttribute(name)).toBe(true),
  )

  test.each(['user-name', 'User Name', '', '1', '28', 'constructor', '__proto__', 'toString', 'Framed-Rout'])(
    'does not know %j',
    (name) => expect(knownAttribute(name)).toBe(false),
  )
})

describe('describing', () => {
  test('shows names and values as people read them', () => {
    const lines: [string, string][] = [
      ['User-Name', 'némo'],
      ['Service-Type', 'Authenticate-Only'],
      ['NAS-Port-Type', 'Async'],
      ['Framed-IP-Address', '10.8.0.7'],
      ['Session-Timeout', '43200'],
      ['Class', 'OU=staff'],
      ['Framed-IPv6-Address', '2001:db8::1'],
      ['Delegated-IPv6-Prefix', '2001:db8:1::/48'],
      ['MS-Primary-DNS-Server', '10.0.0.53'],
      ['RP-Downstream-Speed-Limit', '2048'],
    ]
    const attributes = lines.map(([name, value]) => encodeAttribute(name, value))
    expect(described(...attributes)).toEqual(lines.map(([name, value]) => ({ name, value })))
    expect(described(encodeAttribute('Event-Timestamp', 1_700_000_000))).toEqual([
      { name: 'Event-Timestamp', value: '2023-11-14T22:13:20.000Z' },
    ])
  })

  test.each<[string, NewAttribute, { name: string; value: string }]>([
    ['an unknown one', { type: 240, value: octets('0a 0b') }, { name: 'Attr-240', value: '0x0a0b' }],
    ['octets that are no text', { type: 24, value: octets('00 ff') }, { name: 'State', value: '0x00ff' }],
    ['Latin-1', { type: 1, value: octets('6e e9') }, { name: 'User-Name', value: '0x6ee9' }],
    [
      'an escape sequence',
      { type: 1, value: Buffer.from('a\u001b[2J\n\u202eb') },
      { name: 'User-Name', value: 'a\\u{1b}[2J\\u{a}\\u{202e}b' },
    ],
    ['a short integer', { type: 27, value: octets('01 02') }, { name: 'Session-Timeout', value: '0x0102' }],
    ['a short address', { type: 8, value: octets('0a') }, { name: 'Framed-IP-Address', value: '0x0a' }],
    ['a long prefix', { type: 97, value: octets('00 81') }, { name: 'Framed-IPv6-Prefix', value: '0x0081' }],
    [
      'a cut prefix',
      { type: 97, value: octets('00 10 20 01') },
      { name: 'Framed-IPv6-Prefix', value: '2001::/16' },
    ],
    [
      'a tagged one',
      { type: 64, value: octets('00 00 00 01') },
      { name: 'Tunnel-Type', value: '0x00000001' },
    ],
    ['an empty one', { type: 1, value: Buffer.of() }, { name: 'User-Name', value: '' }],
    [
      'a vendor cut short',
      { type: 26, value: octets('00 01') },
      { name: 'Vendor-Specific', value: '0x0001' },
    ],
    [
      'an unknown vendor',
      { type: 26, value: octets('00 00 00 0a 01 03 61') },
      { name: 'Vendor-10', value: '0x010361' },
    ],
    [
      "a known vendor's unknown one",
      { type: 26, value: octets('00 00 27 47 09 03 61') },
      { name: 'Vendor-10055-Attr-9', value: '0x61' },
    ],
    [
      "a known vendor's that overruns",
      { type: 26, value: octets('00 00 27 47 01 07 00 00 04 00') },
      { name: 'Vendor-10055', value: '0x010700000400' },
    ],
  ])('shows %s without guessing', (_what, attribute, expected) => {
    expect(described(attribute)).toEqual([expected])
  })

  test('shows every attribute inside one Vendor-Specific', () => {
    const value = octets('00 00 01 37 1c 06 0a 00 00 35 1d 06 0a 00 00 36')
    expect(described({ type: Attr.VendorSpecific, value })).toEqual([
      { name: 'MS-Primary-DNS-Server', value: '10.0.0.53' },
      { name: 'MS-Secondary-DNS-Server', value: '10.0.0.54' },
    ])
  })

  test('never shows a password, its hash or a key', () => {
    const canary = Buffer.from('canary')
    const inMicrosoft = (rest: Buffer) => Buffer.concat([octets('00 00 01 37'), rest])
    const lines = described(
      { type: Attr.UserPassword, value: canary },
      { type: Attr.ChapPassword, value: canary },
      { type: 69, value: canary },
      { type: Attr.VendorSpecific, value: inMicrosoft(Buffer.concat([octets('01 08'), canary])) },
      { type: Attr.VendorSpecific, value: inMicrosoft(Buffer.concat([octets('01 ff'), canary])) },
    )
    expect(lines.map(({ value }) => value)).toEqual(Array(5).fill('***'))
  })

  test('never throws, and gives at least one line for each attribute, whatever the packet', () => {
    const vendorSpecific = fc
      .tuple(fc.constantFrom('00000137', '00002747', '00000de9'), octetsOf(0, 40))
      .map(([vendor, rest]) => ({
        type: Attr.VendorSpecific,
        value: Buffer.concat([octets(vendor), rest]),
      }))
    fc.assert(
      fc.property(packetOctets, (raw) => {
        const packet = decodePacket(raw)
        expect(describeAttributes(packet).length).toBeGreaterThanOrEqual(packet.attributes.length)
      }),
    )
    fc.assert(
      fc.property(vendorSpecific, (attribute) => {
        const lines = described(attribute)
        expect(lines).not.toEqual([])
        for (const { name, value } of lines) {
          expect(name).not.toBe('')
          expect(value).not.toMatch(/\p{C}/u)
        }
      }),
    )
  })
})
