import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventStreamReader } from '../../src/agent/event-stream.ts'

const STREAM = Buffer.from(
  ': hello\n\nevent: order\ndata: {"user":\ndata: "张伟"}\nid: 7\n\n: 15 s\n\ndata: plain\r\n\r\nevent: empty\n\nevent: order\ndata:x\n\nevent: cut',
)
const EVENTS = [
  { name: 'order', data: '{"user":\n"张伟"}' },
  { name: 'message', data: 'plain' },
  { name: 'order', data: 'x' },
]

test('reads the same events, however the octets are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: STREAM.length })), (cuts) => {
      const reader = new EventStreamReader()
      const at = [0, ...cuts.toSorted((one, other) => one - other), STREAM.length]
      const chunks = at.slice(1).map((end, index) => STREAM.subarray(at[index], end))
      expect(chunks.flatMap((chunk) => reader.read(chunk))).toEqual(EVENTS)
    }),
  )
})

test('refuses a line and an event without end', () => {
  const fill = (chunk: string) => {
    const reader = new EventStreamReader()
    for (let sent = 0; sent < 10_000; sent++) reader.read(Buffer.from(chunk))
  }
  expect(() => fill('x'.repeat(1000))).toThrow('a line that is too long')
  expect(() => fill(`data: ${'x'.repeat(1000)}\n`)).toThrow('an event that is too long')
  expect(() => fill(`${'x'.repeat(20_000)}\n`)).toThrow('a line that is too long')
  expect(() => fill(`:${'x'.repeat(1000)}\n`)).not.toThrow()
})
