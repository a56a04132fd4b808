import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSync } from 'otplib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask } from '../http/ask.ts'
import { FormClient, keyOn } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'

const resources = new AsyncDisposableStack()
let fixture: TestBroker
let token: string

beforeAll(async () => {
  fixture = await startTestBroker(
    { http: { max_connections: 60, max_in_flight: 3 } },
    (end) => void resources.defer(end),
  )
  token = await fixture.token()
})

afterAll(() => resources.disposeAsync())

/** A bare connection, and all that came over it by its end. */
function open(from = '127.0.0.1'): { socket: Socket; ended: Promise<string> } {
  const socket = connect({ port: fixture.port, host: '127.0.0.1', localAddress: from })
  let came = ''
  socket.on('data', (octets) => (came += octets.toString()))
  const ended = new Promise<string>((resolve) => {
    socket.on('close', () => resolve(came))
    socket.on('error', () => {})
  })
  return { socket, ended }
}

async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  const late = sleep(ms).then(() => Promise.reject(new Error(`not within ${ms} ms`)))
  return Promise.race([work, late])
}

const isWell = async () => (await ask(`${fixture.url}/healthz`)).status === 200

describe('the HTTP server', () => {
  test('disconnects a client that sends its header slowly', async () => {
    const { socket, ended } = open()
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n')
    const drip = setInterval(() => socket.write('X-Drip: 1\r\n'), 300)
    const came = await inTime(ended, 20_000).finally(() => clearInterval(drip))
    expect(came).toMatch(/^HTTP\/1\.1 408 /)
    expect(came).toContain('urn:ocbroker:problem:timeout')
  })

  test('disconnects a client that sends its body slowly', async () => {
    const { socket, ended } = open()
    socket.write(
      `POST /api/v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"name":`,
    )
    const drip = setInterval(() => socket.write(' '), 300)
    const came = await inTime(ended, 20_000).finally(() => clearInterval(drip))
    expect(came).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(await isWell()).toBe(true)
  })

  test('reads no body before the caller is known', async () => {
    const { socket, ended } = open()
    socket.write(
      'POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n',
    )
    const [first] = await inTime(once(socket, 'data'), 5_000)
    expect(String(first)).toMatch(/^HTTP\/1\.1 401 /)
    socket.destroy()
    await ended
  })

  test('refuses a body of 100 MB by its length, before it is sent', async () => {
    const { socket, ended } = open()
    const length = 100 * 1024 * 1024
    socket.write(
      `POST /api/v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`,
    )
    const came = await inTime(ended, 20_000)
    expect(came).toMatch(/^HTTP\/1\.1 413 /)
    expect(came).toContain('urn:ocbroker:problem:body-too-large')
    expect(came).not.toContain('100 Continue')
  })

  test('refuses a body of 100 MB that is sent anyway, and stores none of it', async () => {
    const chunk = Buffer.alloc(1024 * 1024, `"${PASSWORD}",`)
    const before = process.memoryUsage().rss
    for (const framing of [`Content-Length: ${100 * chunk.length}`, 'Transfer-Encoding: chunked']) {
      const { socket, ended } = open()
      socket.write(
        `POST /api/v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`,
      )
      const isChunked = framing.startsWith('T')
      for (let sent = 0; sent < 100 && !socket.destroyed; sent++) {
        if (isChunked) socket.write(`${chunk.length.toString(16)}\r\n`)
        socket.write(chunk)
        if (isChunked) socket.write('\r\n')
        if (socket.writableNeedDrain) await Promise.race([once(socket, 'drain').catch(() => {}), ended])
      }
      expect(await inTime(ended, 20_000)).toMatch(/^HTTP\/1\.1 413 /)
    }
    // Of the 200 MB that were sent; the sender lives in this process too.
    expect(process.memoryUsage().rss - before).toBeLessThan(120 * 1024 * 1024)
    expect(await fixture.log()).not.toContain(PASSWORD)
  })

  test('refuses a header that is too large, and a malformed one', async () => {
    for (const [text, status] of [
      [`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
      ['GET / HTTP/1.1\r\n\r\n', 400],
      ['nonsense\r\n\r\n', 400],
      ['GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
      ['\u0016\u0003\u0001\u0000\u0000', 400],
    ] as const) {
      const { socket, ended } = open()
      socket.write(text)
      expect(await inTime(ended, 20_000)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    }
  })

  test('answers paths of every kind', async () => {
    for (const [path, wanted] of [
      // The portal, which links to itself by whole paths.
      ['//', 200],
      ['//elsewhere.example/', 404],
      ['/%ff', 404],
      ['/api/v1/users/%ff', 400],
      ['/%00', 404],
      ['/..%2f..%2fetc/passwd', 404],
      ['/docs/..%2f..%2fpackage.json', 404],
      ['/docs/%2e%2e/%2e%2e/package.json', 404],
      [`/${'a/'.repeat(3000)}`, 404],
    ] as const) {
      const { socket, ended } = open()
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(await inTime(ended, 20_000))?.[1])
      expect([path.slice(0, 40), status]).toEqual([path.slice(0, 40), wanted])
    }
  })

  test('gives no slot to requests whose bodies do not arrive', async () => {
    const paths = ['/api/v1/users', '/sign-in', '/enrol/code', '/api/v1/lockouts']
    const waiting = paths.map((path) => {
      const client = open()
      const type = path.startsWith('/api') ? 'application/json' : 'application/x-www-form-urlencoded'
      client.socket.write(
        `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${type}\r\nContent-Length: 100\r\n\r\n{`,
      )
      return client
    })
    await sleep(300)
    expect((await ask(fixture.url)).status).toBe(200)
    expect(waiting.map(({ socket }) => socket.destroyed)).not.toContain(true)
    for (const { socket } of waiting) socket.destroy()
  })

  test('accepts a limited number of connections, and more when some have closed', async () => {
    const clients = Array.from({ length: 80 }, () => open())
    await Promise.all(clients.map(({ socket }) => (socket.connecting ? once(socket, 'connect') : undefined)))
    await sleep(200)
    const alive = clients.filter(({ socket }) => !socket.destroyed)
    expect(alive.length).toBeLessThanOrEqual(60)
    for (const { socket } of clients) socket.destroy()
    await expect.poll(() => isWell().catch(() => false)).toBe(true)
  })

  test('forbids browsers to load anything from elsewhere and to frame pages', async () => {
    const { headers } = await ask(`${fixture.url}/healthz`)
    expect(headers['content-security-policy']).toMatch(/^default-src 'none';/)
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers['content-security-policy']).not.toContain('unsafe')
    expect(headers['x-frame-options']).toBe('DENY')
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['referrer-policy']).toBe('same-origin')
    expect(headers).not.toHaveProperty('x-powered-by')
    expect(headers).not.toHaveProperty('set-cookie')
    expect(headers).not.toHaveProperty('access-control-allow-origin')
  })

  test('answers requests in progress before it stops, and then refuses connections', async () => {
    const own = await startTestBroker()
    const mine = await own.token()
    const slow = ask(`${own.url}/api/v1/users`, {
      token: mine,
      json: { name: 'last', password: PASSWORD, reason: 'tests' },
    })
    await sleep(20)
    await own.stop()
    expect((await slow).status).toBe(201)
    await expect(ask(`${own.url}/healthz`)).rejects.toThrow('ECONNREFUSED')
  })
})

describe('a write that is held open', () => {
  /** All of a request but the end of its body, which the answer calls for. */
  async function hold(own: TestBroker, path: string, headers: readonly string[], body: string) {
    const socket = connect(own.port, '127.0.0.1')
    let came = ''
    socket.on('data', (octets) => (came += octets.toString()))
    const head = [`POST ${path} HTTP/1.1`, `Host: 127.0.0.1:${own.port}`, ...headers, 'Connection: close']
    socket.write(`${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 3)}`)
    await sleep(300)
    return async () => {
      const ended = once(socket, 'close')
      socket.write(body.slice(3))
      await inTime(ended, 20_000)
      return Number(/^HTTP\/1\.1 (\d+)/.exec(came)?.[1])
    }
  }

  test('on a page does nothing when its session has ended meanwhile', async () => {
    const own = await startTestBroker()
    const admin = await own.token()
    await own.addUser('boss', ['admins'])
    const browser = new FormClient(own.url)
    await browser.get('/')
    const key = keyOn(await browser.post('/sign-in', { name: 'boss', password: PASSWORD })) ?? ''
    const form = new URLSearchParams({ csrf: browser.csrf, code: generateSync({ secret: key }) }).toString()
    const finish = await hold(
      own,
      '/enrol/confirm',
      [`Origin: ${own.url}`, `Cookie: ${browser.cookie}`, 'Content-Type: application/x-www-form-urlencoded'],
      form,
    )
    const lock = { scope: 'user', user: 'boss', reason: 'stolen' }
    expect((await ask(`${own.url}/api/v1/lockouts`, { token: admin, json: lock })).status).toBe(201)
    await finish()
    expect((await own.records.enrolments.ofSubject('boss'))[0]).toBeUndefined()
  })

  test('at the API does nothing when the caller’s rights have ended meanwhile', async () => {
    const own = await startTestBroker()
    const secret = await own.token(['users:write'], { name: 'stolen' })
    const body = JSON.stringify({ name: 'mallory', password: PASSWORD, reason: 'tests' })
    const headers = [`Authorization: Bearer ${secret}`, 'Content-Type: application/json']
    const finish = await hold(own, '/api/v1/users', headers, body)
    await own.records.tokens.revoke('stolen', 'tests', Date.now())
    expect(await finish()).toBe(401)
    expect(await own.records.users.find('mallory')).toBeUndefined()
  })
})

describe('a proxy', () => {
  test('reports the client’s address only if it is trusted', async () => {
    const own = await startTestBroker({ http: { allow: '192.0.2.0/24', trusted_proxies: ['127.0.0.3'] } })
    const status = async (from: string, forwarded: string) =>
      (await ask(`${own.url}/readyz`, { from, headers: { 'x-forwarded-for': forwarded } })).status
    expect(await status('127.0.0.3', '192.0.2.7')).toBe(200)
    expect(await status('127.0.0.3', '198.51.100.7')).toBe(403)
    expect(await status('127.0.0.1', '192.0.2.7')).toBe(403)
    // What the client says itself stands to the left of what the proxy adds.
    expect(await status('127.0.0.3', '192.0.2.7, 198.51.100.7')).toBe(403)
    expect(await status('127.0.0.3', 'nonsense')).toBe(403)
    expect(await status('127.0.0.3', '192.0.2.7, 127.0.0.3')).toBe(200)
  })

  test('may report a port with the address', async () => {
    const allow = ['192.0.2.0/24', '2001:db8::/64']
    const own = await startTestBroker({ http: { allow, trusted_proxies: ['127.0.0.3', '127.0.0.4'] } })
    const status = async (forwarded: string) =>
      (await ask(`${own.url}/readyz`, { from: '127.0.0.3', headers: { 'x-forwarded-for': forwarded } }))
        .status
    for (const forwarded of [
      '192.0.2.7:41234',
      '2001:db8::1',
      '[2001:db8::1]:443',
      '[2001:db8::1]',
      '192.0.2.7:41234, 127.0.0.4:443',
    ])
      expect([forwarded, await status(forwarded)]).toEqual([forwarded, 200])
    for (const forwarded of ['198.51.100.7:41234', '[2001:db8:1::1]:443', '198.51.100.7, 127.0.0.4:80'])
      expect([forwarded, await status(forwarded)]).toEqual([forwarded, 403])
  })

  test('that reports no address gets no access, even from an allowed address', async () => {
    const own = await startTestBroker({
      http: { trusted_proxies: ['127.0.0.1'], limits: { address: '12/1m' } },
    })
    const status = async (path: string, forwarded?: string) => {
      const headers: Record<string, string> = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
      return (await ask(`${own.url}${path}`, { headers })).status
    }
    for (const forwarded of ['unknown', '', 'fe80::1%eth0', '192.0.2.7:41234:1', '[nonsense]:1', undefined])
      expect([forwarded, await status('/readyz', forwarded)]).toEqual([forwarded, 403])
    // What is open to everybody is so to them, by the limit of the proxy itself.
    for (let count = 0; count < 6; count++) expect(await status('/healthz', `nonsense${count}`)).toBe(200)
    expect(await status('/healthz', 'nonsense')).toBe(429)
    expect(await status('/healthz', '198.51.100.7')).toBe(200)
  })
})

test('pages are shown under the broker’s own name and its addresses, and under no other site’s name', async () => {
  const own = await startTestBroker({
    portal: { public_url: 'http://vpn.example' },
    http: { trusted_proxies: ['127.0.0.3'] },
  })
  const status = async (host: string, from = '127.0.0.1') =>
    (await ask(own.url, { from, headers: { host, accept: 'text/html' } })).status
  for (const host of [
    'vpn.example',
    'VPN.example:8080',
    'localhost:8080',
    '192.0.2.1:8080',
    '[2001:db8::1]:8080',
  ])
    expect([host, await status(host)]).toEqual([host, 200])
  for (const host of [
    'elsewhere.example',
    'vpn.example.elsewhere.example',
    '127.0.0.1.elsewhere.example',
    'x@y',
  ])
    expect([host, await status(host)]).toEqual([host, 421])
  expect(await status('whatever-the-proxy-says', '127.0.0.3')).toBe(200)
  // What is not for browsers is asked under whatever name the network has for the machine.
  expect((await ask(`${own.url}/readyz`, { headers: { host: 'ocbroker:8080' } })).status).toBe(200)
})
