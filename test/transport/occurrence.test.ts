import { randomBytes } from 'node:crypto'
import radius from 'radius'
import { describe, expect, it } from 'vitest'
import {
  buildAccessRequest,
  buildAccountingRequest,
  buildStatusServer,
} from '../../src/radius/authenticators.ts'
import { Attr, Code, Vendor } from '../../src/radius/codes.ts'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { maxOccurrence } from '../../src/radius/occurrence.ts'
import type { NewAttribute } from '../../src/radius/packet.ts'
import { encryptUserPassword } from '../../src/radius/user-password.ts'
import { accessRequest, messageOf, SECRET, serverFixture } from './server-fixture.ts'

type Count = 'never' | 'once' | 'often'

/** What each RFC's table says of a request, in its words: 0, 0-1 and 0+. */
const ACCESS_REQUEST: Readonly<Record<Count, string>> = {
  never: `
    Framed-Routing Filter-Id Login-Service Login-TCP-Port Reply-Message Callback-Id Framed-Route
    Framed-IPX-Network Class Session-Timeout Idle-Timeout Termination-Action Framed-AppleTalk-Link
    Framed-AppleTalk-Network Framed-AppleTalk-Zone ARAP-Features ARAP-Zone-Access Password-Retry Prompt
    Configuration-Token ARAP-Challenge-Response Acct-Interim-Interval Framed-Pool Framed-IPv6-Route
    Framed-IPv6-Pool`,
  once: `
    User-Name User-Password CHAP-Password NAS-IP-Address NAS-Port Service-Type Framed-Protocol
    Framed-IP-Address Framed-IP-Netmask Framed-MTU Callback-Number State Called-Station-Id
    Calling-Station-Id NAS-Identifier Login-LAT-Service Login-LAT-Node Login-LAT-Group CHAP-Challenge
    NAS-Port-Type Port-Limit Login-LAT-Port ARAP-Password ARAP-Security Connect-Info NAS-Port-Id
    NAS-IPv6-Address Framed-Interface-Id`,
  often: `
    Framed-Compression Login-IP-Host Vendor-Specific Proxy-State ARAP-Security-Data Framed-IPv6-Prefix
    Login-IPv6-Host`,
}

const ACCOUNTING_REQUEST: Readonly<Record<Count, string>> = {
  never: `
    User-Password CHAP-Password Reply-Message State CHAP-Challenge ARAP-Password ARAP-Features
    ARAP-Zone-Access ARAP-Security ARAP-Security-Data Password-Retry Prompt Configuration-Token
    ARAP-Challenge-Response Acct-Interim-Interval Framed-Pool`,
  once: `
    User-Name NAS-IP-Address NAS-Port Service-Type Framed-Protocol Framed-IP-Address Framed-IP-Netmask
    Framed-Routing Framed-MTU Login-Service Login-TCP-Port Callback-Number Callback-Id Framed-IPX-Network
    Session-Timeout Idle-Timeout Termination-Action Called-Station-Id Calling-Station-Id NAS-Identifier
    Login-LAT-Service Login-LAT-Node Login-LAT-Group Framed-AppleTalk-Link Framed-AppleTalk-Network
    Framed-AppleTalk-Zone Acct-Status-Type Acct-Delay-Time Acct-Input-Octets Acct-Output-Octets
    Acct-Session-Id Acct-Authentic Acct-Session-Time Acct-Input-Packets Acct-Output-Packets
    Acct-Terminate-Cause NAS-Port-Type Port-Limit Login-LAT-Port NAS-IPv6-Address Framed-Interface-Id
    Framed-IPv6-Pool Acct-Input-Gigawords Acct-Output-Gigawords Event-Timestamp NAS-Port-Id`,
  often: `
    Filter-Id Framed-Compression Login-IP-Host Framed-Route Class Vendor-Specific Proxy-State
    Acct-Multi-Session-Id Acct-Link-Count Connect-Info Framed-IPv6-Prefix Login-IPv6-Host Framed-IPv6-Route`,
}

const STATUS_SERVER: Readonly<Record<Count, string>> = {
  never: `
    User-Name User-Password CHAP-Password Reply-Message EAP-Message Digest-Response Digest-Realm Digest-Nonce
    Digest-Response-Auth Digest-Nextnonce Digest-Method Digest-URI Digest-Qop Digest-Algorithm
    Digest-Entity-Body-Hash Digest-CNonce Digest-Nonce-Count Digest-Username Digest-Opaque Digest-Auth-Param
    Digest-AKA-Auts Digest-Domain Digest-Stale Digest-HA1`,
  once: 'NAS-IP-Address NAS-Identifier NAS-IPv6-Address',
  often: 'Vendor-Specific Proxy-State',
}

const MOST: Readonly<Record<Count, number>> = { never: 0, once: 1, often: 2 }

function typeOf(name: string): number {
  return Number(radius.attr_name_to_id(name, -1) ?? expect.unreachable(name))
}

/** @returns each type with the number of times that it may occur. */
function rowsOf(table: Readonly<Record<Count, string>>): { name: string; type: number; most: number }[] {
  return Object.entries(table).flatMap(([count, names]) =>
    names
      .trim()
      .split(/\s+/)
      .map((name) => ({ name, type: typeOf(name), most: MOST[count as Count] })),
  )
}

function times(type: number, count: number): NewAttribute[] {
  return Array.from({ length: count }, () => ({ type, value: Buffer.from('\0\0\0\x02') }))
}

const encrypted = (authenticator: Buffer) => ({
  type: Attr.UserPassword,
  value: encryptUserPassword(Buffer.from('hunter2'), authenticator, SECRET),
})

/** A signed Access-Request of bob's, with nothing else but these. */
function requestWith(more: readonly NewAttribute[], without?: number): Buffer {
  const authenticator = randomBytes(16)
  const login = [encodeAttribute('User-Name', 'bob'), encrypted(authenticator)]
  const attributes = [...login.filter(({ type }) => type !== without), ...more]
  return buildAccessRequest({
    identifier: 7,
    authenticator,
    attributes,
    secret: SECRET,
    messageAuthenticator: true,
  })
}

describe('how often an attribute may occur', () => {
  it.each(rowsOf(ACCESS_REQUEST))('in an Access-Request: $name $most', async ({ type, most }) => {
    const { send, attempts } = await serverFixture({
      decide: async () => ({ kind: 'challenge', state: 'x', prompt: { kind: 'enter_code' } }),
    })
    const isOfLogin = type === Attr.UserName || type === Attr.UserPassword
    const isOtherLogin = type === Attr.ChapPassword
    for (let count = isOfLogin ? 1 : 0; count <= most; count += 1) {
      if (isOtherLogin && count > 0) break
      await send(requestWith(times(type, isOfLogin ? count - 1 : count)))
      expect(attempts, `${count} of them`).toHaveLength(1)
      attempts.length = 0
    }
    if (most > 1) return
    const reply = await send(requestWith(times(type, isOfLogin ? most : most + 1)))
    expect(messageOf(reply)).toBe('Login failed.')
    expect(attempts).toEqual([])
  })

  it.each(rowsOf(ACCOUNTING_REQUEST))('in an Accounting-Request: $name $most', async ({ type, most }) => {
    const { send, records, dropped } = await serverFixture()
    const present = [
      encodeAttribute('Acct-Status-Type', 'Start'),
      encodeAttribute('User-Name', 'bob'),
      encodeAttribute('Acct-Session-Id', 'a'),
    ]
    const built = (count: number) => {
      const missing = Math.max(0, count - present.filter((each) => each.type === type).length)
      const attributes = [...present, ...times(type, missing)]
      return buildAccountingRequest({ identifier: count, attributes, secret: SECRET })
    }
    expect(await send(built(most), { service: 'acct' })).toBeDefined()
    expect(records).toHaveLength(1)
    if (most > 1) return
    expect(await send(built(most + 1), { service: 'acct' }), 'silence: it was not recorded').toBeUndefined()
    expect(records).toHaveLength(1)
    expect(dropped).toEqual(['forbidden_attribute'])
  })

  it.each(rowsOf(STATUS_SERVER))('in a Status-Server: $name $most', async ({ type, most }) => {
    const { send, dropped } = await serverFixture()
    const built = (count: number) =>
      buildStatusServer({
        identifier: 1,
        authenticator: randomBytes(16),
        secret: SECRET,
        attributes: times(type, count),
      })
    expect(await send(built(most))).toBeDefined()
    if (most > 1) return
    expect(await send(built(most + 1))).toBeUndefined()
    expect(dropped).toEqual(['forbidden_attribute'])
  })
})

describe('a login by something else than PAP', () => {
  const microsoft = (type: number) => ({
    type: Attr.VendorSpecific,
    value: Buffer.concat([
      Buffer.from([0, 0, Vendor.Microsoft >> 8, Vendor.Microsoft & 0xff, type, 52]),
      Buffer.alloc(50),
    ]),
  })
  const CALLING = encodeAttribute('Calling-Station-Id', '198.51.100.7')
  const CHAP = { type: Attr.ChapPassword, value: Buffer.alloc(17) }
  const EAP = { type: Attr.EapMessage, value: Buffer.from([2, 0, 0, 8, 1, 98, 111, 98]) }

  it.each([
    ['CHAP', [CHAP], 'CHAP is not spoken here'],
    ['MS-CHAP', [microsoft(1)], 'MS-CHAP is not spoken here'],
    ['MS-CHAP-V2', [microsoft(25)], 'MS-CHAP is not spoken here'],
    ['EAP', [EAP], 'EAP is not spoken here'],
  ])('%s is refused, and the log names user and address', async (_what, more, detail) => {
    const { send, attempts, logged } = await serverFixture()
    expect(messageOf(await send(requestWith([...more, CALLING], Attr.UserPassword)))).toBe('Login failed.')
    expect(attempts).toEqual([])
    expect(logged).toEqual([
      [
        'login.refused',
        expect.objectContaining({
          user: 'bob',
          address: '198.51.100.7',
          detail: expect.stringContaining(detail),
        }),
      ],
    ])
  })

  it.each([
    ['CHAP-Password beside User-Password', 'RFC 2865 §4.1', [CHAP]],
    ['EAP-Message beside User-Password', 'RFC 3579 §3.1', [EAP]],
    ['Service-Type Authorize-Only without State', 'RFC 5176 §3.2', [encodeAttribute('Service-Type', 17)]],
  ])('%s (%s) is refused, whatever the password', async (_what, rfc, more) => {
    const { send, attempts, logged } = await serverFixture()
    expect(messageOf(await send(requestWith(more)))).toBe('Login failed.')
    expect(attempts).toEqual([])
    expect(logged).toEqual([
      ['login.refused', expect.objectContaining({ detail: expect.stringContaining(rfc) })],
    ])
  })

  it('EAP-Message without Message-Authenticator gets no answer (RFC 3579 §3.2)', async () => {
    const { send, dropped } = await serverFixture({ rule: 'off' })
    expect(await send(accessRequest({ more: [EAP] }))).toBeUndefined()
    expect(dropped).toEqual(['no_message_authenticator'])
  })
})

describe('how often an attribute may occur in a reply', () => {
  it.each([
    ['Class', Code.AccessAccept, undefined],
    ['Session-Timeout', Code.AccessAccept, 1],
    ['Reply-Message', Code.AccessAccept, undefined],
    ['NAS-Identifier', Code.AccessAccept, 0],
    ['Framed-IPv6-Pool', Code.AccessAccept, 1],
    ['Class', Code.AccessReject, 0],
    ['Prompt', Code.AccessChallenge, 1],
    ['Password-Retry', Code.AccessReject, 1],
  ])('%s, code %i: %s', (name, code, most) => {
    expect(maxOccurrence(code, typeOf(name))).toBe(most)
  })
})
