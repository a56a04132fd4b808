import { describe, expect, it } from 'vitest'
import { accountOf, isPassable, type UpstreamReplyRules } from '../../src/identity/radius/account.ts'
import { Code } from '../../src/radius/codes.ts'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { decodePacket, encodePacket } from '../../src/radius/packet.ts'

type Given = readonly [name: string, value: string | number | Buffer]

function account(attributes: readonly Given[], rules: UpstreamReplyRules) {
  const leftOut: string[] = []
  const authenticator = Buffer.alloc(16)
  const coded = attributes.map(([name, value]) => encodeAttribute(name, value))
  const raw = encodePacket({ code: Code.AccessAccept, identifier: 0, authenticator, attributes: coded })
  const found = accountOf(decodePacket(raw), rules, (attribute) => leftOut.push(attribute))
  return { ...found, leftOut }
}

const EVERYTHING: readonly Given[] = [
  ['Framed-IP-Address', '10.8.0.77'],
  ['Framed-IPv6-Address', '2001:db8::77'],
  ['Framed-Route', '10.0.0.0/8 10.8.0.1 1'],
  ['Framed-Route', '172.16.0.0/12'],
  ['Framed-IPv6-Route', '2001:db8:1::/48 :: 1'],
  ['MS-Primary-DNS-Server', '10.0.0.53'],
  ['DNS-Server-IPv6-Address', '2001:db8::53'],
  ['Session-Timeout', 3600],
  ['Idle-Timeout', 600],
  ['Filter-Id', 'staff'],
  ['Class', 'OU=vpn; admins'],
]
const NAMES = EVERYTHING.map(([name]) => name).filter((name) => name !== 'Class')

describe('what an upstream server says of a user', () => {
  it('is nothing unless it is allowed', () => {
    expect(account(EVERYTHING, {})).toEqual({ groups: [], attributes: {}, leftOut: [] })
    expect(account(EVERYTHING, { attributes: ['Session-Timeout'] })).toEqual({
      groups: [],
      attributes: { sessionTimeout: 3600 },
      leftOut: [],
    })
  })

  it('becomes addresses, routes, name servers and further attributes', () => {
    expect(account(EVERYTHING, { attributes: NAMES })).toEqual({
      groups: [],
      attributes: {
        ipv4: '10.8.0.77',
        ipv6: '2001:db8::77',
        routes: ['10.0.0.0/8', '172.16.0.0/12', '2001:db8:1::/48'],
        dns: ['10.0.0.53', '2001:db8::53'],
        sessionTimeout: 3600,
        attributes: { 'Idle-Timeout': '600', 'Filter-Id': 'staff' },
      },
      leftOut: [],
    })
  })

  it('names groups where that was asked for', () => {
    expect(account(EVERYTHING, { groupsFrom: ['Filter-Id', 'Class'] }).groups).toEqual([
      'staff',
      'vpn',
      'admins',
    ])
  })

  it('names no group by octets that are no text', () => {
    const attributes: Given[] = [
      ['Class', Buffer.from([0x46, 0x00, 0xff])],
      ['Class', 'OU=;'],
      ['Class', 'staff'],
    ]
    expect(account(attributes, { groupsFrom: ['Class'] }).groups).toEqual(['staff'])
  })

  it.each(['0.0.0.0', '255.255.255.254', '255.255.255.255'])(
    'leaves the address to the gateway with %s',
    (address) =>
      expect(account([['Framed-IP-Address', address]], { attributes: NAMES }).attributes).toEqual({}),
  )

  it.each(['10.0.0.0', '10.0.0.0/33', 'default', '10.0.0.0/8/8'])(
    'has no route %s, on which ocserv would refuse the session',
    (route) => {
      const attributes: Given[] = [
        ['Framed-Route', route],
        ['Framed-Route', '10.1.2.3/8'],
      ]
      expect(account(attributes, { attributes: NAMES })).toEqual({
        groups: [],
        attributes: { routes: ['10.0.0.0/8'] },
        leftOut: ['Framed-Route'],
      })
    },
  )

  it.each(['Class', 'Service-Type', 'State', 'Reply-Message', 'User-Password', 'No-Such-Attribute', '1'])(
    'cannot pass on %s, allowed or not',
    (name) => expect(isPassable(name)).toBe(false),
  )

  it('does not pass on what is withheld, whatever the rules say', () => {
    const given: Given[] = [
      ['Service-Type', 'Framed-User'],
      ['Reply-Message', 'hello'],
    ]
    const found = account(given, { attributes: ['Service-Type', 'Reply-Message'] })
    expect(found).toEqual({ groups: [], attributes: {}, leftOut: ['Service-Type', 'Reply-Message'] })
  })
})
