import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Unavailable } from '../../src/domain/errors.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { LdapOptions } from '../../src/identity/ldap/options.ts'
import { type Corp, corpForTest } from '../identity/corp.ts'
import { freePort } from '../real/free-port.ts'
import {
  bindResult,
  entry,
  type LdapDouble,
  type LdapDoubleOptions,
  searchDone,
  startLdapDouble,
} from '../real/hostile-ldap.ts'
import { describeWith } from '../real/needs.ts'
import { type RecordingProxyOptions, startRecordingProxy } from '../real/recording-proxy.ts'
import { ADMIN, ADMIN_PASSWORD, PEOPLE, person, SLAPD_NEEDS, type Slapd, startSlapd } from '../real/slapd.ts'

const SERVICE = { user_base: PEOPLE, bind_dn: ADMIN, bind_password: new Secret(ADMIN_PASSWORD) }
const DEADLINES = { connectMs: 1000, operationMs: 1000, retryDownMs: 300, wholeMs: 4500 }
/** When an answer must be there; a busy machine may look a little later. */
const LATEST_MS = DEADLINES.wholeMs + 500

interface Timed {
  readonly kind: string
  readonly ms: number
}

/** One login; an outage is of the kind `unavailable`. */
async function timed(corp: Corp, name = 'bob', password = 'right'): Promise<Timed> {
  const began = performance.now()
  const kind = await corp.login(name, password).then(
    (answer) => answer.kind,
    (error: unknown) => {
      if (error instanceof Unavailable) return 'unavailable'
      throw error
    },
  )
  return { kind, ms: performance.now() - began }
}

const right = (corp: Corp, within = 5000) =>
  expect.poll(async () => (await timed(corp)).kind, { timeout: within, interval: 50 }).toBe('right')

describeWith(SLAPD_NEEDS, 'an OpenLDAP server that is away', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd
  let second: Slapd

  beforeAll(async () => {
    const start = async () => {
      const started = await startSlapd({ entries: [person('bob', 'right')] })
      resources.defer(started.stop)
      return started
    }
    slapd = await start()
    second = await start()
  })

  afterAll(() => resources.disposeAsync())

  const open = (options: Partial<LdapOptions> = {}) =>
    corpForTest({ urls: [slapd.url], ...SERVICE, deadlines: DEADLINES, ...options })

  async function proxied(server: Slapd, options: Omit<RecordingProxyOptions, 'target'> = {}) {
    const proxy = await startRecordingProxy({ target: server.port, ...options })
    onTestFinished(proxy.stop)
    return { proxy, url: `ldap://localhost:${proxy.port}` }
  }

  test('is noticed at once where nothing listens, and again when it is back', async () => {
    const corp = open()
    await right(corp)
    await slapd.kill()
    for (let count = 0; count < 20; count++) {
      const { kind, ms } = await timed(corp)
      expect(kind).toBe('unavailable')
      expect(ms).toBeLessThan(400)
    }
    await slapd.start()
    await right(corp)
    expect(corp.events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['ldap.server_down', 'ldap.server_up']),
    )
  })

  test('costs a few logins a time-out where it hangs, and then none', async () => {
    const corp = open()
    await right(corp)
    slapd.signal('SIGSTOP')
    onTestFinished(() => slapd.signal('SIGCONT'))
    const logins = await Promise.all(Array.from({ length: 20 }, () => timed(corp)))
    for (const { kind, ms } of logins) {
      expect(kind).toBe('unavailable')
      expect(ms).toBeLessThan(LATEST_MS)
    }
    const { kind, ms } = await timed(corp)
    expect(kind).toBe('unavailable')
    expect(ms).toBeLessThan(DEADLINES.operationMs / 2)
    slapd.signal('SIGCONT')
    await right(corp)
  })

  test('locks nobody out: wrong passwords are wrong again when it is back, and no more of them were sent', async () => {
    const { proxy, url } = await proxied(slapd)
    const corp = open({ urls: [url] })
    await right(corp)
    const before = count(proxy.fromClients(), 'wrong one')
    slapd.signal('SIGSTOP')
    onTestFinished(() => slapd.signal('SIGCONT'))
    const logins = await Promise.all(Array.from({ length: 10 }, () => timed(corp, 'bob', 'wrong one')))
    expect(new Set(logins.map(({ kind }) => kind))).toEqual(new Set(['unavailable']))
    slapd.signal('SIGCONT')
    await right(corp)
    // The searches were never answered, so that no password was sent for them.
    expect(count(proxy.fromClients(), 'wrong one') - before).toBe(0)
    expect((await timed(corp, 'bob', 'wrong one')).kind).toBe('wrong')
  })

  test('gives way to the next one, which gives way again', async () => {
    const { proxy, url } = await proxied(slapd)
    const corp = open({ urls: [url, second.url], limits: { idleMs: 100 } })
    await right(corp)
    await slapd.kill()
    onTestFinished(() => slapd.start().catch(() => {}))
    const logins = []
    for (let turn = 0; turn < 20; turn++) logins.push(await timed(corp))
    expect(new Set(logins.map(({ kind }) => kind))).toEqual(new Set(['right']))
    // The time-out of the first one is paid once.
    expect(logins.filter(({ ms }) => ms > 300).length).toBeLessThanOrEqual(1)

    await slapd.start()
    await expect
      .poll(() => corp.events.some(({ event }) => event === 'ldap.server_up'), { timeout: 5000 })
      .toBe(true)
    const before = proxy.fromClients().length
    expect((await timed(corp)).kind).toBe('right')
    expect(proxy.fromClients().length).toBeGreaterThan(before)
  })

  test('gives way where it hangs', async () => {
    const corp = open({ urls: [slapd.url, second.url] })
    await right(corp)
    slapd.signal('SIGSTOP')
    onTestFinished(() => slapd.signal('SIGCONT'))
    for (let turn = 0; turn < 6; turn++) {
      const { kind, ms } = await timed(corp)
      expect(kind).toBe('right')
      expect(ms).toBeLessThan(LATEST_MS)
    }
    expect((await timed(corp)).ms).toBeLessThan(DEADLINES.operationMs)
  })

  test('may end connections that lie idle without a login failing', async () => {
    const { proxy, url } = await proxied(slapd)
    const corp = open({ urls: [url] })
    for (let turn = 0; turn < 10; turn++) {
      expect((await timed(corp)).kind).toBe('right')
      proxy.cutAll()
    }
  })

  test('may cut the connection in every message: the answer is right or an outage, and in time', async () => {
    const { proxy: honest, url } = await proxied(slapd)
    await timed(open({ urls: [url] }))
    const octets = Math.max(honest.fromServer().length, honest.fromClients().length)
    const ways = Array.from({ length: Math.ceil(octets / 9) }, (_, index) => 1 + index * 9).flatMap((at) => [
      { cutAfterFromServer: at },
      { cutAfterFromClient: at },
    ])
    const seen = new Set<string>()
    for (let at = 0; at < ways.length; at += 8) {
      const logins = ways.slice(at, at + 8).map(async (way) => {
        const { url: cut } = await proxied(slapd, way)
        const corp = open({ urls: [cut] })
        const { kind, ms } = await timed(corp)
        await corp.close()
        expect(ms).toBeLessThan(LATEST_MS)
        seen.add(kind)
      })
      await Promise.all(logins)
    }
    expect(seen).toEqual(new Set(['right', 'unavailable']))
  })
})

describe('a directory that answers badly', () => {
  async function openDouble(
    answer: LdapDoubleOptions['answer'],
    options: Partial<LdapOptions> = {},
  ): Promise<{ double: LdapDouble; corp: Corp }> {
    const double = await startLdapDouble({ answer })
    onTestFinished(double.stop)
    const corp = corpForTest({ urls: [double.url], user_base: 'dc=x', deadlines: DEADLINES, ...options })
    return { double, corp }
  }

  const found: LdapDoubleOptions['answer'] = ({ kind, id }, wire) => {
    if (kind === 'search') wire.send(entry(id, 'uid=bob,dc=x', { uid: ['bob'] }), searchDone(id))
  }

  test('gets a password once, whatever happens to the answer', async () => {
    const spare = await openDouble(found)
    const endings: LdapDoubleOptions['answer'][] = [
      (_, wire) => wire.cut(),
      (_, wire) => void wire.socket.end(),
      () => {},
      (_, wire) => wire.send(Buffer.from('not LDAP')),
      ({ id }, wire) => wire.send(bindResult(id + 1)),
      ({ id }, wire) => wire.send(searchDone(id)),
      ({ id }, wire) => wire.drip(bindResult(id), 1000),
    ]
    for (const ending of endings) {
      const { double, corp } = await openDouble(
        (request, wire) => (request.kind === 'bind' ? ending(request, wire) : found(request, wire)),
        {},
      )
      const both = corpForTest({
        urls: [double.url, spare.double.url],
        user_base: 'dc=x',
        deadlines: DEADLINES,
      })
      for (const store of [corp, both]) {
        const { kind, ms } = await timed(store)
        expect(kind).toBe('unavailable')
        expect(ms).toBeLessThan(LATEST_MS)
      }
      const binds = [...double.requests, ...spare.double.requests].filter(({ kind }) => kind === 'bind')
      expect(binds).toHaveLength(2)
    }
  })

  test('may know a password although it does not answer', async () => {
    const { corp } = await openDouble((request, wire) =>
      request.kind === 'bind' ? wire.cut() : found(request, wire),
    )
    await expect(corp.login('bob', 'right')).rejects.toMatchObject({ passwordSent: true })
    const { corp: deaf } = await openDouble((_, wire) => wire.cut())
    await expect(deaf.login('bob', 'right')).rejects.toMatchObject({ passwordSent: false })
  })

  test('is given up where it drips, stalls or promises too much', async () => {
    const ways: LdapDoubleOptions['answer'][] = [
      ({ id }, wire) => wire.drip(searchDone(id), 1000),
      () => {},
      (_, wire) => wire.send(Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x02])),
      (_, wire) => wire.send(Buffer.from([0x30, 0x83, 0x3f, 0xff, 0xff, 0x02])),
      (_, wire) => wire.send(Buffer.alloc(10_000_000, 0x30)),
      ({ id }, wire) => {
        for (let count = 0; count < 1000; count++)
          wire.send(entry(id, `uid=bob${count},dc=x`, { uid: ['bob'] }))
        wire.send(searchDone(id))
      },
    ]
    await Promise.all(
      ways.map(async (way) => {
        const { corp } = await openDouble(way)
        const { kind, ms } = await timed(corp)
        expect(kind).toBe('unavailable')
        expect(ms).toBeLessThan(LATEST_MS)
      }),
    )
  })

  test('may announce its end, or send what nobody asked for', async () => {
    const { corp } = await openDouble((request, wire) => {
      if (request.kind === 'bind') wire.send(bindResult(request.id), bindResult(0, 52, 'going down'))
      else found(request, wire)
    })
    for (let turn = 0; turn < 5; turn++) expect((await timed(corp)).kind).toBe('right')
  })

  test('keeps a bounded number of logins waiting', async () => {
    const { corp } = await openDouble(() => {}, { limits: { logins: 8 }, connections: { searches: 2 } })
    const waiting = Array.from({ length: 8 }, () => timed(corp))
    await sleep(100)
    const { kind, ms } = await timed(corp)
    expect(kind).toBe('unavailable')
    expect(ms).toBeLessThan(DEADLINES.operationMs / 2)
    expect(new Set((await Promise.all(waiting)).map((login) => login.kind))).toEqual(new Set(['unavailable']))
  })

  test('is waited for no longer than the login has time', async () => {
    const { corp } = await openDouble(() => {}, { deadlines: {} })
    for (const within of [50, 200, 600]) {
      const began = performance.now()
      await expect(corp.login('bob', 'x', within)).rejects.toThrow(Unavailable)
      expect(performance.now() - began).toBeLessThan(within + 500)
    }
  })

  test('is not reached where its address leads nowhere', async () => {
    const corp = corpForTest({
      urls: [`ldap://localhost:${await freePort()}`, 'ldap://nowhere.invalid'],
      user_base: 'dc=x',
      deadlines: DEADLINES,
    })
    await expect(corp.login('bob', 'x')).rejects.toThrow(
      /^identity corp: ldap:\/\/localhost:\d+: nothing listens there \(ECONNREFUSED\); ldap:\/\/nowhere\.invalid: its name is not in the DNS|the DNS does not answer/,
    )
  })
})

function count(octets: Buffer, text: string): number {
  return octets.toString('latin1').split(text).length - 1
}
