import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { systemRandom } from '../../src/domain/random.ts'
import type { WebSessionStore } from '../../src/domain/web-session.ts'
import { browserSessionOf, withBrowserSession } from '../../src/http/browser-session.ts'
import { ask } from './ask.ts'

/** A page that shows a token, and says of another whether it is this browser's. */
async function openPage() {
  const app = express().use(
    withBrowserSession({
      sessions: { get: async () => undefined } as unknown as WebSessionStore,
      limits: { idleMs: 1, absoluteMs: 1 },
      clock: systemClock,
      random: systemRandom,
    }),
  )
  app.get('/', (request, response) => void response.send(browserSessionOf(request).csrf()))
  app.get(
    '/ours',
    (request, response) =>
      void response.send(String(browserSessionOf(request).isOurs(String(request.query.csrf)))),
  )
  const server = app.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return (letter: string) => {
    const headers = { cookie: `ocbroker=${letter.repeat(43)}` }
    return {
      token: async () => (await ask(`${url}/`, { headers })).text,
      isOurs: async (csrf: string) => (await ask(`${url}/ours?csrf=${csrf}`, { headers })).text === 'true',
    }
  }
}

test('a token is another text in each answer, and each is accepted of its own browser alone', async () => {
  const page = await openPage()
  const [alice, bob] = [page('a'), page('b')]
  const tokens = [await alice.token(), await alice.token()]
  const octets = tokens.map((token) => [...Buffer.from(token, 'base64url')])
  expect(octets.map(({ length }) => length)).toEqual([64, 64])
  // No octet stands still: about one in 256 is the same by chance.
  const same = octets[0]?.filter((octet, at) => octet === octets[1]?.[at]) ?? []
  expect(same.length).toBeLessThan(8)
  for (const token of tokens) {
    expect(await alice.isOurs(token)).toBe(true)
    expect(await bob.isOurs(token)).toBe(false)
  }
})

test('what is no such text is refused', async () => {
  const alice = (await openPage())('a')
  const octets = Buffer.from(await alice.token(), 'base64url')
  const plain = Buffer.from(octets.subarray(0, 32).map((octet, at) => octet ^ (octets[32 + at] ?? 0)))
  const changed = Buffer.from(octets)
  changed[40] = (changed[40] ?? 0) ^ 1
  for (const wrong of [plain, changed, octets.subarray(0, 63), Buffer.alloc(64), Buffer.alloc(0)])
    expect(await alice.isOurs(wrong.toString('base64url'))).toBe(false)
})
