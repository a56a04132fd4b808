import { writeFileSync } from 'node:fs'
import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { hiddenCharacterIn } from '../../src/domain/hidden-characters.ts'
import { SCOPES } from '../../src/domain/scope.ts'
import { translator } from '../../src/i18n/messages.ts'
import { ask } from '../http/ask.ts'
import { type Broker, install, startBroker } from '../real/broker.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium } from '../real/chromium.ts'
import { freePort } from '../real/free-port.ts'
import { type Looks, openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { ask as askRadius, loginRequest } from '../real/radius-socket.ts'
import {
  ADMIN,
  ADMIN_PASSWORD,
  GROUPS,
  group,
  PEOPLE,
  person,
  personDn,
  SLAPD_NEEDS,
  startSlapd,
} from '../real/slapd.ts'

const PASSWORD = 'a passphrase of the tests'
const EVIL = ['\u009b31m', '\u202e', '\u200b', '\u0085', '\u00ad', '\u2028'] as const
const NAMED = /holds U\+[0-9A-F]{4} \([^)]+\), which cannot be seen: leave it out/

describeWith([...SLAPD_NEEDS, ...BROWSER_NEEDS], 'characters that nobody sees', () => {
  const resources = new AsyncDisposableStack()
  let broker: Broker
  let browser: RealBrowser
  let looks: Looks
  let url: string
  let token: string
  let boss: TestPerson

  beforeAll(async () => {
    looks = openLooks()
    const groups = EVIL.map((character, index) => group(`staff${index}${character}x`, [personDn('dora')]))
    const slapd = await startSlapd({ entries: [person('dora', PASSWORD), ...groups] })
    resources.defer(slapd.stop)
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    const corp = {
      type: 'ldap',
      urls: [slapd.url],
      bind_dn: ADMIN,
      bind_password: ADMIN_PASSWORD,
      user_base: PEOPLE,
      groups: { sources: [{ kind: 'members', base: GROUPS }] },
    }
    broker = await startBroker({
      sections: {
        http: { port, roles: { admin: ['admins'] } },
        log: { level: 'debug' },
        identity: { order: ['local', 'corp'], corp },
      },
    })
    resources.defer(broker.stop)
    const made = (await broker.ocbroker(['token', 'create', '--name', 'tests', '--scope', ...SCOPES])) as {
      readonly token: string
    }
    token = made.token
    const [added] = await addPeople(broker, [{ name: 'boss', password: PASSWORD, groups: ['admins'] }])
    boss = added ?? expect.unreachable('nobody was added')
    const stranger = 'dora\u202e\u200bgnp'
    await askRadius(broker.authPort, loginRequest({ secret: broker.secret, user: stranger, password: 'x' }))
    browser = await startChromium()
    resources.defer(browser.close)
  })

  afterAll(() => resources.disposeAsync())

  const api = (path: string, json: object, method?: string) =>
    ask(`${url}/api/v1${path}`, { token, json, method })

  test.each(EVIL)('are refused by the API, with their name: %j', async (character) => {
    const text = `ticket${character}4711`
    const reason = 'the tests say so'
    for (const [path, body, part, method] of [
      ['/users', { name: 'new', reason: text }, 'reason', 'POST'],
      ['/users', { name: text, reason }, 'name', 'POST'],
      ['/users', { name: 'new', groups: ['staff', text], reason }, 'groups/1', 'POST'],
      ['/users/boss', { groups: [text], reason }, 'groups/0', 'PATCH'],
      ['/lockouts', { scope: 'user', user: 'boss', reason: text }, 'reason', 'POST'],
      ['/lockouts', { scope: 'user', user: text, reason }, 'user', 'POST'],
      ['/enrolments/boss/revoke', { reason: text }, 'reason', 'POST'],
    ] as const)
      expect((await api(path, body, method)).json).toMatchObject({
        status: 400,
        errors: [{ path: `/body/${part}`, message: expect.stringMatching(NAMED) }],
      })
  })

  test('may be in a password', async () => {
    const body = { name: 'zoe', password: 'kX7\u200b qvzt wpj', reason: 'the tests say so' }
    expect((await api('/users', body)).status).toBe(201)
  })

  test.each(EVIL.slice(0, 2))(
    'are refused by commands, imports and the configuration, with their name: %j',
    async (character) => {
      const text = `a${character}b`
      const file = broker.folder.file('ocpasswd')
      writeFileSync(file, `${text}:*:!\nfay:${text}:!\n`)
      const sections = { policies: [{ name: text, when: { groups: [text] }, reply: { groups: [text] } }] }
      const other = await install({ sections })
      onTestFinished(other.remove)
      const input = `${PASSWORD}\n`
      for (const args of [
        ['user', 'add', text, '--password-stdin'],
        ['user', 'add', 'new', '--group', text, '--password-stdin'],
        ['lockout', 'release', 'boss', '--reason', text],
        ['pool', 'release', '10.0.0.1', '--reason', text],
        ['token', 'create', '--name', text, '--scope', 'users:read'],
        ['user', 'import', file, '--format', 'ocpasswd'],
      ]) {
        const { code, output } = await broker.run(args, { input })
        expect([code, output]).toEqual([1, expect.stringMatching(NAMED)])
        expect(output.split('\n').map(hiddenCharacterIn).filter(Boolean)).toEqual([])
      }
      const { code, output } = await other.run(['check'])
      expect(code).toBe(1)
      expect(output.match(new RegExp(NAMED, 'g'))).toHaveLength(3)
    },
  )

  test('that a directory or a stranger sent reach no terminal, file or page', async () => {
    const outputs = await Promise.all(
      [['explain', 'dora'], ['explain', 'dora', '--json'], ['audit'], ['audit', '--json']].map(
        async (args) => (await broker.run(args)).output,
      ),
    )
    for (const format of ['csv', 'ndjson'])
      outputs.push((await ask(`${url}/api/v1/audit-events/export?format=${format}`, { token })).text)
    for (const output of outputs)
      expect(output.split(/\r?\n/).map(hiddenCharacterIn).filter(Boolean)).toEqual([])
    const [lines = '', json = '', audit = ''] = outputs
    expect(lines).toContain('staff0\\u{9b}31mx')
    expect(lines).toContain('staff1\\u{202e}x')
    expect(JSON.parse(json).stores[1].groups).toContain('staff1\u202ex')
    expect(audit).toContain('dora\\u{202e}\\u{200b}gnp')
    const csv = outputs.at(-2) ?? ''
    expect(csv).toContain('dora\\u{202e}\\u{200b}gnp')
  })

  test.each(['en', 'zh-CN'] as const)(
    'are named by the desk, and written out on its pages (%s)',
    async (locale) => {
      const { page, complaints, leave } = await browser.visit(url, { locale })
      onTestFinished(leave)
      await page.goto(`${url}/desk`)
      await page.fill('#name', 'boss')
      await page.fill('#password', PASSWORD)
      await page.locator('#password').press('Enter')
      await page.locator('#code').waitFor()
      const epoch = Math.floor(Date.now() / 1000) + (locale === 'en' ? 0 : 30)
      await page.fill('#code', generateSync({ secret: boss.key, epoch }))
      await page.locator('#code').press('Enter')
      await page.waitForURL('**/desk')
      await page.goto(`${url}/desk/lock`)
      await page.fill('#user', 'mallory')
      await page.fill('input[name="reason"]', 'called in\u202e again')
      await page.locator('input[name="reason"]').press('Enter')
      const character = 'U+202E (RIGHT-TO-LEFT OVERRIDE)'
      const said = translator(locale)('admin.problem.hidden', { character })
      await page.getByRole('alert').getByText(said).waitFor()
      expect(await looks.examine(page, `${locale}-lock-hidden-character`)).toEqual([])
      await page.goto(`${url}/desk/audit`)
      await page.getByText('dora\\u{202e}\\u{200b}gnp').first().waitFor()
      expect(await looks.examine(page, `${locale}-audit-hidden-character`)).toEqual([])
      await page.goto(`${url}/desk/users/dora?tab=account`)
      expect(await page.locator('main').innerText()).toContain('staff1\\u{202e}x')
      expect((await page.content()).split('\n').map(hiddenCharacterIn).filter(Boolean)).toEqual([])
      expect(await looks.examine(page, `${locale}-user-hidden-character`)).toEqual([])
      expect(complaints()).toEqual([])
    },
  )
})
