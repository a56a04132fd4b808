import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MalformedStream, MessageStream } from '../../src/identity/ldap/message-stream.ts'
import { readResponse } from '../../src/identity/ldap/response-shape.ts'
import { element, integer } from '../real/ber.ts'
import { bindResult, entry, message, reference, searchDone } from '../real/hostile-ldap.ts'
import { mutations } from '../real/mutations.ts'

const ENTRY = entry(7, 'uid=bob,dc=x', { cn: ['Bob', 'Robert'], mail: ['bob@x'], empty: [] })
const RESPONSES = [ENTRY, bindResult(7, 49, 'no'), searchDone(7), reference(7, 'ldap://a/', 'ldap://b/')]

describe('a response', () => {
  test('is what RFC 4511 §4 says', () => {
    expect(readResponse(ENTRY)).toMatchObject({ kind: 'entry', id: 7, dn: 'uid=bob,dc=x' })
    expect(readResponse(bindResult(8, 49))).toMatchObject({ kind: 'result', of: 'bind', id: 8 })
    expect(readResponse(searchDone(0x7fff_ffff))).toMatchObject({ of: 'search', id: 0x7fff_ffff })
    expect(readResponse(reference(9, 'ldap://a/'))).toEqual({ kind: 'reference', id: 9 })
  })

  test('may carry controls and referrals, which ldapjs is not shown', () => {
    const control = element(0x30, element(0x04, '2.16.840.1.113730.3.4.4'), element(0x04, '0'))
    const plain = readResponse(bindResult(8))
    const bound = element(0x61, integer(0, 0x0a), element(0x04, ''), element(0x04, ''))
    expect(readResponse(message(8, bound, control))).toEqual(plain)
    const referral = element(0xa3, element(0x04, 'ldap://a/'))
    const referred = element(0x61, integer(0, 0x0a), element(0x04, ''), element(0x04, ''), referral)
    expect(readResponse(message(8, referred))).toEqual(plain)
  })

  test('is none where anything is cut off, too long or of another kind', () => {
    for (const response of RESPONSES) {
      for (let length = 0; length < response.length; length++)
        expect(readResponse(response.subarray(0, length))).toBeUndefined()
      expect(readResponse(Buffer.concat([response, Buffer.from([0])]))).toBeUndefined()
    }
    const request = message(1, element(0x63, element(0x04, 'dc=x')))
    expect(readResponse(request)).toBeUndefined()
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
      expect(readResponse(value(length)), String(length)).toBeUndefined()
  })

  test('never throws, whatever octets come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => void readResponse(Buffer.from(octets))),
    )
  })

  test('that is sound is read by ldapjs to an end; one that is not may hold it for ever', async () => {
    const random = mutations(0x5eed)
    const mutated = Array.from({ length: 20_000 }, (_, index) =>
      random(RESPONSES[index % RESPONSES.length] ?? ENTRY),
    )
    const sound = mutated.flatMap((frame) => {
      const response = readResponse(frame)
      return response === undefined || response.kind === 'reference' ? [] : [response.decodable]
    })
    expect(sound.length).toBeGreaterThan(1000)
    expect(await isReadWithin(5000, sound)).toBe(true)
    expect(await isReadWithin(500, mutated)).toBe(false)
  }, 20_000)
})

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

  test('that announces a huge message is refused before any of it comes', () => {
    const huge = Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff])
    expect(() => new MessageStream(10_000).take(huge)).toThrow(MalformedStream)
  })

  test('of something else than LDAP is refused', () => {
    expect(() => new MessageStream(10_000).take(Buffer.from('HTTP/1.1 400'))).toThrow('not LDAP')
    expect(() => new MessageStream(10_000).take(Buffer.from([0x30, 0x80]))).toThrow(MalformedStream)
  })
})

async function isReadWithin(milliseconds: number, frames: readonly Buffer[]): Promise<boolean> {
  const worker = new Worker(new URL('./endless-decoding.ts', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: 256 },
  })
  onTestFinished(async () => void (await worker.terminate()))
  worker.on('error', () => {})
  const impatient = new AbortController()
  const done = once(worker, 'message', { signal: impatient.signal }).then(
    () => true,
    () => false,
  )
  await once(worker, 'online')
  worker.postMessage(frames)
  const isDone = await Promise.race([done, sleep(milliseconds, false)])
  impatient.abort()
  return isDone
}
