import { connect, type Socket } from 'node:net'
import type { RequestHandler } from 'express'
import { expect, onTestFinished, test } from 'vitest'
import { quietLog } from '../../src/domain/log.ts'
import { LOOPBACK } from '../../src/domain/network.ts'
import { type AppOptions, httpApp } from '../../src/http/app.ts'
import { noBodyBeyond } from '../../src/http/body.ts'
import { reacquireSlot, releaseSlot } from '../../src/http/busy.ts'
import { openHttpServer } from '../../src/http/server.ts'
import { ask } from './ask.ts'

/** More than the system itself keeps for a connection. */
const LARGE = Buffer.alloc(32 * 1024 * 1024)

/** A server that answers by these routes; `/large` answers much, `/held` waits until the test lets it go. */
async function openServer({
  maxInFlight = 4,
  stalledMs,
  routes = [],
  trustedProxies = [],
}: Partial<AppOptions> & { stalledMs?: number } = {}) {
  const held: (() => void)[] = []
  const asked: string[] = []
  const sockets: Socket[] = []
  const answering: RequestHandler = async (request, response, next) => {
    asked.push(request.path)
    sockets.push(request.socket)
    if (request.path === '/held') await new Promise<void>((go) => held.push(go))
    if (request.path === '/large') response.send(LARGE)
    else if (request.path === '/held' || request.path === '/healthz') response.send('here')
    else next()
  }
  const server = await openHttpServer({
    address: '127.0.0.1',
    port: 0,
    maxBody: 1000,
    log: quietLog,
    stalledMs,
    connections: { all: 100, perAddress: 100, isProxy: () => false },
    answer: httpApp({
      trustedProxies,
      allow: [],
      maxInFlight,
      log: quietLog,
      routes: [...routes, answering],
    }),
  })
  const url = `http://127.0.0.1:${server.port}`
  const clients: Socket[] = []
  onTestFinished(async () => {
    for (const go of held) go()
    for (const client of clients) client.destroy()
    await server.stop()
  })
  return {
    url,
    asked,
    sockets,
    letGo: () => {
      for (const go of held.splice(0)) go()
    },
    status: async (path: string, from = '127.0.0.1') => (await ask(`${url}${path}`, { from })).status,
    /** Holds a place until the test lets it go. */
    hold: async (from = '127.0.0.1') => (await ask(`${url}/held`, { from })).status,
    held: () => held.length,
    /** A client that never reads what it is answered. */
    send(text: string, from = '127.0.0.1'): Socket {
      const client = connect({ port: server.port, host: '127.0.0.1', localAddress: from })
      clients.push(client)
      client.on('error', () => {})
      client.pause().write(text)
      return client
    },
  }
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`

test('answers that no client receives occupy no slots', async () => {
  const { send, asked, status } = await openServer({ maxInFlight: 2 })
  for (let client = 0; client < 4; client++) {
    send(get('/large'))
    await expect.poll(() => asked.length).toBe(client + 1)
  }
  expect(await status('/nothing')).toBe(404)
})

test('the next pipelined request starts when the answer before it was received', async () => {
  const { send, asked } = await openServer()
  const client = send(get('/large') + get('/second') + get('/third'))
  await expect.poll(() => asked).toEqual(['/large'])
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(asked).toEqual(['/large'])
  client.resume()
  await expect.poll(() => asked).toEqual(['/large', '/second', '/third'])
})

test('pipelined requests are answered in order', async () => {
  const { send } = await openServer()
  let came = ''
  const client = send(get('/healthz') + get('/nothing') + get('/healthz'))
  client.on('data', (octets) => (came += octets.toString()))
  client.resume()
  await expect
    .poll(() => came.match(/HTTP\/1\.1 \d+/g))
    .toEqual(['200', '404', '200'].map((each) => `HTTP/1.1 ${each}`))
})

test('a connection with too many pipelined requests is closed', async () => {
  const { send, asked, sockets } = await openServer()
  send(get('/held').repeat(17))
  await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  expect(asked).toEqual(['/held'])
})

test('a client that receives nothing of its answer is disconnected, and one whose answer takes long is not', async () => {
  const { send, sockets, hold, letGo } = await openServer({ stalledMs: 300 })
  const patient = hold('127.0.0.2')
  await expect.poll(() => sockets.length).toBe(1)
  send(get('/large'))
  await expect.poll(() => sockets[1]?.destroyed, { timeout: 4_000 }).toBe(true)
  letGo()
  expect(await patient).toBe(200)
})

test('a connection that sends garbage is closed even if its client reads nothing', async () => {
  const { send, asked, sockets } = await openServer()
  const client = send(get('/large'))
  await expect.poll(() => asked.length).toBe(1)
  client.write('\u0000nonsense\r\n\r\n')
  // Sooner than a header that does not come would end it.
  await expect.poll(() => sockets[0]?.destroyed, { timeout: 2_500 }).toBe(true)
})

test('when all slots are taken the next request is refused, and health checks are still answered', async () => {
  const { hold, held, status, letGo } = await openServer({ maxInFlight: 2 })
  const answers = [hold(), hold()]
  await expect.poll(held).toBe(2)
  expect(await status('/nothing')).toBe(503)
  expect(await status('/healthz')).toBe(200)
  letGo()
  expect(await Promise.all(answers)).toEqual([200, 200])
  expect(await status('/nothing')).toBe(404)
})

test('one client network gets at most a quarter of the slots', async () => {
  const { hold, held, status, letGo } = await openServer({ maxInFlight: 40 })
  const answers = Array.from({ length: 10 }, () => hold('127.0.0.2'))
  await expect.poll(held).toBe(10)
  expect(await status('/nothing', '127.0.0.2')).toBe(503)
  expect(await status('/nothing', '127.0.0.3')).toBe(404)
  letGo()
  expect(new Set(await Promise.all(answers))).toEqual(new Set([200]))
  expect(await status('/nothing', '127.0.0.2')).toBe(404)
})

test('a wider network of IPv6 gets at most half of them', async () => {
  const { url, held, letGo } = await openServer({ maxInFlight: 40, trustedProxies: LOOPBACK })
  const from = (network: number, path: string) => {
    const client = `2001:db8:7:${network.toString(16)}::1`
    return ask(`${url}${path}`, { headers: { 'x-forwarded-for': client } }).then(({ status }) => status)
  }
  const answers = Array.from({ length: 20 }, (_, i) => from(i % 4, '/held'))
  await expect.poll(held).toBe(20)
  expect(await from(5, '/nothing')).toBe(503)
  expect(await from(0x900, '/nothing'), 'of the same /48').toBe(503)
  expect(await ask(`${url}/nothing`, { headers: { 'x-forwarded-for': '2001:db8:8::1' } })).toMatchObject({
    status: 404,
  })
  letGo()
  expect(new Set(await Promise.all(answers))).toEqual(new Set([200]))
  expect(await from(5, '/nothing')).toBe(404)
})

test('a request takes a slot when its body has arrived, not before', async () => {
  const reading: RequestHandler = (request, _response, next) => {
    request.on('end', () => next()).resume()
  }
  const { send, status, asked, hold, held, letGo } = await openServer({
    maxInFlight: 2,
    routes: [releaseSlot, noBodyBeyond(1000), reading, reacquireSlot],
  })
  const head = 'POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n'
  const waiting = [1, 2, 3].map(() => send(`${head}a`))
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(await status('/nothing')).toBe(404)
  const answers = [hold(), hold()]
  await expect.poll(held).toBe(2)
  let came = ''
  const [first] = waiting
  first?.on('data', (octets) => (came += octets.toString())).resume()
  first?.write('b')
  await expect.poll(() => came).toMatch(/^HTTP\/1\.1 503 /)
  expect(asked).not.toContain('/body')
  letGo()
  expect(await Promise.all(answers)).toEqual([200, 200])
})
