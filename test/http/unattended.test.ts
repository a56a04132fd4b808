import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { expect, onTestFinished, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import type { WebSession, WebSessionStore } from '../../src/domain/web-session.ts'
import { withBrowserSession } from '../../src/http/browser-session.ts'
import { ask } from './ask.ts'

const COOKIE = `ocbroker=${'a'.repeat(43)}`

/** A server with one session, last seen an hour ago. @returns how often each request kept it alive. */
async function touchesOf(headers: Readonly<Record<string, string>>): Promise<number> {
  const now = 10 * 3_600_000
  const session: WebSession = {
    stage: 'in',
    user: 'alice',
    typed: 'alice',
    groups: [],
    factors: 2,
    createdAt: now - 3_600_000,
    seenAt: now - 3_600_000,
  }
  let touches = 0
  const sessions: Pick<WebSessionStore, 'get' | 'touch'> = {
    get: async () => session,
    touch: async () => {
      touches += 1
    },
  }
  const app = express()
  const clock = { now: () => now, monotonic: () => 0 }
  app.use(
    withBrowserSession({
      sessions: sessions as WebSessionStore,
      limits: { idleMs: 1, absoluteMs: 1 },
      clock,
      random: systemRandom,
    }),
  )
  app.use((_request, response) => void response.end())
  const server = app.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await ask(`http://127.0.0.1:${port}/`, { headers: { cookie: COOKIE, ...headers } })
  return touches
}

test('a request of a person extends the session', async () => {
  expect(await touchesOf({ accept: 'text/html' })).toBe(1)
})

test.each([
  ['a page that keeps itself up to date', { 'x-unattended': '1' }],
  ['a stream of events', { accept: 'text/event-stream' }],
])('a request of %s keeps no session alive at which nobody sits', async (_who, headers) => {
  expect(await touchesOf(headers)).toBe(0)
})
