import { describe, expect, it } from 'vitest'
import { parseDuration, parseRate } from '../../src/domain/duration.ts'
import { canonicalUserName, holdsOverlooked, parseLoginName } from '../../src/domain/login-name.ts'
import {
  contains,
  customerNetwork,
  hasHostBits,
  longestMatch,
  parseAddress,
  parseNetwork,
  parsePlace,
} from '../../src/domain/network.ts'

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
  ])('%s is %s of realm %s', (sent, stem, realm) => {
    expect(parseLoginName(sent)).toEqual({ sent, stem, realm })
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

  it.each(['b\u00adob', 'b\u200dob', 'b  ob', 'bob ', '\u00a0bob', 'bob@corp', 'corp\\bob'])(
    '%j holds what servers elsewhere overlook',
    (name) => expect(holdsOverlooked(name)).toBe(true),
  )

  it.each(['bob', 'b.o-b_1$', 'bob smith', '王伟', 'bób'])('%j holds nothing of the kind', (name) =>
    expect(holdsOverlooked(name)).toBe(false),
  )

  it('that an operator types holds no realm', () => {
    expect(canonicalUserName('Bob')).toBe('bob')
    expect(canonicalUserName('bob@corp')).toBeUndefined()
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
  ])('or an address in it is what people look for: %s is %s', (typed, place) =>
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

  it('shows the host bits that a slip of the pen left in', () => {
    expect(hasHostBits('10.1.0.0/8')).toBe(true)
    expect(hasHostBits('10.0.0.0/8')).toBe(false)
    expect(network('10.1.0.0/8').text).toBe('10.0.0.0/8')
    expect(network('2001:db8::1/32').text).toBe('2001:db8::/32')
  })

  it('with the longest prefix wins, in whatever order they stand', () => {
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
