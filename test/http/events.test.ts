import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import express from 'express'
import { expect, onTestFinished, test } from 'vitest'
import type { AuditEvent, AuditKind, AuditSearch } from '../../src/domain/audit.ts'
import { type Clock, systemClock } from '../../src/domain/clock.ts'
import { quietLog } from '../../src/domain/log.ts'
import { earliestId } from '../../src/domain/record-id.ts'
import { rightsToAll } from '../../src/domain/scope.ts'
import { Call } from '../../src/http/api/call.ts'
import { EventStreams, eventRoutes } from '../../src/http/api/events.ts'
import { type Caller, setCaller } from '../../src/http/caller.ts'
import { LiveFeed } from '../../src/http/live-feed.ts'
import { writeProblem } from '../../src/http/refusals.ts'
import { listenTo } from './event-stream.ts'

const START = Date.parse('2026-01-01T12:00:00Z')

/** An audit trail in memory, and a clock that stands still. */
function openTrail() {
  const events: AuditEvent[] = []
  let now = START
  // Real ones are never the smallest of their millisecond.
  let made = 1
  return {
    clock: { ...systemClock, now: () => now } satisfies Clock,
    pass: (ms: number) => {
      now += ms
    },
    /** Writes an event whose identifier was made some milliseconds ago. */
    write(kind: AuditKind, user: string, ago = 0, detail?: string): void {
      const at = now - ago
      const id = earliestId(at).replace(/0{12}$/, String(made++).padStart(12, '0'))
      events.push({ id, at, kind, user, detail })
    },
    trail: {
      async list({ after = '', limit }: AuditSearch) {
        const sorted = events.toSorted((a, b) => (a.id < b.id ? -1 : 1))
        return sorted.filter(({ id }) => id > after).slice(0, limit)
      },
    },
  }
}

const caller = (more: Partial<Caller> = {}): Caller => ({
  key: 'token 1',
  actor: 'tests (token)',
  name: 'tests',
  kind: 'token',
  rights: rightsToAll(['lockouts:read', 'audit:read']),
  isStillGood: async () => true,
  ...more,
})

/** Only streams, for a caller that the test chooses. */
async function openStreams(
  { trail, clock }: ReturnType<typeof openTrail>,
  { who = caller(), most = 3, mostOfOne = 2 }: { who?: Caller; most?: number; mostOfOne?: number } = {},
) {
  const streams = new EventStreams()
  const feed = new LiveFeed({ trail, clock, log: quietLog, everyMs: 5 })
  const { streamEvents } = eventRoutes(
    { recordsOf: () => ({ audit: trail }) as never, maySee: async () => true, clock },
    feed,
    streams,
    {
      most,
      mostOfOne,
      heartbeatMs: 20,
    },
  )
  const app = express()
  let next = who
  app.get('/', async (request, response) => {
    setCaller(response, next)
    await streamEvents?.(new Call(request, response))
  })
  app.use(writeProblem(quietLog))
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    streams.endAll()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/?topics=lockouts,logins`
  return {
    streams,
    port,
    /** The caller of the requests from now on. */
    become: (who: Caller) => {
      next = who
    },
    listen: async (headers: Readonly<Record<string, string>> = {}) => {
      const stream = await listenTo(url, headers)
      onTestFinished(stream.close)
      return { ...stream, users: () => stream.events.map(({ data }) => data.user) }
    },
  }
}

test('events are sent in order and once, also one that appears after newer ones', async () => {
  const trail = openTrail()
  trail.write('lockout.made', 'before')
  trail.pass(10_000)
  const { listen } = await openStreams(trail)
  const { users } = await listen()
  trail.write('lockout.made', 'first')
  await expect.poll(users).toEqual(['first'])
  trail.pass(2_000)
  trail.write('login.refused', 'second')
  await expect.poll(users).toEqual(['first', 'second'])
  trail.write('login.accepted', 'late', 1_500)
  await expect.poll(users).toEqual(['first', 'second', 'late'])
  trail.write('user.added', 'not of these topics')
  trail.pass(60_000)
  trail.write('lockout.released', 'third')
  await expect.poll(users).toEqual(['first', 'second', 'late', 'third'])
})

test('more events than one poll reads are all sent', async () => {
  const trail = openTrail()
  const { listen } = await openStreams(trail)
  const { users } = await listen()
  const wanted = Array.from({ length: 2_500 }, (_, number) => `user${number}`)
  for (const user of wanted) {
    trail.write('login.refused', user)
    trail.pass(1)
  }
  await expect.poll(users, { timeout: 4_000 }).toEqual(wanted)
})

test('a client that reconnects is sent what it missed, but nothing old', async () => {
  const trail = openTrail()
  const { listen } = await openStreams(trail)
  trail.write('lockout.made', 'seen')
  trail.pass(1_000)
  trail.write('lockout.made', 'missed')
  trail.pass(1_000)
  const lastSeen = { 'last-event-id': (await trail.trail.list({ limit: 1, order: 'oldest' }))[0]?.id ?? '' }
  const back = await listen(lastSeen)
  await expect.poll(back.users).toEqual(['missed'])
  trail.pass(10 * 60_000)
  const later = await listen(lastSeen)
  trail.write('lockout.made', 'new')
  await expect.poll(later.users).toEqual(['new'])
})

test('a stream ends when the caller’s right ends', async () => {
  const trail = openTrail()
  let isGood = true
  const { listen, become } = await openStreams(trail, { who: caller({ isStillGood: async () => isGood }) })
  const revoked = await listen()
  become(caller({ key: 'token 2', until: START + 60_000 }))
  const expiring = await listen()
  trail.write('lockout.made', 'somebody')
  await expect.poll(revoked.users).toEqual(['somebody'])
  isGood = false
  await revoked.ended
  trail.write('lockout.made', 'somebody else')
  await expect.poll(expiring.users).toEqual(['somebody', 'somebody else'])
  trail.pass(60_000)
  await expiring.ended
})

test('a stream ends when the caller’s right cannot be checked', async () => {
  const who = caller({ isStillGood: () => Promise.reject(new Error('no database')) })
  const { listen } = await openStreams(openTrail(), { who })
  await (await listen()).ended
})

test('streams are limited in total and per caller', async () => {
  const { listen, become, streams } = await openStreams(openTrail())
  const first = await listen()
  await listen()
  expect((await listen()).status).toBe(503)
  become(caller({ key: 'token 2' }))
  expect((await listen()).status).toBe(200)
  become(caller({ key: 'token 3' }))
  expect((await listen()).status).toBe(503)
  first.close()
  await expect.poll(async () => (await listen()).status).toBe(200)
  streams.endAll()
})

test('a client that disconnects before its stream starts occupies no slot', async () => {
  const opened = openTrail()
  const searches: (() => void)[] = []
  const list = async (wanted: AuditSearch) => {
    await new Promise<void>((go) => searches.push(go))
    return opened.trail.list(wanted)
  }
  const { port, listen } = await openStreams({ ...opened, trail: { ...opened.trail, list } })
  for (let count = 1; count <= 2; count++) {
    const client = connect(port, '127.0.0.1')
    client.write(`GET / HTTP/1.1\r\nHost: x\r\nLast-Event-Id: ${earliestId(START)}\r\n\r\n`)
    await expect.poll(() => searches.length).toBe(count)
    client.destroy()
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
  for (const go of searches.splice(0)) go()
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect((await listen()).status).toBe(200)
})

test('a client that does not read is disconnected before much is buffered', async () => {
  const trail = openTrail()
  const { port } = await openStreams(trail)
  const client = connect(port, '127.0.0.1')
  onTestFinished(() => void client.destroy())
  const isGone = once(client, 'close')
  client.on('error', () => {})
  client.write('GET /?topics=logins HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(client, 'readable')
  // More than the system itself keeps for a connection.
  for (let event = 0; event < 400; event++) trail.write('login.refused', 'bob', 0, 'x'.repeat(50_000))
  await new Promise((resolve) => setTimeout(resolve, 300))
  let came = 0
  client.on('data', (octets) => (came += octets.length))
  await isGone
  expect(came).toBeLessThan(400 * 50_000)
})
