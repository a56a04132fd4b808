import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDuration, parseRate } from '../../src/domain/duration.ts'
import {
  canonicalUserName,
  foldName,
  hasIgnorableCharacters,
  parseLoginName,
  usernameOf,
} from '../../src/domain/login-name.ts'
import {
  clientAddressFault,
  contains,
  customerNetwork,
  hasHostBits,
  longestMatch,
  parseAddress,
  parseNetwork,
  parsePlace,
  stationAddress,
} from '../../src/domain/network.ts'
import { anyCharacter } from '../any-character.ts'

describe('a login name', () => {
  it.each([
    ['bob', 'bob', undefined],
    ['Bob', 'bob', undefined],
    ['bob@Corp.Example', 'bob', 'corp.example'],
    ['CORP\\Bob', 'bob', 'corp'],
    ['bob @corp', 'bob', 'corp'],
    ['CORP\\ Bob', 'bob', 'corp'],
    [' bob\u3000', 'bob', undefined],
    ['ｂｏｂ', 'bob', undefined],
    ['王伟', '王伟', undefined],
  ])('%s is %s of realm %s', (raw, username, realm) => {
    expect(parseLoginName(raw)).toMatchObject({ raw, username })
    expect(parseLoginName(raw)?.realm).toBe(realm)
  })

  it.each([
    [' JSmith ', 'JSmith', 'JSmith'],
    ['Bob.Smith @ Corp.Example', 'Bob.Smith@Corp.Example', 'Bob.Smith'],
    ['CORP\\ Bob', 'CORP\\Bob', 'Bob'],
    ['Bob＠corp', 'Bob@corp', 'Bob'],
    ['bob@', 'bob', 'bob'],
  ])('%j is asked for as %j, and without its realm as %j', (raw, whole, user) => {
    expect(parseLoginName(raw)).toMatchObject({ whole, user })
  })

  it.each([
    ['ΓΙΩΡΓΟΣ', 'γιώργος'.normalize('NFD').replace(/\u0301/g, '')],
    ['İpek', 'i\u0307pek'],
    ['STRASSE', 'straße'],
    ['ＢＯＢ', 'bob'],
    ['ZOË', 'zoe\u0308'],
  ])('%s and %s are one name', (one, other) => expect(foldName(one)).toBe(foldName(other)))

  it.each([
    ['ılgaz', 'ilgaz'],
    ['i\u0307pek', 'ipek'],
    ['böb', 'bob'],
  ])('%s and %s are two', (one, other) => expect(foldName(one)).not.toBe(foldName(other)))

  it('folds to what folds to itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), (text) => {
        expect(foldName(foldName(text))).toBe(foldName(text))
      }),
    )
  })

  const none = [
    '',
    ' ',
    'bo\0b',
    'bo\nb',
    'a'.repeat(254),
    'x\u2028y',
    'corp\\',
    ' @corp',
    'b@b@corp',
    'A\\b@corp',
    'A\\b\\c',
  ]
  it.each(none)('%j is none', (sent) => {
    expect(parseLoginName(sent)).toBeUndefined()
  })

  it.each(['b\u00adob', 'b\u200dob', 'b  ob', 'bob ', '\u00a0bob'])(
    '%j has characters that other servers ignore',
    (name) => expect(hasIgnorableCharacters(name)).toBe(true),
  )

  it.each(['bob', 'b.o-b_1$', 'bob smith', '王伟', 'bób'])('%j has none of them', (name) =>
    expect(hasIgnorableCharacters(name)).toBe(false),
  )

  it('of a local user may be a mail address', () => {
    expect(canonicalUserName('Bob')).toBe('bob')
    expect(canonicalUserName('Bob@Corp.Example')).toBe('bob@corp.example')
    expect(canonicalUserName('CORP\\bob')).toBeUndefined()
  })

  it('and every subject made of it have one key of limits', () => {
    for (const name of ['Bob', 'bob@corp', 'CORP\\bob', 'bob@mail.example@corp'])
      expect(usernameOf(name)).toBe('bob')
  })
})

describe('the network of a customer', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:DB8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::3:4:5:6', '2001:db8::/64'],
    ['2001:db8:1:2::/64', '2001:db8:1:2::/64'],
    ['no address', 'no address'],
  ])('of %s is %s', (address, network) => expect(customerNetwork(address)).toBe(network))

  it.each([
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:DB8:1:2::/64', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::/63', undefined],
    ['10.0.0.0/8', undefined],
    ['bob', undefined],
  ])('or an address in it can be searched for: %s is %s', (typed, place) =>
    expect(parsePlace(typed)).toBe(place),
  )
})

describe('a duration and a rate', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
    ['5', undefined],
    ['5 m', undefined],
    ['-5m', undefined],
  ])('%s is %s milliseconds', (text, ms) => expect(parseDuration(text)).toBe(ms))

  it.each([
    ['10/1m', { points: 10, windowMs: 60_000 }],
    ['2000/s', { points: 2000, windowMs: 1000 }],
    ['0/1m', undefined],
    ['10', undefined],
    ['10/0s', undefined],
  ])('%s', (text, rate) => expect(parseRate(text)).toEqual(rate))
})

describe('a network', () => {
  const network = (text: string) => parseNetwork(text) ?? expect.unreachable(text)
  const address = (text: string) => parseAddress(text) ?? expect.unreachable(text)

  it.each([
    '10.0.0.0/33',
    '10.0.0/8',
    'x',
    '10.0.0.0/8/8',
    '::/129',
    '0x7f.1',
    '127.1',
    'fe80::1%eth0/64',
    '',
  ])('%j is none', (text) => expect(parseNetwork(text)).toBeUndefined())

  it('holds the addresses of its own family and prefix', () => {
    expect(contains(network('10.0.0.0/8'), address('10.255.0.1'))).toBe(true)
    expect(contains(network('10.0.0.0/8'), address('11.0.0.0'))).toBe(false)
    expect(contains(network('0.0.0.0/0'), address('::1'))).toBe(false)
    expect(contains(network('10.0.0.0/8'), address('::ffff:10.1.2.3'))).toBe(true)
  })

  it('has host bits after a typing mistake', () => {
    expect(hasHostBits('10.1.0.0/8')).toBe(true)
    expect(hasHostBits('10.0.0.0/8')).toBe(false)
    expect(network('10.1.0.0/8').text).toBe('10.0.0.0/8')
    expect(network('2001:db8::1/32').text).toBe('2001:db8::/32')
  })

  it('with the longest prefix wins, in any order', () => {
    const entries = ['10.0.0.0/8', '10.1.0.0/16', '0.0.0.0/0', '::/0'].map((text) => ({
      network: network(text),
    }))
    const winner = (list: typeof entries, at: string) => longestMatch(list, address(at))?.network.text
    for (const list of [entries, entries.toReversed()]) {
      expect(winner(list, '10.1.2.3')).toBe('10.1.0.0/16')
      expect(winner(list, '10.2.2.3')).toBe('10.0.0.0/8')
      expect(winner(list, '192.0.2.1')).toBe('0.0.0.0/0')
      expect(winner(list, '2001:db8::1')).toBe('::/0')
    }
  })
})

describe('the address of a user as gateways write it', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7:51820', '192.0.2.7'],
    ['[192.0.2.7]', '192.0.2.7'],
    ['2001:DB8:0:0::7', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['[2001:db8::7]:443', '2001:db8::7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['[::ffff:192.0.2.7]:443', '192.0.2.7'],
    ['00-11-22-AA-BB-CC', '00:11:22:aa:bb:cc'],
    ['00:11:22:aa:bb:cc', '00:11:22:aa:bb:cc'],
    ['0011.22AA.BBCC', '00:11:22:aa:bb:cc'],
    ['001122aabbcc', '00:11:22:aa:bb:cc'],
    ['00-11-22-AA-BB-CC:the café', '00:11:22:aa:bb:cc'],
    ['+49 30 123456', '+49 30 123456'],
    ['192.0.2.7:port', '192.0.2.7:port'],
    ['300.0.2.7:443', '300.0.2.7:443'],
    ['00-11:22-AA-BB-CC', '00-11:22-AA-BB-CC'],
  ])('%s is %s', (written, read) => {
    expect(stationAddress(written)).toBe(read)
  })
})

describe('an address for a VPN client', () => {
  const pools = [parseNetwork('10.8.0.0/22') ?? expect.unreachable()]
  it.each([
    ['ipv4', '10.8.1.0'],
    ['ipv4', '10.9.0.0'],
    ['ipv4', '203.0.113.7'],
    ['ipv6', '2001:db8::7'],
    ['ipv6', 'fd00:8::7'],
  ] as const)('%s can be %s', (kind, address) => {
    expect(clientAddressFault(address, kind, pools)).toBeUndefined()
  })

  it.each([
    ['ipv4', '0.0.0.0', 'no client'],
    ['ipv4', '0.1.2.3', 'no client'],
    ['ipv4', '127.0.0.1', 'no client'],
    ['ipv4', '169.254.1.1', 'no client'],
    ['ipv4', '224.0.0.1', 'no client'],
    ['ipv4', '240.0.0.1', 'no client'],
    ['ipv4', '255.255.255.255', 'no client'],
    ['ipv4', '255.255.255.254', 'no client'],
    ['ipv4', '10.8.0.0', 'of 10.8.0.0/22'],
    ['ipv4', '10.8.3.255', 'of 10.8.0.0/22'],
    ['ipv4', '2001:db8::7', 'no IPv4 address'],
    ['ipv6', '::', 'no client'],
    ['ipv6', '::1', 'no client'],
    ['ipv6', 'fe80::1', 'no client'],
    ['ipv6', 'ff02::1', 'no client'],
  ] as const)('%s cannot be %s', (kind, address, why) => {
    expect(clientAddressFault(address, kind, pools)).toContain(why)
  })
})
