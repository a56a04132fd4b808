import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MalformedStream, MessageStream } from '../../src/identity/ldap/wire/message-stream.ts'
import {
  MalformedResponse,
  type Response,
  readResponse,
} from '../../src/identity/ldap/wire/response-reader.ts'
import { element, integer } from '../real/ber.ts'
import { bindResult, entry, extendedResult, message, reference, searchDone } from '../real/hostile-ldap.ts'

const ENTRY = entry(7, 'uid=bob,dc=x', { cn: ['Bob', 'Robert'], mail: ['bob@x'], empty: [] })
const LONG_ENTRY = entry(0x7fff_ffff, 'uid=bob,ou=people,dc=x', {
  memberOf: Array.from({ length: 40 }, (_, index) => `cn=group ${index},ou=groups,dc=x`),
})
const CONTROLLED = message(
  8,
  element(
    0x61,
    integer(0, 0x0a),
    element(0x04, ''),
    element(0x04, ''),
    element(0xa3, element(0x04, 'ldap://a/')),
  ),
  element(0x30, element(0x04, '2.16.840.1.113730.3.4.4'), element(0x04, '0')),
)
const RESPONSES = [
  ENTRY,
  LONG_ENTRY,
  bindResult(7, 49, 'no'),
  searchDone(7),
  extendedResult(0, 52, 'going down'),
  reference(7, 'ldap://a/', 'ldap://b/'),
  CONTROLLED,
]
/** Mutated frames that are read; `LDAP_FRAMES=10000000` for a long run by hand. */
const FRAMES = Number(process.env.LDAP_FRAMES ?? 20_000)

describe('a response', () => {
  test('is what RFC 4511 §4 says', () => {
    expect(readResponse(ENTRY)).toEqual({
      kind: 'entry',
      id: 7,
      entry: {
        dn: 'uid=bob,dc=x',
        attributes: new Map([
          ['cn', ['Bob', 'Robert']],
          ['mail', ['bob@x']],
          ['empty', []],
        ]),
        cut: new Map(),
      },
    })
    expect(readResponse(bindResult(8, 49, 'no'))).toEqual({
      kind: 'result',
      of: 'bind',
      id: 8,
      result: { code: 49, diagnostic: 'no', controls: new Map() },
    })
    expect(readResponse(searchDone(0x7fff_ffff))).toMatchObject({ of: 'search', id: 0x7fff_ffff })
    expect(readResponse(extendedResult(0))).toMatchObject({ of: 'extended', id: 0 })
    expect(readResponse(reference(9, 'ldap://a/'))).toEqual({ kind: 'reference', id: 9 })
  })

  test('names attributes in lower case, those of Active Directory without their range', () => {
    const { entry: read } = readResponse(
      entry(1, 'cn=a', { sAMAccountName: ['bob'], 'memberOf;range=0-1499': ['cn=x'] }),
    ) as Extract<Response, { kind: 'entry' }>
    expect([...read.attributes.keys()]).toEqual(['samaccountname', 'memberof'])
  })

  test('says which attribute goes on where, and puts a range to the attribute that is named beside it', () => {
    const parts = (range: string) => {
      const { entry: read } = readResponse(
        entry(1, 'cn=a', { memberOf: [], [`memberOf;range=${range}`]: ['cn=x', 'cn=y'] }),
      ) as Extract<Response, { kind: 'entry' }>
      return [read.attributes.get('memberof'), read.cut]
    }
    expect(parts('0-1499')).toEqual([['cn=x', 'cn=y'], new Map([['memberof', 1500]])])
    expect(parts('1500-*')).toEqual([['cn=x', 'cn=y'], new Map()])
  })

  test('tells a security identifier as text', () => {
    const sid = (octets: Buffer) => {
      const { entry: read } = readResponse(entry(1, 'cn=a', { objectSid: [octets] })) as Extract<
        Response,
        { kind: 'entry' }
      >
      return read.attributes.get('objectsid')
    }
    // S-1-5-21-1-2-513 (MS-DTYP §2.4.2.2)
    expect(sid(Buffer.from('0104000000000005150000000100000002000000' + '01020000', 'hex'))).toEqual([
      'S-1-5-21-1-2-513',
    ])
    expect(sid(Buffer.from('S-1-5-21-1-2-513'))).toEqual(['S-1-5-21-1-2-513'])
  })

  test('may carry referrals, which are not read, and controls, which are', () => {
    expect(readResponse(CONTROLLED)).toEqual({
      kind: 'result',
      of: 'bind',
      id: 8,
      result: {
        code: 0,
        diagnostic: '',
        controls: new Map([['2.16.840.1.113730.3.4.4', Buffer.from('0')]]),
      },
    })
  })

  test('is none where anything is cut off, too long or of another kind', () => {
    for (const response of RESPONSES) {
      for (let length = 0; length < response.length; length++)
        expect(() => readResponse(response.subarray(0, length))).toThrow(MalformedResponse)
      expect(() => readResponse(Buffer.concat([response, Buffer.from([0])]))).toThrow(MalformedResponse)
    }
    const request = message(1, element(0x63, element(0x04, 'dc=x')))
    expect(() => readResponse(request)).toThrow(MalformedResponse)
  })

  test('is none where a length overruns what is around it, runs backwards or has no end', () => {
    const value = (length: readonly number[]) =>
      message(
        1,
        element(
          0x64,
          element(0x04, 'dc=x'),
          element(
            0x30,
            element(0x30, element(0x04, 'cn'), element(0x31, Buffer.from([0x04, ...length, 0x61]))),
          ),
        ),
      )
    expect(readResponse(value([0x01]))).toMatchObject({ kind: 'entry' })
    for (const length of [
      [0x02],
      [0x7f],
      [0x84, 0xff, 0xff, 0xff, 0xff],
      [0x80],
      [0x85, 0, 0, 0, 0, 1],
      [0xff],
    ])
      expect(() => readResponse(value(length)), String(length)).toThrow(MalformedResponse)
  })

  test('of more values than any honest entry has is refused', () => {
    const values = (count: number) => entry(1, 'cn=a', { member: Array.from({ length: count }, () => '') })
    expect(readResponse(values(65_535))).toMatchObject({ kind: 'entry' })
    expect(() => readResponse(values(65_536))).toThrow('over 65536 values')
  })

  test('is read or refused whatever octets come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => void readOrRefuse(Buffer.from(octets))),
    )
  })

  test(
    `is read or refused when mutated, without a look at what stands beside it (${FRAMES} frames)`,
    () => {
      const edit = fc.tuple(
        fc.constantFrom('set', 'insert', 'delete', 'cut', 'repeat'),
        fc.nat(),
        fc.nat(255),
      )
      let read = 0
      fc.assert(
        fc.property(
          fc.constantFrom(...RESPONSES),
          fc.array(edit, { minLength: 1, maxLength: 5 }),
          (response, edits) => {
            const frame = edits.reduce(edited, response)
            const seen = readOrRefuse(framed(frame, 0x00))
            expect(readOrRefuse(framed(frame, 0x04))).toEqual(seen)
            if (seen === undefined) return
            read += 1
            expect(textIn(seen)).toBeLessThanOrEqual(frame.length)
          },
        ),
        { numRuns: FRAMES },
      )
      expect(read).toBeGreaterThan(FRAMES / 50)
    },
    Math.max(30_000, FRAMES),
  )
})

type Edit = readonly [how: string, at: number, value: number]

function edited(frame: Buffer, [how, anywhere, value]: Edit): Buffer {
  const at = frame.length === 0 ? 0 : anywhere % frame.length
  switch (how) {
    case 'insert':
      return Buffer.concat([frame.subarray(0, at), Buffer.from([value]), frame.subarray(at)])
    case 'delete':
      return Buffer.concat([frame.subarray(0, at), frame.subarray(at + 1)])
    case 'cut':
      return frame.subarray(0, at)
    case 'repeat':
      return Buffer.concat([frame.subarray(0, at + (value % 16)), frame.subarray(at)])
    default: {
      const copy = Buffer.from(frame)
      if (at < copy.length) copy[at] = value
      return copy
    }
  }
}

/** The frame within a larger buffer, as it is within what a socket has read. */
function framed(frame: Buffer, beside: number): Buffer {
  const around = Buffer.alloc(frame.length + 64, beside)
  frame.copy(around, 32)
  return around.subarray(32, 32 + frame.length)
}

/** @returns undefined where it is refused. */
function readOrRefuse(frame: Buffer): Response | undefined {
  try {
    return readResponse(frame)
  } catch (error) {
    if (error instanceof MalformedResponse) return undefined
    throw error
  }
}

/** Characters of everything that was read. */
function textIn(response: Response): number {
  if (response.kind === 'reference') return 0
  if (response.kind === 'result') return response.result.diagnostic.length
  const { dn, attributes } = response.entry
  const texts = [...attributes].flatMap(([type, values]) => [type, ...values])
  return dn.length + texts.reduce((sum, text) => sum + text.length, 0)
}

describe('a stream', () => {
  test('is cut into the messages that were sent, however it arrives', () => {
    const sent = [...RESPONSES, ...RESPONSES]
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (sizes) => {
        const stream = new MessageStream(10_000)
        const octets = Buffer.concat(sent)
        const received: Buffer[] = []
        for (let at = 0, turn = 0; at < octets.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1
          received.push(...stream.take(octets.subarray(at, at + size)))
          at += size
        }
        expect(received).toEqual(sent)
        expect(stream.isWithin).toBe(false)
      }),
    )
  })

  test('puts a long message together however small its pieces are', () => {
    const sent = entry(1, 'cn=a', { cn: ['x'.repeat(5000)] })
    const stream = new MessageStream(10_000)
    const received = [...sent].flatMap((octet) => stream.take(Buffer.from([octet])))
    expect(received).toEqual([sent])
  })

  test('that announces a huge message is refused before any of it comes', () => {
    const huge = Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff])
    expect(() => new MessageStream(10_000).take(huge)).toThrow(MalformedStream)
  })

  test('of something else than LDAP is refused', () => {
    expect(() => new MessageStream(10_000).take(Buffer.from('HTTP/1.1 400'))).toThrow('not LDAP')
    expect(() => new MessageStream(10_000).take(Buffer.from([0x30, 0x80]))).toThrow(MalformedStream)
  })
})
