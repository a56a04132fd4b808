import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scanPng } from '../real/authenticator.ts'
import { type Installation, install } from '../real/broker.ts'
import { makeAuthority } from '../real/certificates.ts'
import { EXIM_NEEDS, type Exim, startExim } from '../real/exim.ts'
import { temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { thisMachine } from '../real/process.ts'

const PASSWORD = 'let-me-send'
const PORTAL = 'https://vpn.example.org'
const DELIVERED_WITHIN = 60_000
/** A busy machine takes longer than a command may usually take. */
const COMMAND_WITHIN = 120_000

/** Exim, as Debian has it: another implementation of SMTP, TLS and MIME than the broker's. */
describeWith(EXIM_NEEDS, 'mails by a mail server with STARTTLS and login', () => {
  const resources = new AsyncDisposableStack()
  let exim: Exim
  let installation: Installation
  let authority: string
  let stranger: string

  beforeAll(async () => {
    const folder = temporaryFolder('exim')
    resources.defer(folder.remove)
    const [own, other] = [await makeAuthority(folder), await makeAuthority(folder, 'stranger')]
    authority = own.file
    stranger = other.file
    const issued = await own.issue('localhost', 'DNS:localhost')
    exim = await startExim({ folder, ...issued, user: 'vpn', password: PASSWORD })
    resources.defer(exim.stop)
    installation = await install()
    resources.defer(installation.remove)
    configure()
    writeFileSync(installation.folder.file('right.password'), PASSWORD, { mode: 0o600 })
    writeFileSync(installation.folder.file('wrong.password'), 'let-me-in', { mode: 0o600 })
  }, 120_000)
  afterAll(() => resources.disposeAsync())

  function configure(smtp: object = {}): void {
    installation.configure({
      portal: { public_url: PORTAL },
      mail: {
        from: 'Example VPN <vpn@example.org>',
        smtp: {
          ...{ host: 'localhost', port: exim.port, tls: 'starttls', ca_file: authority },
          ...{ username: 'vpn', password_file: 'right.password' },
          ...smtp,
        },
      },
    })
  }

  function run(args: readonly string[], input?: string) {
    return thisMachine.run(...installation.words(...args), { input, within: COMMAND_WITHIN })
  }

  test('an invitation arrives whole, in the language of its user, and its picture is the link', async () => {
    for (const [name, language] of [
      ['ada', 'en'],
      ['bai', 'zh-CN'],
    ] as const)
      await run(
        [
          ...['user', 'add', name, '--password-stdin'],
          ...['--mail', `${name}@example.org`, '--language', language],
        ],
        'correct horse battery\n',
      )
    const invited = await run(['invite', 'ada', 'bai', '--mail', '--for', '7d'])
    expect([invited.code, invited.stderr]).toEqual([0, ''])
    const broker = await installation.serve()
    try {
      const arrived = async () => (await exim.delivered()).map(({ to }) => to).toSorted()
      await expect
        .poll(arrived, { timeout: DELIVERED_WITHIN, interval: 500 })
        .toEqual(['ada@example.org', 'bai@example.org'])
    } finally {
      await broker.stop()
    }
    const mails = new Map((await exim.delivered()).map((mail) => [mail.to, mail]))
    for (const [name, subject, words] of [
      ['ada', 'ocbroker: set up your authenticator', 'Hello ada,'],
      ['bai', 'ocbroker：请绑定身份验证器', 'bai，您好：'],
    ] as const) {
      const mail = mails.get(`${name}@example.org`)
      const link = new RegExp(`${PORTAL}/enrol\\?name=${name}#(?:[a-z\\d]{4}-){3}[a-z\\d]{4}`)
      const [url = ''] = link.exec(mail?.text ?? '') ?? []
      expect(mail?.defects).toEqual([])
      expect(mail?.subject).toBe(subject)
      expect(mail?.text).toContain(words)
      expect(mail?.html).toContain(`href="${url}"`)
      expect(mail?.html).toContain(`lang="${name === 'ada' ? 'en' : 'zh-CN'}"`)
      expect(mail?.received).toMatch(/esmtpsa.*TLS1\.[23]/s)
      expect(mail?.pictures.map((picture) => scanPng(Buffer.from(picture, 'base64')))).toEqual([url])
    }
  }, 600_000)

  test('“ocbroker mail test” names a wrong password, an unknown authority, another host and an unknown user', async () => {
    const sent = (to = 'ops') => run(['mail', 'test', `${to}@example.org`])
    for (const [wrong, cause, remedy] of [
      [
        { password_file: 'wrong.password' },
        /refuses the login: .*535/,
        /mail\.smtp\.username and the password/,
      ],
      [{ ca_file: stranger }, /a certificate that is not trusted: /, /mail\.smtp\.ca_file/],
      [{ server_name: 'mail.example.org' }, /not trusted: .*altnames/, /or server_name/],
    ] as const) {
      configure(wrong)
      const { code, stderr } = await sent()
      expect([code, stderr]).toEqual([1, expect.stringMatching(cause)])
      expect(stderr).toMatch(remedy)
      expect(stderr).toContain(`localhost:${exim.port}`)
      expect(stderr).not.toContain('let-me-in')
    }
    configure()
    const unknown = await sent('gone')
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('550 no such user')])
    expect(await sent()).toMatchObject({ code: 0, stdout: expect.stringContaining('250 OK id=') })
  }, 600_000)
})
