import { describe, expect, test } from 'vitest'
import { Attr, Code } from '../../src/radius/codes.ts'
import { decodePacket } from '../../src/radius/packet.ts'
import {
  plainUserPassword,
  tokenOf,
  tokenReply,
  withoutMessageAuthenticator,
} from '../../src/radius/radius-1-1.ts'

/** Written by the picture of RFC 9765 §4.1; what is reserved is not zero here, as a server must not look at it. */
const REQUEST = decodePacket(
  Buffer.from(
    [
      '01 ee 0047', // Access-Request, Reserved-1, Length 71
      '8badf00d', // Token
      'eeeeeeeeeeeeeeeeeeeeeeee', // Reserved-2
      '01 05 626f62', // User-Name bob
      '02 09 68756e74657232', // User-Password hunter2, as it is
      '50 12 00000000000000000000000000000000', // Message-Authenticator, without meaning
      '21 05 6f6e65', // Proxy-State one
      '21 05 74776f', // Proxy-State two
      '20 09 67 61 74 65 77 61 79', // NAS-Identifier gateway
    ]
      .join('')
      .replaceAll(' ', ''),
    'hex',
  ),
)

describe('RADIUS/1.1', () => {
  test('a reply repeats the Token and the Proxy-State, and has nothing that is signed (RFC 9765 §4, §5.2)', () => {
    const attributes = [{ type: Attr.ReplyMessage, value: Buffer.from('no') }]
    expect(tokenReply({ code: Code.AccessReject, request: REQUEST, attributes }).toString('hex')).toBe(
      ['03 00 0022', '8badf00d', '000000000000000000000000', '12 04 6e6f', '21 05 6f6e65', '21 05 74776f']
        .join('')
        .replaceAll(' ', ''),
    )
  })

  test('a reply holds no Message-Authenticator or Proxy-State of the caller’s own', () => {
    for (const type of [Attr.MessageAuthenticator, Attr.ProxyState])
      expect(() =>
        tokenReply({
          code: Code.AccessReject,
          request: REQUEST,
          attributes: [{ type, value: Buffer.alloc(16) }],
        }),
      ).toThrow(RangeError)
  })

  test('a Message-Authenticator is as if it were not there, and all else stays (§5.2)', () => {
    const types = withoutMessageAuthenticator(REQUEST).attributes.map(({ type }) => type)
    expect(types).toEqual([
      Attr.UserName,
      Attr.UserPassword,
      Attr.ProxyState,
      Attr.ProxyState,
      Attr.NasIdentifier,
    ])
  })

  test('the Token is the first four octets of what was the authenticator', () => {
    expect(tokenOf(REQUEST).toString('hex')).toBe('8badf00d')
  })

  test('a password is 1 to 128 octets, as they are (§5.1.1)', () => {
    expect(plainUserPassword(Buffer.alloc(0))).toBeUndefined()
    expect(plainUserPassword(Buffer.from('x'))).toEqual(Buffer.from('x'))
    expect(plainUserPassword(Buffer.alloc(128, 0x61))).toHaveLength(128)
    expect(plainUserPassword(Buffer.alloc(129, 0x61))).toBeUndefined()
  })
})
