import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  buildAccessRequest,
  buildStatusServer,
  checkMessageAuthenticator,
  checkReply,
  signReply,
} from '../../src/radius/authenticators.ts'
import { Attr, Code } from '../../src/radius/codes.ts'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { decodePacket, encodePacket, first, integer, text } from '../../src/radius/packet.ts'
import { decryptUserPassword, encryptUserPassword } from '../../src/radius/user-password.ts'
import * as rfc from './rfc-packets.ts'

const secret = rfc.rfcSecret

function passwordOf(raw: Buffer): string | undefined {
  const packet = decodePacket(raw)
  const value = first(packet, Attr.UserPassword)
  return value && decryptUserPassword(value, packet.authenticator, secret)?.toString('latin1')
}

/** An authenticator that verifies, and no Message-Authenticator: RFC 2865 and 5997 print none in a reply. */
const authentic = { authenticator: true, messageAuthenticator: 'absent' }

describe('RFC 2865 §7.1, a user telnets to a host', () => {
  const request = decodePacket(rfc.telnetRequest)

  test('the Access-Request reads as the RFC says', () => {
    expect(request).toMatchObject({ code: Code.AccessRequest, identifier: 0 })
    expect(request.attributes.map(({ type }) => type)).toEqual([1, 2, 4, 5])
    expect(text(first(request, Attr.UserName) ?? Buffer.of())).toBe('nemo')
    expect(passwordOf(rfc.telnetRequest)).toBe('arctangent')
    expect(first(request, Attr.NasIpAddress)).toEqual(Buffer.of(192, 168, 1, 16))
    expect(integer(first(request, Attr.NasPort) ?? Buffer.of())).toBe(3)
  })

  test('the Access-Request is built octet by octet', () => {
    const { authenticator } = request
    const value = encryptUserPassword(Buffer.from('arctangent'), authenticator, secret)
    const built = buildAccessRequest({
      identifier: 0,
      authenticator,
      secret,
      attributes: [
        encodeAttribute('User-Name', 'nemo'),
        { type: Attr.UserPassword, value },
        encodeAttribute('NAS-IP-Address', '192.168.1.16'),
        encodeAttribute('NAS-Port', 3),
      ],
    })
    expect(built).toEqual(rfc.telnetRequest)
  })

  test('the Access-Accept is signed octet by octet', () => {
    const attributes = [
      encodeAttribute('Service-Type', 'Login-User'),
      encodeAttribute('Login-Service', 'Telnet'),
      encodeAttribute('Login-IP-Host', '192.168.1.3'),
    ]
    const reply = signReply({
      code: Code.AccessAccept,
      request,
      attributes,
      secret,
      messageAuthenticator: false,
    })
    expect(reply).toEqual(rfc.telnetAccept)
    expect(checkReply(decodePacket(reply), request.authenticator, secret)).toEqual(authentic)
  })
})

describe('RFC 2865 §7.2, a framed user with CHAP', () => {
  const request = decodePacket(rfc.chapRequest)

  test('the Access-Request carries the response to its own authenticator', () => {
    expect(text(first(request, Attr.UserName) ?? Buffer.of())).toBe('flopsy')
    const chap = first(request, Attr.ChapPassword) ?? Buffer.of()
    const challenged = Buffer.concat([chap.subarray(0, 1), Buffer.from('arctangent'), request.authenticator])
    expect(chap.subarray(1)).toEqual(hash('md5', challenged, 'buffer'))
  })

  test('the Access-Accept is signed octet by octet', () => {
    const { attributes } = decodePacket(rfc.chapAccept)
    expect(
      signReply({ code: Code.AccessAccept, request, attributes, secret, messageAuthenticator: false }),
    ).toEqual(rfc.chapAccept)
  })
})

describe('RFC 2865 §7.3, a user with a challenge-response card', () => {
  test('the passwords read as the RFC says', () => {
    expect(passwordOf(rfc.cardRequest)).toBe('challenge')
    expect(passwordOf(rfc.cardAnswer)).toBe('99101462')
  })

  test('the Access-Challenge and the Access-Reject are signed octet by octet', () => {
    const challenge = signReply({
      code: Code.AccessChallenge,
      request: decodePacket(rfc.cardRequest),
      attributes: [
        encodeAttribute('Reply-Message', 'Challenge 32769430.  Enter response at prompt.'),
        encodeAttribute('State', '32769430'),
      ],
      secret,
      messageAuthenticator: false,
    })
    expect(challenge).toEqual(rfc.cardChallenge)
    const request = decodePacket(rfc.cardAnswer)
    expect(
      signReply({ code: Code.AccessReject, request, attributes: [], secret, messageAuthenticator: false }),
    ).toEqual(rfc.cardReject)
  })
})

describe('RFC 5997 §6, Status-Server', () => {
  const exchanges = [
    ['authentication', rfc.statusRequest, rfc.statusAccept, Code.AccessAccept],
    ['accounting', rfc.accountingStatusRequest, rfc.accountingStatusResponse, Code.AccountingResponse],
  ] as const

  test.each(exchanges)('the query to the %s port verifies and is built octet by octet', (_port, raw) => {
    const request = decodePacket(raw)
    expect(request).toMatchObject({ code: Code.StatusServer })
    expect(checkMessageAuthenticator(request, secret)).toBe('valid')
    const { identifier, authenticator } = request
    expect(buildStatusServer({ identifier, authenticator, attributes: [], secret })).toEqual(raw)
  })

  test.each(exchanges)(
    'the response from the %s port is signed octet by octet',
    (_port, raw, reply, code) => {
      const request = decodePacket(raw)
      expect(signReply({ code, request, attributes: [], secret, messageAuthenticator: false })).toEqual(reply)
      expect(checkReply(decodePacket(reply), request.authenticator, secret)).toEqual(authentic)
    },
  )
})

test.each(Object.entries(rfc).filter(([, value]) => Buffer.isBuffer(value)) as [string, Buffer][])(
  '%s survives decoding and encoding',
  (_name, raw) => expect(encodePacket(decodePacket(raw))).toEqual(raw),
)
