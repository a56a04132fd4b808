import { expect, test } from 'vitest'
import { refuseDepthBeyond } from '../../src/http/body.ts'
import { ask } from './ask.ts'
import { startTestBroker } from './test-broker.ts'

const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

test('a deeply nested body is malformed, also where a request has no use for one, and no fault in the log', async () => {
  const broker = await startTestBroker()
  const token = await broker.token()
  const headers = { 'content-type': 'application/json' }
  for (const [method, path] of [
    ['GET', '/api/v1/users'],
    ['POST', '/api/v1/users'],
  ] as const) {
    const answer = await ask(`${broker.url}${path}`, { token, method, headers, body: nested(30_000) })
    expect([answer.status, answer.json.type]).toEqual([400, 'urn:ocbroker:problem:malformed-body'])
  }
  expect(await broker.log()).not.toMatch(/http\.fault|RangeError/)
})

test.each([
  ['two levels', '{"a":[1]}', true],
  ['three levels', '{"a":[[1]]}', false],
  ['brackets in a text', '{"a":"[[[[{{{{"}', true],
  ['a quote in a text', '{"a":"\\"[[[["}', true],
  ['a backslash at the end of a text', '{"a":"\\\\","b":[[1]]}', false],
  ['siblings', '[[],[],[],[]]', true],
])('%s', (_, body, isTaken) => {
  const check = () => refuseDepthBeyond(2)(undefined, undefined, Buffer.from(body))
  if (isTaken) expect(check).not.toThrow()
  else expect(check).toThrow(/deeper than 2 levels/)
})
