import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import { KeyRing } from '../../src/domain/key-ring.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { compose } from '../../src/mail/compose.ts'
import { sealContent } from '../../src/mail/content.ts'
import type { Outlet } from '../../src/mail/outlet.ts'
import { Sending } from '../../src/mail/sending.ts'
import { type SmtpOptions, smtpOutlet } from '../../src/mail/smtp.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { type Certificates, makeCertificates } from '../real/certificates.ts'
import { temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { type RealSmtpServer, type SmtpServerOptions, startSmtpServer } from '../real/smtp-server.ts'
import { mailOf, unique } from '../store/samples.ts'

const PASSWORD = 'let-me-send'
const keys = new KeyRing([{ id: 'k1', key: new Secret(Buffer.alloc(32, 3)) }], systemRandom)
const OPTIONS = {
  ...{ from: { address: 'vpn@example.org' }, service: 'VPN', publicUrl: 'https://vpn.example.org' },
  timeZone: 'UTC',
}

async function server(options?: SmtpServerOptions): Promise<RealSmtpServer> {
  const started = await startSmtpServer(options)
  onTestFinished(() => started.stop())
  return started
}

const opened = openSqlite({ path: ':memory:' })
afterAll(async () => (await opened).close())

/** A queue in which mails wait for these addresses. */
async function queue(outlet: Outlet, ...addresses: readonly string[]) {
  const { mails: kept, audit } = (await opened).records
  const told = { isAway: false }
  const mails: typeof kept = {
    add: (mail) => kept.add(mail),
    take: (turn) => kept.take(turn),
    postpone: (...args) => kept.postpone(...args),
    giveUp: (...args) => kept.giveUp(...args),
    queue: (since) => kept.queue(since),
    list: (search) => kept.list(search),
    madeSince: (...args) => kept.madeSince(...args),
    async sent(...args) {
      if (told.isAway) throw new Unavailable('storage', 'away')
      return kept.sent(...args)
    },
  }
  const user = unique('user')
  const logged: string[] = []
  const note = (event: string, fields?: object) => void logged.push(`${event} ${JSON.stringify(fields)}`)
  const log = { debug: note, info: note, warn: note, error: note }
  const now = systemClock.now()
  for (const [index, to] of addresses.entries()) {
    const mail = mailOf(user, { to, createdAt: now - 1000 + index, expiresAt: now + 60_000 })
    const content = { locale: 'en', name: 'ada', at: now, code: 'abcd-efgh-jkmn-pqrs' } as const
    await mails.add({ ...mail, kind: 'invitation', sealed: sealContent(keys, mail.id, content) })
  }
  const metrics = { mailsWaiting() {}, mailSent() {}, mailFailed() {} }
  const sending = Sending.start({
    ...{ mails, audit, keys, outlet, metrics, log, clock: systemClock, random: systemRandom, everyMs: 20 },
    compose: (mail, content) => compose(mail, content, OPTIONS),
  })
  onTestFinished(async () => {
    await sending.stop()
    // What waits is worth nothing then.
    const later = now + 120_000
    await mails.take({ holder: 'broom', now: later, until: later })
  })
  const states = async () =>
    (await mails.list({ user, limit: 100 }))
      .toReversed()
      .map(({ to, state, fault, tries }) => ({ to, state, fault, tries }))
  return { states, logged, user, mails, audit, told }
}

const closing = (outlet: Outlet) => void onTestFinished(() => outlet.close())

const clear = (port: number): SmtpOptions => ({ host: '127.0.0.1', port, tls: 'none', patienceMs: 500 })

describe('over SMTP', () => {
  test('mails leave in their order, and nothing of an invitation is left in records or log', async () => {
    const real = await server()
    const { states, logged, mails, user } = await queue(
      smtpOutlet(clear(real.port)),
      'a@x.org',
      'b@x.org',
      'c@x.org',
    )
    await expect.poll(() => real.mails.map(({ to }) => to)).toEqual(['a@x.org', 'b@x.org', 'c@x.org'])
    await expect
      .poll(async () => (await states()).map(({ state }) => state))
      .toEqual(['sent', 'sent', 'sent'])
    expect(new Set(real.mails.map(({ messageId }) => messageId)).size).toBe(3)
    expect(real.mails[0]?.raw).toContain('abcd-efgh-jkmn-pqrs')
    expect(`${logged.join()}${JSON.stringify(await mails.list({ user, limit: 9 }))}`).not.toContain('jkmn')
  })

  test('one that is refused for good ends, is audited, and holds up no other', async () => {
    const real = await server()
    real.behave({ kind: 'answer', code: 550, to: 'gone@x.org' })
    const { states, audit, user } = await queue(smtpOutlet(clear(real.port)), 'gone@x.org', 'b@x.org')
    await expect.poll(() => real.mails.map(({ to }) => to)).toEqual(['b@x.org'])
    const fault = expect.stringContaining('550 told to say 550')
    await expect
      .poll(states)
      .toEqual([
        { to: 'gone@x.org', state: 'failed', fault, tries: 1 },
        expect.objectContaining({ to: 'b@x.org', state: 'sent' }),
      ])
    expect(await audit.list({ user, limit: 5 })).toEqual([
      expect.objectContaining({ kind: 'mail.failed', reason: 'invitation', detail: fault }),
    ])
  })

  test('one that is not taken now waits, and holds up no other', async () => {
    const real = await server()
    real.behave({ kind: 'answer', code: 451, to: 'grey@x.org' })
    const { states } = await queue(smtpOutlet(clear(real.port)), 'grey@x.org', 'b@x.org')
    await expect
      .poll(states)
      .toEqual([
        expect.objectContaining({ state: 'waiting', fault: expect.stringContaining('451') }),
        expect.objectContaining({ state: 'sent' }),
      ])
  })

  test.each([
    ['drops the connection after DATA', { kind: 'drop' } as const],
    ['hangs', { kind: 'hang' } as const],
    ['closes for now', { kind: 'answer', code: 421 } as const],
  ])('a server that %s gets the same mails again, each once', async (_, manner) => {
    const real = await server()
    real.behave(manner)
    const { states, logged } = await queue(smtpOutlet(clear(real.port)), 'a@x.org', 'b@x.org')
    await expect.poll(real.offered).toBeGreaterThan(1)
    expect(real.mails).toEqual([])
    real.behave({ kind: 'take' })
    await expect.poll(() => real.mails.map(({ to }) => to)).toEqual(['a@x.org', 'b@x.org'])
    await expect.poll(async () => (await states()).map(({ state }) => state)).toEqual(['sent', 'sent'])
    await expect.poll(() => logged.some((line) => line.startsWith('mail.leaves'))).toBe(true)
    expect(logged.filter((line) => line.startsWith('mail.fails'))).toHaveLength(1)
  })

  test('a repeat of a mail that was taken without an answer can be told by its Message-ID', async () => {
    const real = await server()
    real.behave({ kind: 'keep_and_drop' })
    await queue(smtpOutlet(clear(real.port)), 'a@x.org')
    await expect.poll(() => real.mails.length).toBe(1)
    real.behave({ kind: 'take' })
    await expect.poll(() => real.mails.length).toBeGreaterThan(1)
    expect(new Set(real.mails.map(({ messageId }) => messageId)).size).toBe(1)
  })

  test('records that are away after a mail was taken do not bring it a second time', async () => {
    const real = await server()
    const { told, states, logged } = await queue(smtpOutlet(clear(real.port)), 'a@x.org')
    told.isAway = true
    await expect.poll(() => logged.some((line) => line.startsWith('mail.fails'))).toBe(true)
    expect(real.mails).toHaveLength(1)
    told.isAway = false
    await expect.poll(async () => (await states()).map(({ state }) => state)).toEqual(['sent'])
    expect(real.mails).toHaveLength(1)
  })

  test('an unreachable server is named', async () => {
    const gone = await startSmtpServer()
    await gone.stop()
    const { states } = await queue(smtpOutlet(clear(gone.port)), 'a@x.org')
    await expect.poll(states).toEqual([
      expect.objectContaining({
        state: 'waiting',
        fault: expect.stringContaining(`127.0.0.1:${gone.port} cannot be used: connect ECONNREFUSED`),
      }),
    ])
  })
})

describeWith(['openssl'], 'over SMTP with TLS', () => {
  const folder = temporaryFolder('smtp')
  let certificates: Certificates
  beforeAll(async () => {
    certificates = await makeCertificates(folder)
  })
  afterAll(() => folder.remove())
  const login = { user: 'vpn', password: PASSWORD }
  const withTls = (port: number, more: Partial<SmtpOptions> = {}): SmtpOptions => ({
    ...{ host: 'localhost', port, tls: 'starttls', authorities: certificates.authorityPem, patienceMs: 2000 },
    ...{ username: 'vpn', password: new Secret(PASSWORD) },
    ...more,
  })

  test('mails leave encrypted, by the login', async () => {
    const real = await server({ tls: certificates, login })
    const outlet = smtpOutlet(withTls(real.port))
    await outlet.check()
    await queue(outlet, 'a@x.org')
    await expect.poll(() => real.mails).toEqual([expect.objectContaining({ isEncrypted: true, user: 'vpn' })])
  })

  test('no password is sent to a server without STARTTLS, nor to one with an unknown certificate', async () => {
    const bare = await server({ login })
    const outlet = smtpOutlet(withTls(bare.port))
    closing(outlet)
    await expect(outlet.check()).rejects.toThrow(/localhost:\d+ speaks no such TLS: 500/)
    const real = await server({ tls: certificates, login })
    const untrusting = smtpOutlet(withTls(real.port, { authorities: undefined }))
    closing(untrusting)
    await expect(untrusting.check()).rejects.toThrow(/localhost:\d+ shows a certificate that is not trusted/)
    const elsewhere = smtpOutlet(withTls(real.port, { serverName: 'mail.example.org' }))
    closing(elsewhere)
    await expect(elsewhere.check()).rejects.toThrow(/shows a certificate that is not trusted: .*altnames/)
  })

  test('a refused login is named in the server’s words, without the password', async () => {
    const real = await server({ tls: certificates, login })
    const wrong = randomBytes(6).toString('hex')
    const outlet = smtpOutlet(withTls(real.port, { password: new Secret(wrong) }))
    const { states, logged } = await queue(outlet, 'a@x.org')
    const fault = expect.stringMatching(/^localhost:\d+ refuses the login: .*535/)
    await expect.poll(states).toEqual([expect.objectContaining({ state: 'waiting', fault })])
    expect(logged.join()).not.toContain(wrong)
  })
})
