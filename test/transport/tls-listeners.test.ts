import { copyFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { CertificateName, Gateway } from '../../src/domain/gateway.ts'
import type { LoginAttempt } from '../../src/domain/login-attempt.ts'
import { noMetrics } from '../../src/domain/metrics.ts'
import { parseNetwork } from '../../src/domain/network.ts'
import { refuse } from '../../src/domain/refusal.ts'
import type { Decision } from '../../src/login/flow.ts'
import { buildAccountingRequest, buildStatusServer, checkReply } from '../../src/radius/authenticators.ts'
import { Attr, Code } from '../../src/radius/codes.ts'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { SharedSecret } from '../../src/radius/shared-secret.ts'
import { type RadSecOptions, TlsListeners } from '../../src/transport/tls-listeners.ts'
import { type Authority, type IssuedCertificate, makeAuthority } from '../real/certificates.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { type RadsecClientOptions, radsecClient, tokenRequest } from '../real/radsec-client.ts'
import { accessRequest, proxyState, serverFixture } from './server-fixture.ts'

const RADSEC = new SharedSecret(Buffer.from('radsec'))
const DAY_MS = 86_400_000
const NEW = { versions: ['radius/1.1'] } as const

describeWith(['openssl'], 'RADIUS over TLS', () => {
  const resources = new AsyncDisposableStack()
  let folder: TemporaryFolder
  let authority: Authority
  let stranger: Authority
  let server: IssuedCertificate
  let gw1: IssuedCertificate

  beforeAll(async () => {
    folder = temporaryFolder('radsec')
    resources.defer(folder.remove)
    authority = await makeAuthority(folder)
    stranger = await makeAuthority(folder, 'stranger')
    server = await authority.issue('server', 'DNS:localhost')
    gw1 = await authority.issue('gw1', 'DNS:gw1.example, IP:192.0.2.77')
  })

  afterAll(() => resources.disposeAsync())

  interface Setting {
    readonly gateways?: (one: Gateway) => readonly Gateway[]
    readonly decide?: (attempt: LoginAttempt) => Promise<Decision>
    readonly radsec?: Partial<RadSecOptions>
    readonly lookEveryMs?: number
  }

  const dns = (name: string): CertificateName => ({ kind: 'dns', name })
  const known = (one: Gateway, ...certificates: CertificateName[]): Gateway => ({
    ...one,
    networks: [],
    secret: undefined,
    certificates,
  })

  async function listening({ gateways, decide, radsec, lookEveryMs }: Setting = {}) {
    const fixture = await serverFixture({
      gateways: gateways ?? ((one) => [known(one, dns('gw1.example'))]),
      decide,
    })
    const [refused, closed] = [[] as string[], [] as unknown[]]
    const seen = (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (event === 'tls.refused') refused.push(String(fields.reason))
      if (event === 'tls.closed') closed.push(fields.reason)
    }
    const options: RadSecOptions = {
      ...{ certFile: server.certificate, keyFile: server.key, caFile: authority.file },
      ...{ versions: ['1.0', '1.1'], maxConnections: 100, idleMs: DAY_MS, ...radsec },
    }
    const clock = { now: () => fixture.time.now, monotonic: () => fixture.time.now }
    const listeners = await TlsListeners.open({
      places: [{ address: '127.0.0.1', port: 0 }],
      radsec: options,
      server: fixture.server,
      clock,
      log: { debug() {}, info: seen, warn: seen, error: seen },
      metrics: noMetrics,
      lookEveryMs,
    })
    onTestFinished(() => listeners.close())
    const [place] = listeners.places
    const client = async (more: Partial<RadsecClientOptions> = {}) => {
      const made = await radsecClient({
        port: place?.port ?? 0,
        authority: authority.file,
        own: gw1,
        ...more,
      })
      onTestFinished(() => void made.socket.destroy())
      return made
    }
    return { ...fixture, listeners, options, refused, closed, client, port: place?.port ?? 0 }
  }

  const login = (options: Parameters<typeof accessRequest>[0] = {}) =>
    accessRequest({ secret: RADSEC, ...options })

  test('takes logins, accounting and Status-Server by one connection, with the secret radsec (RFC 6614 §2.3)', async () => {
    const { client, attempts, records } = await listening()
    const { next, send } = await client()
    const request = login({ signed: true, more: [proxyState('of a proxy')] })
    send(request)
    const reply = await next()
    expect(reply.code).toBe(Code.AccessReject)
    expect(checkReply(reply, request.subarray(4, 20), RADSEC)).toEqual({
      authenticator: true,
      messageAuthenticator: 'valid',
    })
    expect(attempts).toMatchObject([{ gateway: 'gw1', name: { username: 'bob' } }])
    expect(attempts[0]?.typed.reveal()).toBe('hunter2')

    // The identifier is that of the login: the two kinds of request have their own.
    const attributes = [
      encodeAttribute('User-Name', 'bob'),
      encodeAttribute('Acct-Status-Type', 1),
      encodeAttribute('Acct-Session-Id', 's1'),
    ]
    send(buildAccountingRequest({ identifier: 7, secret: RADSEC, attributes }))
    expect(await next()).toMatchObject({ code: Code.AccountingResponse, identifier: 7 })
    expect(records).toMatchObject([{ kind: 'start', gateway: 'gw1', nas: '127.0.0.1' }])
    const authenticator = Buffer.alloc(16, 3)
    send(buildStatusServer({ identifier: 9, secret: RADSEC, authenticator, attributes: [] }))
    expect(await next()).toMatchObject({ code: Code.AccessAccept, identifier: 9 })
  })

  test('believes Proxy-State without Message-Authenticator, as nobody can have put it there', async () => {
    const { client, attempts } = await listening()
    const { next, send } = await client()
    send(login({ more: [proxyState('of a proxy')] }))
    expect((await next()).code).toBe(Code.AccessReject)
    expect(attempts).toHaveLength(1)
  })

  test('speaks RADIUS/1.1 where ALPN asks for it: the Token, no signature, the password as it is (RFC 9765)', async () => {
    const { client, attempts, records } = await listening()
    const { next, send, socket } = await client({ versions: ['radius/1.0', 'radius/1.1'] })
    expect(socket.alpnProtocol).toBe('radius/1.1')
    // The Message-Authenticator means nothing, so that a wrong one does no harm.
    const wrong = { type: Attr.MessageAuthenticator, value: Buffer.alloc(16, 1) }
    send(tokenRequest('00000001', { password: 'pässwörter', more: [wrong, proxyState('p')] }))
    const reply = await next()
    expect(reply.raw.subarray(0, 2).toString('hex')).toBe('0300')
    expect(reply.authenticator.toString('hex')).toBe(`00000001${'0'.repeat(24)}`)
    expect(reply.attributes.map(({ type }) => type)).toEqual([Attr.ReplyMessage, Attr.ProxyState])
    expect(attempts[0]?.typed.reveal()).toBe('pässwörter')

    const started = [
      encodeAttribute('User-Name', 'bob'),
      encodeAttribute('Acct-Status-Type', 1),
      encodeAttribute('Acct-Session-Id', 's1'),
    ]
    send(tokenRequest('00000002', { code: Code.AccountingRequest, more: started }))
    expect((await next()).authenticator.toString('hex')).toMatch(/^00000002/)
    expect(records).toHaveLength(1)
    send(tokenRequest('00000003', { code: Code.StatusServer }))
    expect(await next()).toMatchObject({ code: Code.AccessAccept, attributes: [] })
  })

  test('lets a Token be used again once it is answered: it is another request (RFC 9765 §4.2)', async () => {
    const { client, attempts } = await listening()
    const { next, send } = await client(NEW)
    for (const user of ['alice', 'bob']) {
      send(tokenRequest('0000002a', { user }))
      await next()
    }
    expect(attempts.map(({ name }) => name.username)).toEqual(['alice', 'bob'])
    expect(new Set(attempts.map(({ request }) => request)).size).toBe(2)
  })

  test('answers a request that is sent twice by one connection once more by the same reply', async () => {
    const { client, attempts } = await listening()
    const { next, send } = await client()
    const request = login()
    send(request)
    const answered = await next()
    send(request)
    expect((await next()).raw).toEqual(answered.raw)
    expect(attempts).toHaveLength(1)
    const other = await client()
    other.send(request)
    await other.next()
    expect(attempts).toHaveLength(2)
  })

  test('speaks only the versions of the configuration', async () => {
    const onlyNew = await listening({ radsec: { versions: ['1.1'] } })
    const old = await onlyNew.client()
    await old.closed
    expect(onlyNew.refused).toEqual(['no_common_version'])
    await expect(onlyNew.client({ versions: ['radius/1.0'] })).rejects.toThrow(
      /alert no application protocol/,
    )
    const onlyOld = await listening({ radsec: { versions: ['1.0'] } })
    const { socket } = await onlyOld.client({ versions: ['radius/1.0', 'radius/1.1'] })
    expect(socket.alpnProtocol).toBe('radius/1.0')
  })

  test('is TLS 1.2 at least, and 1.3 for RADIUS/1.1 (RFC 9765 §3.5)', async () => {
    const { client, refused } = await listening()
    const { next, send } = await client({ more: { maxVersion: 'TLSv1.2' } })
    send(login())
    expect((await next()).code).toBe(Code.AccessReject)
    const weak = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const
    await expect(client({ more: weak })).rejects.toThrow(/alert protocol version/)
    // This side may learn of its end before it has seen the end of the handshake.
    const old = await client({ ...NEW, more: { maxVersion: 'TLSv1.2' } }).catch(() => undefined)
    await old?.closed
    await expect.poll(() => refused).toEqual(['handshake_failed', 'needs_tls_1_3'])
  })

  test('is for gateways alone: another certificate gets no word out of it', async () => {
    const strangers: Record<string, IssuedCertificate | undefined> = {
      no_certificate: undefined,
      untrusted_certificate: await stranger.issue('forged', 'DNS:gw1.example'),
      unknown_certificate: await authority.issue('gw2', 'DNS:gw2.example'),
    }
    const { client, refused, attempts } = await listening()
    for (const own of Object.values(strangers)) {
      const { closed, send, replies } = await client({ own })
      send(login())
      await closed
      expect(replies).toEqual([])
    }
    expect(refused).toEqual(Object.keys(strangers))
    expect(attempts).toEqual([])
  })

  test('is not for certificates of servers, nor of a wildcard or a common name', async () => {
    const { client, refused, attempts } = await listening()
    const forServers = await authority.issue('s', 'DNS:gw1.example', 'extendedKeyUsage = serverAuth')
    const wildcard = await authority.issue('w', 'DNS:*.example')
    const commonName = await authority.issue('gw1.example', 'DNS:other.example')
    for (const own of [forServers, wildcard, commonName]) {
      const { send, closed } = await client({ own })
      send(login())
      await closed
    }
    // Of the last two, one line is written in a minute.
    expect(refused).toEqual(['untrusted_certificate', 'unknown_certificate'])
    expect(attempts).toEqual([])
  })

  test('knows a gateway by an address in its certificate, by its fingerprint, and behind a proxy by its NAS-Identifier', async () => {
    const { client, attempts } = await listening({
      gateways: (one) => [
        { ...known(one, { kind: 'ip', name: '192.0.2.77' }), name: 'east', nasIdentifiers: ['east'] },
        { ...known(one, dns('gw1.example')), name: 'west', nasIdentifiers: ['west'] },
      ],
    })
    const { next, send } = await client()
    for (const [identifier, name] of ['west', 'east'].entries()) {
      send(login({ identifier, more: [encodeAttribute('NAS-Identifier', name)] }))
      await next()
    }
    expect(attempts.map(({ gateway }) => gateway)).toEqual(['west', 'east'])
  })

  test('holds a gateway that has addresses to them, before the handshake and after it', async () => {
    const network = parseNetwork('192.0.2.0/24') ?? expect.unreachable()
    const away = (one: Gateway) => ({ ...known(one, dns('gw1.example')), networks: [network] })
    const { port, refused } = await listening({ gateways: (one) => [away(one)] })
    const socket = connectPlain(port, '127.0.0.1')
    await new Promise((resolve) => socket.on('error', resolve).on('close', resolve))
    expect(refused).toEqual(['unknown_address'])

    const both = await listening({
      gateways: (one) => [away(one), { ...known(one, dns('elsewhere.example')), name: 'gw2' }],
    })
    await (await both.client()).closed
    expect(both.refused).toEqual(['foreign_address'])
  })

  test('answers pipelined requests as they are decided', async () => {
    const decided = new Map<string, (decision: Decision) => void>()
    const { client, attempts } = await listening({
      decide: ({ name }) => new Promise((resolve) => decided.set(name.username, resolve)),
    })
    const { next, send } = await client()
    send(...['a', 'b', 'c'].map((user, identifier) => login({ user, identifier })))
    await expect.poll(() => attempts.length).toBe(3)
    decided.get('c')?.(refuse('bad_credentials', 'wrong'))
    expect((await next()).identifier).toBe(2)
    for (const user of ['b', 'a']) decided.get(user)?.(refuse('bad_credentials', 'wrong'))
    expect([(await next()).identifier, (await next()).identifier]).toEqual([1, 0])
  })

  test('closes a connection on a length that no packet has, on attributes that do not fit, and on a wrong secret', async () => {
    const fixture = await listening()
    const short = login()
    short.writeUInt16BE(19, 2)
    const torn = login()
    torn.writeUInt8(1, 21)
    const wrong = accessRequest({ signed: true })
    for (const octets of [short, torn, wrong]) {
      const { send, closed, replies } = await fixture.client()
      send(octets, login())
      await closed
      expect(replies).toEqual([])
    }
    await expect.poll(() => fixture.closed).toEqual(['malformed', 'malformed', 'bad_message_authenticator'])
    expect(fixture.attempts).toEqual([])
  })

  test('leaves a connection open on a packet of another kind, which gets no answer (RFC 6613 §2.6.4)', async () => {
    const { client, dropped } = await listening()
    const { send, next } = await client()
    const disconnect = login()
    disconnect.writeUInt8(Code.DisconnectRequest, 0)
    send(disconnect, login({ identifier: 8 }))
    expect((await next()).identifier).toBe(8)
    expect(dropped).toEqual(['wrong_code'])
  })

  test('ends a connection that is idle, or does not finish a packet', async () => {
    const fixture = await listening({ radsec: { idleMs: 600_000 } })
    const [idle, slow] = [await fixture.client(), await fixture.client()]
    slow.send(login().subarray(0, 10))
    const later = (ms: number) => () => {
      fixture.time.now += ms
      fixture.listeners.check()
      return fixture.closed
    }
    await expect.poll(later(11_000), { timeout: 10_000 }).toEqual(['slow_packet'])
    await slow.closed
    later(600_001)()
    await idle.closed
    await expect.poll(() => fixture.closed).toEqual(['slow_packet', 'idle'])
  })

  test('ends when the certificate expires, and answers nothing that was in flight', async () => {
    let decide: (decision: Decision) => void = () => undefined
    const fixture = await listening({ decide: () => new Promise((resolve) => (decide = resolve)) })
    const { send, closed, replies } = await fixture.client()
    send(login())
    await expect.poll(() => fixture.attempts.length).toBe(1)
    fixture.time.now = Date.now() + 3 * DAY_MS
    decide(refuse('bad_credentials', 'wrong'))
    await closed
    expect(replies).toEqual([])
    await expect.poll(() => fixture.closed).toEqual(['certificate_expired'])
  })

  test('ends when a reload takes the certificate from the gateway; the connections of others go on', async () => {
    const gw2 = await authority.issue('second', 'DNS:gw2.example')
    const fixture = await listening({
      gateways: (one) => [known(one, dns('gw1.example')), { ...known(one, dns('gw2.example')), name: 'gw2' }],
    })
    const [first, second] = [await fixture.client(), await fixture.client({ own: gw2 })]
    await fixture.reload([known(fixture.gateway, dns('gw2.example'))])
    fixture.listeners.check()
    await first.closed
    await expect.poll(() => fixture.closed).toEqual(['unknown_certificate'])
    second.send(login())
    expect((await second.next()).code).toBe(Code.AccessReject)
  })

  test('takes a renewed certificate without losing a connection, and other authorities by ending those of the old', async () => {
    const own = temporaryFolder('renewed')
    onTestFinished(own.remove)
    const files = { certFile: own.file('cert'), keyFile: own.file('key'), caFile: own.file('ca') }
    copyFileSync(server.certificate, files.certFile)
    copyFileSync(server.key, files.keyFile)
    copyFileSync(authority.file, files.caFile)
    const fixture = await listening({ radsec: files, lookEveryMs: 20 })
    const before = await fixture.client()
    const renewed = await authority.issue('renewed', 'DNS:localhost')
    copyFileSync(renewed.key, files.keyFile)
    copyFileSync(renewed.certificate, files.certFile)
    await expect
      .poll(async () => (await fixture.client()).socket.getPeerX509Certificate()?.subject, {
        timeout: 10_000,
      })
      .toBe('CN=renewed')
    before.send(login())
    expect((await before.next()).code).toBe(Code.AccessReject)

    copyFileSync(stranger.file, files.caFile)
    await before.closed
    await expect.poll(() => fixture.closed).toContain('authorities_changed')
    await (await fixture.client()).closed
    expect(fixture.refused).toEqual(['untrusted_certificate'])
  })

  test('answers what is in flight when it stops, and closes every connection', async () => {
    let decide: (decision: Decision) => void = () => undefined
    const fixture = await listening({ decide: () => new Promise((resolve) => (decide = resolve)) })
    const [busy, idle] = [await fixture.client(), await fixture.client()]
    busy.send(login())
    await expect.poll(() => fixture.attempts.length).toBe(1)
    const stopped = fixture.listeners.close()
    await idle.closed
    decide(refuse('bad_credentials', 'wrong'))
    expect((await busy.next()).code).toBe(Code.AccessReject)
    await stopped
    await expect(fixture.client()).rejects.toThrow()
  })

  test('takes back no certificate by resumption, and no other one by renegotiation', async () => {
    const { client, refused } = await listening()
    const first = await client()
    const session = await new Promise<Buffer>((resolve) => first.socket.once('session', resolve))
    const resumed = await client({ own: undefined, more: { session } })
    await resumed.closed
    expect(refused).toEqual(['no_certificate'])
    const old = await client({ more: { maxVersion: 'TLSv1.2' } })
    const fault = await new Promise((resolve) => {
      old.socket.on('error', resolve)
      old.socket.renegotiate({}, resolve)
      old.send(login())
    })
    expect(String(fault)).toContain('no renegotiation')
  })

  test('bounds those that do not show who they are, and the connections of gateways', async () => {
    const fixture = await listening({ radsec: { maxConnections: 2 } })
    const silent = Array.from({ length: 20 }, () => connectPlain(fixture.port, '127.0.0.1'))
    for (const socket of silent) {
      socket.on('error', () => undefined)
      onTestFinished(() => void socket.destroy())
    }
    await expect.poll(() => fixture.refused).toEqual(['too_many_handshakes'])
    for (const socket of silent) socket.destroy()
    await expect.poll(() => fixture.client().catch(() => undefined)).toBeDefined()
    await fixture.client()
    const third = await fixture.client().catch(() => undefined)
    await third?.closed
    expect(fixture.refused).toContain('too_many_connections')
  })

  test('opens only with files that can be used', async () => {
    const { options, listeners } = await listening()
    await expect(listeners.prepare({ ...options, caFile: server.key })).rejects.toThrow(
      /holds no certificate/,
    )
    await expect(listeners.prepare({ ...options, keyFile: gw1.key })).rejects.toThrow(
      /cannot be used for TLS/,
    )
  })

  test('tells that the secret of the client is another one', async () => {
    const { client, logged } = await listening()
    const { send, next } = await client()
    send(accessRequest({ password: Buffer.alloc(16, 0x41) }))
    await next()
    expect(JSON.stringify(logged)).toContain('its secret over TLS must be radsec')
  })
})
