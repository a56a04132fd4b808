import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { NOTICE_KINDS } from '../../src/domain/mail.ts'
import { configOf, GATEWAY, load } from './loading.ts'

const PORTAL = 'portal: { public_url: https://vpn.example.org }'
const loadMail = (mail: object, portal = PORTAL) =>
  load(`${GATEWAY}\n${portal}\nmail: ${JSON.stringify(mail)}\n`, (folder) => {
    writeFileSync(folder.file('password'), 'let-me-send\n', { mode: 0o600 })
    writeFileSync(folder.file('ca.pem'), '-----BEGIN CERTIFICATE-----\n')
  })
const problemsOf = async (mail: object, portal?: string) => {
  const loaded = await loadMail(mail, portal)
  const all = 'faults' in loaded ? loaded.faults : loaded.warnings
  return all.map(({ path, problem, suggestion }) => [`${path} ${problem}`, suggestion])
}
const from = 'Example VPN <vpn@example.org>'
const smtp = (more: object = {}) => ({ from, smtp: { host: 'mail.example.org', ...more } })
const login = { username: 'vpn', password_file: 'password' }

test('no mails are sent where nothing is said', async () => {
  expect((await configOf(GATEWAY)).mail).toBeUndefined()
})

test('a mail server is spoken to with STARTTLS, and everything is told', async () => {
  const loaded = await loadMail(smtp({ ...login, ca_file: 'ca.pem' }))
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
  const { mail } = loaded.config
  expect(mail).toMatchObject({
    from: { name: 'Example VPN', address: 'vpn@example.org' },
    way: { kind: 'smtp', host: 'mail.example.org', port: 587, tls: 'starttls', username: 'vpn' },
    perUser: 10,
    notices: new Set(NOTICE_KINDS),
    warnBeforeMs: 14 * 86_400_000,
  })
  expect(JSON.stringify(mail)).not.toContain('let-me-send')
  expect(mail?.way.kind === 'smtp' && mail.way.password?.reveal()).toBe('let-me-send')
  expect(loaded.warnings).toEqual([])
})

test.each([
  ['implicit', 465],
  ['none', 25],
])('with tls: %s the port is %i', async (tls, port) => {
  const loaded = await loadMail({ from, smtp: { host: '127.0.0.1', tls } })
  expect(loaded).toMatchObject({ config: { mail: { way: { port } } }, warnings: [] })
})

test('each kind of notice can be turned off', async () => {
  const loaded = await loadMail({ ...smtp(), notices: { locked: false, wrong_code: false } })
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
  const rest = NOTICE_KINDS.filter((kind) => kind !== 'locked' && kind !== 'wrong_code')
  expect(loaded.config.mail?.notices).toEqual(new Set(rest))
})

test('a password goes across the network with TLS, or not at all', async () => {
  expect(await problemsOf(smtp({ ...login, tls: 'none' }))).toEqual([
    ['mail.smtp.tls would send the password across the network unencrypted', 'write starttls'],
  ])
  expect(await problemsOf(smtp({ tls: 'none' }))).toEqual([
    ['mail.smtp.tls sends invitations across the network unencrypted', 'write starttls, or implicit'],
  ])
  expect(await problemsOf({ from, smtp: { host: '127.0.0.1', tls: 'none', ...login } })).toEqual([])
})

test.each<[object, readonly (readonly [string, string | undefined])[], string?]>([
  [{ from }, [['mail does not say how mails are sent', 'add smtp, with the host of a mail server']]],
  [{ ...smtp(), folder: 'out' }, [['mail has smtp and folder', 'keep one of them']]],
  [
    { from, pipe: ['sendmail', '-t'] },
    [['mail.pipe[0] "sendmail" is not an absolute path', 'write /usr/sbin/sendmail']],
  ],
  [smtp({ username: 'vpn' }), [['mail.smtp has a username and no password_file', 'name both, or neither']]],
  [
    smtp({ tls: 'none', ca_file: 'ca.pem', host: 'localhost' }),
    [['mail.smtp.ca_file has no meaning without TLS', 'write tls: starttls']],
  ],
  [
    smtp(),
    [
      [
        'mail needs the address of the portal, which mails link to',
        'add portal: { public_url: https://vpn.example.org }',
      ],
    ],
    '',
  ],
])('%j has its fault named', async (mail, problems, portal) => {
  expect(await problemsOf(mail, portal)).toEqual(problems)
})

test.each(['vpn', 'a@b, c@d', 'A <a@b> <c@d>', 'VPN <vpn>', 'A\n <a@b>'])(
  '%j is no sender',
  async (wrong) => {
    const loaded = await loadMail({ ...smtp(), from: wrong })
    expect(loaded).toMatchObject({
      faults: [{ path: 'mail.from', problem: expect.stringContaining('is not a sender') }],
    })
  },
)
