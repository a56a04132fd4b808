import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FormClient } from '../http/form-client.ts'
import { type Installation, install, type RunningBroker } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { ADMIN, ADMIN_PASSWORD, PEOPLE, person, SLAPD_NEEDS, type Slapd, startSlapd } from '../real/slapd.ts'
import { type RealSmtpServer, startSmtpServer } from '../real/smtp-server.ts'

const USERS = 500
const PASSWORD = 'correct horse'
const names = Array.from({ length: USERS }, (_, index) => `u${String(index).padStart(3, '0')}`)
const addressOf = (name: string) => `${name}@example.org`

describeWith(SLAPD_NEEDS, 'mails to 500 users of a directory', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd
  let smtp: RealSmtpServer
  let installation: Installation
  let broker: RunningBroker
  let url: string
  let log = ''
  const received: RealSmtpServer['mails'][] = []
  const all = () => [...received, smtp.mails].flat()

  beforeAll(async () => {
    const entries = names.map((name, index) => {
      const mail = addressOf(name)
      return person(name, PASSWORD, index % 5 === 0 ? { mail, preferredLanguage: 'zh-CN' } : { mail })
    })
    slapd = await startSlapd({ entries: [...entries, person('nomail', PASSWORD)] })
    resources.defer(slapd.stop)
    smtp = await startSmtpServer()
    resources.defer(() => smtp.stop())
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    installation = await install()
    resources.defer(installation.remove)
    writeFileSync(installation.folder.file('corp.password'), ADMIN_PASSWORD, { mode: 0o600 })
    installation.configure({
      identity: {
        order: ['local', 'corp'],
        corp: {
          ...{ type: 'ldap', urls: [slapd.url], bind_dn: ADMIN, bind_password_file: 'corp.password' },
          ...{ user_base: PEOPLE, user_filter: '(uid={user})' },
        },
      },
      http: { port },
      portal: { public_url: url },
      mail: {
        from: 'VPN <vpn@example.org>',
        smtp: { host: '127.0.0.1', port: smtp.port, tls: 'none' },
        per_user: 3,
      },
    })
    broker = await installation.serve()
    resources.defer(() => broker.stop())
  })
  afterAll(() => resources.disposeAsync())

  /** The code stands in the link, and quoted-printable may have broken that. */
  const linkIn = (raw: string) =>
    /http:\/\/127\.0\.0\.1:\d+\/enrol\?name=(\w+)#([a-z\d-]+)/.exec(
      raw.replaceAll('=\r\n', '').replaceAll('=3D', '='),
    )

  test('one command invites all, and each is told once, though server and broker fail in the middle', async () => {
    const file = installation.folder.file('names.txt')
    writeFileSync(file, `${[...names, 'nomail'].join('\n')}\n`)
    // A busy machine takes longer than a command may usually take.
    const invited = await installation.start(['invite', '--file', file, '--mail', '--json']).finished
    expect(invited.stderr).toContain('nomail: not invited: no mail address is known')
    expect(JSON.parse(invited.stdout)).toMatchObject({ invited: USERS, files: ['--mail'] })

    await expect.poll(() => smtp.mails.length, { timeout: 60_000 }).toBeGreaterThan(100)
    // It has the whole mail, and goes away without an answer and without keeping it.
    smtp.behave({ kind: 'drop' })
    const before = smtp.offered()
    await expect.poll(smtp.offered).toBeGreaterThan(before)
    smtp.behave({ kind: 'take' })
    await expect.poll(() => smtp.mails.length, { timeout: 60_000 }).toBeGreaterThan(200)
    smtp.behave({ kind: 'hang' })
    const offered = smtp.offered()
    await expect.poll(smtp.offered).toBeGreaterThan(offered)
    // In the middle of a mail.
    await broker.kill()
    log += await broker.log()
    received.push(smtp.mails)
    const { port } = smtp
    await smtp.stop()
    broker = await installation.serve()
    await broker.logUntil('mail.fails')
    smtp = await startSmtpServer({ port })
    await expect.poll(() => all().length, { timeout: 120_000 }).toBe(USERS)
    await broker.logUntil('mail.leaves')
    log += await broker.log()

    expect(
      all()
        .map(({ to }) => to)
        .toSorted(),
    ).toEqual(names.map(addressOf))
    expect(new Set(all().map(({ messageId }) => messageId)).size).toBe(USERS)
    const languages = all().filter(({ raw }) => raw.includes('lang=3D"zh-CN"'))
    expect(languages).toHaveLength(USERS / 5)
  }, 240_000)

  test('the codes are in the mails, and nowhere else', async () => {
    const listed = JSON.stringify(await installation.ocbroker(['mail', 'list', '--limit', '1000']))
    const audit = JSON.stringify(await installation.ocbroker(['audit']))
    const database = readFileSync(installation.database).toString('latin1')
    const wal = readFileSync(`${installation.database}-wal`).toString('latin1')
    const places = [listed, audit, database, wal, log].join()
    // Each of them is made alike, and a search through it all takes a while.
    for (const { raw, to } of all().filter((_, index) => index % 20 === 0)) {
      const [, name = '', code = ''] = linkIn(raw) ?? []
      expect(addressOf(name)).toBe(to)
      expect(code).toMatch(/^[a-z\d]{4}(?:-[a-z\d]{4}){3}$/)
      expect(places.includes(code)).toBe(false)
    }
    expect(JSON.parse(listed)).toHaveLength(USERS)
    expect(listed).not.toMatch(/"state":"(?!sent)/)
  })

  test('the link of a mail lets its user enrol, once', async () => {
    const mail = all().find(({ to }) => to === addressOf('u042'))
    const [, name = '', code = ''] = linkIn(mail?.raw ?? '') ?? []
    const user = new FormClient(url)
    expect((await user.get(`/enrol?name=${name}`)).text).toContain(`value="${name}"`)
    expect((await user.post('/enrol/code', { name, code })).text).toContain('otpauth://')
    const another = new FormClient(url)
    await another.get('/enrol')
    expect((await another.post('/enrol/code', { name, code })).text).not.toContain('otpauth://')
  })

  test('a second invitation replaces the first; a third in a day is refused where the limit says so', async () => {
    const invite = () => installation.run(['invite', 'u001', '--mail', '--json'])
    for (const _ of [2, 3]) expect((await invite()).code).toBe(0)
    const refused = await invite()
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('as many invitations as mail.per_user allows in a day')
    await expect.poll(() => smtp.mails.filter(({ to }) => to === addressOf('u001')).length).toBeGreaterThan(0)
  })

  test('“ocbroker mail test” and doctor say what the server says', async () => {
    expect(await installation.ocbroker(['mail', 'test', 'ops@example.org'])).toMatchObject({
      to: 'ops@example.org',
      said: expect.stringMatching(/^250/),
    })
    const well = await installation.run(['doctor', '--only', 'mail', '--json'])
    expect(JSON.parse(well.stdout)).toEqual(
      expect.objectContaining({ findings: [expect.objectContaining({ about: 'mail', verdict: 'ok' })] }),
    )
    smtp.behave({ kind: 'answer', code: 550, to: 'ops@example.org' })
    const refused = await installation.run(['mail', 'test', 'ops@example.org'])
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('not sent: 550') })
    smtp.behave({ kind: 'take' })
    received.push(smtp.mails)
    await smtp.stop()
    const away = await installation.run(['mail', 'test', 'ops@example.org'])
    expect(away.stderr).toMatch(
      /not sent: 127\.0\.0\.1:\d+ cannot be used: .*ECONNREFUSED.*\ncorrect mail\.smtp\.host/s,
    )
    const sick = await installation.run(['doctor', '--only', 'mail', '--json'])
    expect(sick.stdout).toContain('cannot be used')
  })
})
