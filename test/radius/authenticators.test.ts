import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  buildAccessRequest,
  buildAccountingRequest,
  buildStatusServer,
  checkAccountingAuthenticator,
  checkMessageAuthenticator,
  checkReply,
  signReply,
} from '../../src/radius/authenticators.ts'
import { Attr, Code } from '../../src/radius/codes.ts'
import {
  all,
  decodePacket,
  encodePacket,
  MalformedPacket,
  type NewAttribute,
  type Packet,
  PacketTooLong,
} from '../../src/radius/packet.ts'
import { SharedSecret } from '../../src/radius/shared-secret.ts'
import { octetsOf, packetOctets } from './arbitraries.ts'
import { octets, rfcSecret } from './rfc-packets.ts'

const secretOctets = Buffer.from('the gateway and the broker know it')
const secret = new SharedSecret(secretOctets)
const otherSecret = new SharedSecret(Buffer.from('the gateway and the broker know iT'))
const authenticator = octets('00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff')
const identifier = 42
const attributes: NewAttribute[] = [
  { type: Attr.UserName, value: Buffer.from('nemo') },
  { type: Attr.ProxyState, value: Buffer.from('first proxy') },
  { type: Attr.CallingStationId, value: Buffer.from('198.51.100.7') },
  { type: Attr.ProxyState, value: Buffer.of() },
]

/** For each octet of a packet the outcome of a check once that octet is another; a packet that is dropped has none. */
function outcomesOfTampering<T>(raw: Buffer, check: (packet: Packet) => T): T[] {
  const outcomes: T[] = []
  for (const [at, octet] of raw.entries()) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const tampered = Buffer.from(raw)
      tampered[at] = octet ^ mask
      try {
        outcomes.push(check(decodePacket(tampered)))
      } catch (error) {
        if (!(error instanceof MalformedPacket)) throw error
      }
    }
  }
  expect(outcomes.length).toBeGreaterThan(raw.length)
  return outcomes
}

describe('Message-Authenticator in a request', () => {
  const accessRequest = { identifier, authenticator, attributes, secret }
  const requests: [string, Buffer][] = [
    ['an Access-Request with it first', buildAccessRequest({ ...accessRequest, messageAuthenticator: true })],
    [
      'an Access-Request with it last',
      buildAccessRequest({ ...accessRequest, messageAuthenticator: 'last' }),
    ],
    ['a Status-Server', buildStatusServer(accessRequest)],
    [
      'an Accounting-Request',
      buildAccountingRequest({ identifier, attributes, secret, messageAuthenticator: true }),
    ],
  ]

  test.each(requests)('is accepted in %s', (_name, raw) => {
    expect(checkMessageAuthenticator(decodePacket(raw), secret)).toBe('valid')
  })

  test.each(requests)('is not valid in %s once any octet is another', (_name, raw) => {
    // The authenticator of an Accounting-Request counts as zeros here; it is checked by itself.
    const outcomes = outcomesOfTampering(raw, (packet) => ({
      check: checkMessageAuthenticator(packet, secret),
      own: packet.code === Code.AccountingRequest && checkAccountingAuthenticator(packet, secret),
      code: packet.code,
    }))
    for (const { check, own, code } of outcomes) {
      if (code === Code.AccountingRequest) expect(check === 'valid' && own).toBe(false)
      else expect(check).not.toBe('valid')
    }
  })

  test.each(requests)('is invalid in %s under another secret', (_name, raw) => {
    expect(checkMessageAuthenticator(decodePacket(raw), otherSecret)).toBe('invalid')
  })

  test('is absent where there is none', () => {
    const access = decodePacket(buildAccessRequest(accessRequest))
    const accounting = decodePacket(buildAccountingRequest({ identifier, attributes, secret }))
    expect(checkMessageAuthenticator(access, secret)).toBe('absent')
    expect(checkMessageAuthenticator(accounting, secret)).toBe('absent')
  })

  test('is what OpenSSL computes over the packet with zeros in its place', () => {
    const raw = buildAccessRequest({ ...accessRequest, messageAuthenticator: true })
    const zeroed = Buffer.from(raw)
    zeroed.fill(0, 22, 38)
    expect(raw.subarray(22, 38)).toEqual(createHmac('md5', secretOctets).update(zeroed).digest())
  })

  test('stands where the caller asked for it', () => {
    const typesOf = (raw: Buffer) => decodePacket(raw).attributes.map(({ type }) => type)
    expect(requests.map(([, raw]) => typesOf(raw))).toEqual([
      [80, 1, 33, 31, 33],
      [1, 33, 31, 33, 80],
      [80, 1, 33, 31, 33],
      [80, 1, 33, 31, 33],
    ])
  })

  test.each([0, 15, 17])('is invalid with a value of %d octets', (length) => {
    const value = Buffer.alloc(length)
    const raw = encodePacket({
      code: Code.AccessRequest,
      identifier,
      authenticator,
      attributes: [{ type: 80, value }],
    })
    expect(checkMessageAuthenticator(decodePacket(raw), secret)).toBe('invalid')
  })

  test('is invalid twice, even where either alone would be valid', () => {
    const unsigned = { type: Attr.MessageAuthenticator, value: Buffer.alloc(16) }
    for (const signedAt of [22, 40]) {
      const raw = encodePacket({
        code: Code.AccessRequest,
        identifier,
        authenticator,
        attributes: [unsigned, unsigned],
      })
      raw.set(secret.messageAuthenticator(raw, authenticator, signedAt), signedAt)
      expect(checkMessageAuthenticator(decodePacket(raw), secret)).toBe('invalid')
    }
  })

  test('does not change the packet that it checks', () => {
    for (const [, raw] of requests) {
      const before = Buffer.from(raw)
      checkMessageAuthenticator(decodePacket(raw), secret)
      expect(raw).toEqual(before)
    }
  })
})

describe('a forged Message-Authenticator of sixteen 0xFF octets', () => {
  const forge = (code: number, randomOctets: Buffer, rest: NewAttribute[]) =>
    decodePacket(
      encodePacket({
        code,
        identifier: 0,
        authenticator: randomOctets,
        attributes: [{ type: Attr.MessageAuthenticator, value: Buffer.alloc(16, 0xff) }, ...rest],
      }),
    )

  test('never passes', () => {
    const code = fc.constantFrom(Code.AccessRequest, Code.AccountingRequest, Code.StatusServer)
    const name = octetsOf(0, 30).map((value) => [{ type: Attr.UserName, value }])
    fc.assert(
      fc.property(code, octetsOf(16), name, (requestCode, randomOctets, rest) => {
        expect(checkMessageAuthenticator(forge(requestCode, randomOctets, rest), secret)).toBe('invalid')
      }),
      { numRuns: 2000 },
    )
  })

  test('does not pass where a comparison of UTF-8 strings would let it', () => {
    // Found by trying authenticators: of this packet's genuine digest no octet is valid UTF-8.
    const unlucky = octets('00 00 00 00 00 00 00 00 00 00 00 00 00 07 4b 96')
    const nemo = { type: Attr.UserName, value: Buffer.from('nemo') }
    const forged = forge(Code.AccessRequest, unlucky, [nemo])
    const genuine = rfcSecret.messageAuthenticator(forged.raw, forged.authenticator, 22)
    expect(Buffer.alloc(16, 0xff).toString()).toBe(genuine.toString())
    expect(checkMessageAuthenticator(forged, rfcSecret)).toBe('invalid')

    const raw = Buffer.from(forged.raw)
    raw.set(genuine, 22)
    expect(checkMessageAuthenticator(decodePacket(raw), rfcSecret)).toBe('valid')
  })
})

describe('the authenticator of an Accounting-Request', () => {
  const raw = buildAccountingRequest({ identifier, attributes, secret })

  test('is accepted, with and without Message-Authenticator', () => {
    expect(checkAccountingAuthenticator(decodePacket(raw), secret)).toBe(true)
    const signed = buildAccountingRequest({ identifier, attributes, secret, messageAuthenticator: true })
    expect(checkAccountingAuthenticator(decodePacket(signed), secret)).toBe(true)
  })

  test('is refused once any octet is another', () => {
    const outcomes = outcomesOfTampering(raw, (packet) => checkAccountingAuthenticator(packet, secret))
    expect(new Set(outcomes)).toEqual(new Set([false]))
  })

  test('is refused under another secret', () => {
    expect(checkAccountingAuthenticator(decodePacket(raw), otherSecret)).toBe(false)
  })

  test('is refused where it is absent, zeros or random', () => {
    for (const claimed of [Buffer.alloc(16), authenticator, Buffer.alloc(16, 0xff)]) {
      const forged = encodePacket({
        code: Code.AccountingRequest,
        identifier,
        authenticator: claimed,
        attributes,
      })
      expect(checkAccountingAuthenticator(decodePacket(forged), secret)).toBe(false)
    }
  })
})

describe('a reply', () => {
  const request = decodePacket(buildAccessRequest({ identifier, authenticator, attributes, secret }))
  const granted: NewAttribute[] = [
    { type: Attr.FramedIpAddress, value: Buffer.of(10, 8, 0, 7) },
    { type: Attr.Class, value: Buffer.from('OU=staff') },
  ]
  const sign = (overrides: Partial<Parameters<typeof signReply>[0]> = {}) =>
    signReply({
      code: Code.AccessAccept,
      request,
      attributes: granted,
      secret,
      messageAuthenticator: true,
      ...overrides,
    })
  const check = (raw: Buffer, shared = secret) => checkReply(decodePacket(raw), request.authenticator, shared)
  const valid = { authenticator: true, messageAuthenticator: 'valid' }

  test('has Message-Authenticator first, then its attributes, then Proxy-State unchanged and in order', () => {
    const reply = decodePacket(sign())
    expect(reply).toMatchObject({ code: Code.AccessAccept, identifier })
    expect(reply.attributes.map(({ type }) => type)).toEqual([80, 8, 25, 33, 33])
    expect(all(reply, Attr.ProxyState)).toEqual([Buffer.from('first proxy'), Buffer.of()])
  })

  test.each(Object.entries(Code))('is accepted with the code of %s', (_name, code) => {
    expect(check(sign({ code }))).toEqual(valid)
  })

  test('is accepted without Message-Authenticator, which is then absent', () => {
    expect(check(sign({ messageAuthenticator: false }))).toEqual({
      authenticator: true,
      messageAuthenticator: 'absent',
    })
  })

  test('is not authentic once any octet is another', () => {
    const outcomes = outcomesOfTampering(sign(), (packet) =>
      checkReply(packet, request.authenticator, secret),
    )
    expect(new Set(outcomes.map((outcome) => outcome.authenticator))).toEqual(new Set([false]))
  })

  test('has a Message-Authenticator that is not valid once any octet but the reply authenticator is another', () => {
    const raw = sign()
    const outcomes = outcomesOfTampering(raw, (packet) =>
      packet.authenticator.equals(raw.subarray(4, 20))
        ? checkMessageAuthenticator(packet, secret, request.authenticator)
        : 'not covered: the authenticator is made after it',
    )
    expect(outcomes).not.toContain('valid')
  })

  test('is neither authentic nor valid under another secret or for another request', () => {
    expect(check(sign(), otherSecret)).toEqual({ authenticator: false, messageAuthenticator: 'invalid' })
    expect(checkReply(decodePacket(sign()), Buffer.alloc(16), secret)).toEqual({
      authenticator: false,
      messageAuthenticator: 'invalid',
    })
  })

  test('with a forged Message-Authenticator is invalid though its authenticator be right', () => {
    const raw = sign()
    raw.fill(0xff, 22, 38)
    raw.set(secret.authenticator(raw, request.authenticator), 4)
    expect(check(raw)).toEqual({ authenticator: true, messageAuthenticator: 'invalid' })
  })

  test('to any request of any proxies is accepted', () => {
    fc.assert(
      fc.property(packetOctets, (raw) => {
        const asked = decodePacket(raw)
        let reply: Buffer
        try {
          reply = sign({ request: asked })
        } catch (error) {
          expect(error).toBeInstanceOf(PacketTooLong)
          return
        }
        expect(checkReply(decodePacket(reply), asked.authenticator, secret)).toEqual(valid)
        expect(all(decodePacket(reply), Attr.ProxyState)).toEqual(all(asked, Attr.ProxyState))
      }),
    )
  })

  test('that would pass 4096 octets is PacketTooLong, the Proxy-State and Message-Authenticator counted', () => {
    const room = 4096 - 20 - 18 - (13 + 2)
    const filling = (length: number): NewAttribute[] => [
      ...Array<NewAttribute>(15).fill({ type: Attr.Class, value: Buffer.alloc(253) }),
      { type: Attr.Class, value: Buffer.alloc(length - 15 * 255 - 2) },
    ]
    expect(sign({ attributes: filling(room) })).toHaveLength(4096)
    expect(() => sign({ attributes: filling(room + 1) })).toThrow(PacketTooLong)
    expect(() => sign({ attributes: [{ type: 18, value: Buffer.alloc(254) }] })).toThrow(PacketTooLong)
  })

  test.each([Attr.MessageAuthenticator, Attr.ProxyState])('refuses attribute %d of the caller', (type) => {
    expect(() => sign({ attributes: [{ type, value: Buffer.alloc(16) }] })).toThrow(RangeError)
  })

  test('leaves the caller with the attributes that it gave', () => {
    const given = [...granted]
    sign({ attributes: given })
    expect(given).toEqual(granted)
  })
})
