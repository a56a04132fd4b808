import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, type HttpAnswer } from '../http/ask.ts'
import { FormClient, headingOf, problemOn } from '../http/form-client.ts'
import { runCommand } from '../http/run-command.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { freePort } from '../real/free-port.ts'
import { ask as askGateway, loginRequest } from '../real/radius-socket.ts'

const GOOD = 'lantern quarry velvet moss'
const REASON = 'ticket 4711'

describe('a link by which a user chooses a password', () => {
  const resources = new AsyncDisposableStack()
  let fixture: TestBroker
  let token: string
  let count = 0

  beforeAll(async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const roles = {
      admin: ['admins'],
      desk: [{ groups: ['helpdesk-fra'], over: ['staff-fra'] }],
      auditor: ['auditors'],
    }
    fixture = await startTestBroker(
      {
        http: { port, roles },
        portal: { public_url: url },
        mail: { from: 'vpn@example.org', folder: 'mail-out', per_user: 2 },
      },
      (end) => void resources.defer(end),
    )
    token = await fixture.token()
  })
  afterAll(() => resources.disposeAsync())

  async function newUser(groups: readonly string[] = ['staff-fra']): Promise<string> {
    count += 1
    const name = `user-${count}`
    await fixture.addUser(name, groups)
    return name
  }

  const make = (name: string, more: object = {}, by = token) =>
    ask(`${fixture.url}/api/v1/users/${name}/password-link`, {
      token: by,
      json: { reason: REASON, ...more },
    })
  const codeFor = async (name: string) => String((await make(name)).json.code)

  async function choose(name: string, code: string, password = GOOD, again = password) {
    const client = new FormClient(fixture.url)
    await client.get(`/choose-password?name=${name}`)
    return client.post('/choose-password', { name, code, password, again })
  }

  const firstFactor = async (user: string, password: string) => {
    const request = loginRequest({ secret: 'between-gateway-and-broker', user, password, signed: true })
    return (await askGateway(fixture.authPort, request))?.code
  }

  test('sets the password once, keeps the second factor, and signs nobody in', async () => {
    const name = await newUser()
    await fixture.enrol(name)
    const browser = new FormClient(fixture.url)
    await browser.get('/')
    await browser.post('/sign-in', { name, password: PASSWORD })
    expect(headingOf(await browser.post('/code', { code: fixture.code() }))).toBe('Your account')
    const code = await codeFor(name)
    const client = new FormClient(fixture.url)
    for (let looks = 0; looks < 3; looks++)
      expect((await client.get(`/choose-password?name=${name}`)).status).toBe(200)
    const done = await client.post('/choose-password', {
      name,
      code: ` ${code.toUpperCase()} `,
      password: GOOD,
      again: GOOD,
    })
    expect(headingOf(done)).toBe('Your password is set')
    expect((await client.get('/')).text).toContain('id="password"')
    expect(headingOf(await browser.get('/'))).toBe('Sign in')
    expect(await firstFactor(name, PASSWORD)).toBe('Access-Reject')
    expect(await firstFactor(name, GOOD)).toBe('Access-Challenge')
    expect(await fixture.records.enrolments.registeredOf(name)).toHaveLength(1)
    expect(problemOn(await choose(name, code))).toContain('has been used already')
    const events = await fixture.records.audit.list({
      user: name,
      kinds: ['password_link.made', 'user.changed'],
      limit: 9,
    })
    expect(events.map(({ kind, actor, detail }) => [kind, actor, detail])).toEqual([
      ['user.changed', undefined, 'new password: by password link'],
      ['password_link.made', expect.stringMatching(/^token-.* \(token\)$/), REASON],
    ])
  })

  test('lets a password that is refused be typed again', async () => {
    const name = await newUser()
    await fixture.enrol(name)
    const code = await codeFor(name)
    expect(problemOn(await choose(name, code, 'password1234'))).toContain('most common')
    expect(problemOn(await choose(name, code, 'short'))).toContain('characters')
    expect(problemOn(await choose(name, code, GOOD, 'another one altogether'))).toContain('differ')
    expect(await firstFactor(name, PASSWORD)).toBe('Access-Challenge')
    expect(headingOf(await choose(name, code))).toBe('Your password is set')
  })

  test('goes to one of many who use it at once', async () => {
    const name = await newUser()
    await fixture.enrol(name)
    const code = await codeFor(name)
    const words = Array.from({ length: 6 }, (_, index) => `${GOOD} ${index}`)
    const answers = await Promise.all(words.map((password) => choose(name, code, password)))
    const won = answers.flatMap((answer, index) =>
      headingOf(answer) === 'Your password is set' ? [words[index] ?? ''] : [],
    )
    expect(won).toHaveLength(1)
    const stored = (await fixture.records.users.find(name))?.revision
    expect(stored).toBe(1)
    expect(await firstFactor(name, won[0] ?? '')).toBe('Access-Challenge')
  })

  test.each([
    ['a newer one', async (name: string): Promise<void> => void (await make(name))],
    ['another new password', (name: string) => change(name, { password: `${GOOD} other` })],
    ['new groups', (name: string) => change(name, { groups: ['admins'] })],
    [
      'being disabled',
      async (name: string) => {
        await change(name, { enabled: false })
        await change(name, { enabled: true })
      },
    ],
    ['the end of the account', (name: string) => change(name, { expiresAt: '2020-01-01T00:00:00Z' })],
    [
      'removal',
      async (name: string) => {
        await fixture.records.users.remove(name)
        await fixture.addUser(name)
      },
    ],
  ] as const)('is ended by %s', async (_, ended) => {
    const name = await newUser()
    const code = await codeFor(name)
    await ended(name)
    const before = (await fixture.records.users.find(name))?.passwordHash
    expect(problemOn(await choose(name, code))).toContain('not valid')
    expect((await fixture.records.users.find(name))?.passwordHash).toBe(before)
  })

  async function change(name: string, json: object): Promise<void> {
    const answer: HttpAnswer = await ask(`${fixture.url}/api/v1/users/${name}`, {
      ...{ token, method: 'PATCH' },
      json: { reason: REASON, ...json },
    })
    expect(answer.status).toBe(200)
  }

  test('is of its user alone, and expires', async () => {
    const [name, other] = [await newUser(), await newUser()]
    const code = await codeFor(name)
    expect(problemOn(await choose(other, code))).toContain('not valid')
    expect(problemOn(await choose(name, 'abcd-efgh-jkmn-pqrs-tuvw'))).toContain('not valid')
    const link = await fixture.records.passwordLinks.ofUser(name)
    if (link === undefined) throw new Error('there is no link')
    expect(link.expiresAt - link.createdAt).toBe(24 * 3_600_000)
    await fixture.records.passwordLinks.put({ ...link, expiresAt: Date.now() })
    expect(problemOn(await choose(name, code))).toContain('expired')
  })

  test('is made only by somebody with the right over its user', async () => {
    const [fra, ber, chief] = [
      await newUser(['staff-fra']),
      await newUser(['staff-ber']),
      await newUser(['staff-fra', 'admins']),
    ]
    const reader = await fixture.token(['users:write', 'enrolments:write'])
    expect((await make(fra, {}, reader)).status).toBe(403)
    const mailer = await fixture.token(['passwords:mail'])
    expect((await make(fra, {}, mailer)).status).toBe(403)
    expect((await make(fra, { byMail: true }, mailer)).status).toBe(400)
    const weak = await fixture.token(['passwords:mail', 'passwords:write'])
    expect((await make(fra, {}, weak)).status).toBe(201)
    expect((await make(chief, {}, weak)).status).toBe(403)
    expect((await make('nobody-at-all')).status).toBe(404)

    const signedIn = async (groups: readonly string[]) => {
      const name = await newUser(groups)
      await fixture.enrol(name)
      const client = new FormClient(fixture.url)
      await client.get('/')
      await client.post('/sign-in', { name, password: PASSWORD })
      await client.post('/code', { code: fixture.code() })
      return client
    }
    const part = await signedIn(['helpdesk-fra'])
    const admin = await signedIn(['admins'])
    const page = (await part.get(`/desk/users/${fra}?tab=account`)).text
    expect(page).toContain('/password-link"')
    expect(page).toContain('<input type="hidden" name="by" value="mail">')
    const link = (client: FormClient, name: string, more = {}) =>
      client.post(`/desk/users/${name}/password-link`, { reason: REASON, ...more })
    await change(fra, { mail: `${fra}@example.org` })
    expect((await link(part, fra)).status).toBe(403)
    const mailed = await link(part, fra, { by: 'mail' })
    expect(headingOf(mailed)).toBe(`Password link for ${fra}`)
    expect(mailed.text).not.toContain('/choose-password?')
    await admin.get(`/desk/users/${fra}?tab=account`)
    expect((await link(admin, fra)).text).toContain('/choose-password?')
    for (const name of [ber, chief]) expect((await link(part, name, { by: 'mail' })).status).toBe(403)
    expect(await fixture.records.passwordLinks.ofUser(chief)).toBeUndefined()
    const help = await signedIn(['auditors'])
    expect((await help.get(`/desk/users/${fra}?tab=account`)).text).not.toContain('/password-link"')
    expect((await link(help, fra)).status).toBe(403)
    expect(problemOn(await part.post(`/desk/users/${fra}/password-link`))).toContain('reason')
  })

  test('is sent by mail, and then shown to nobody else', async () => {
    const name = await newUser()
    expect((await make(name, { byMail: true })).text).toContain('no mail address')
    await change(name, { mail: `${name}@example.org` })
    const sent = await make(name, { byMail: true })
    expect(sent.json).toEqual({ mailedTo: `${name}@example.org`, until: expect.any(String) })
    const folder = fixture.folder.file('mail-out')
    const mails = () =>
      readdirSync(folder).map((file) =>
        readFileSync(`${folder}/${file}`, 'utf8')
          .replaceAll(/=\r?\n/g, '')
          .replaceAll('=3D', '='),
      )
    await expect
      .poll(() => mails().some((mail) => mail.includes(`To: ${name}@`)), { timeout: 20_000 })
      .toBe(true)
    const mail = mails().find((each) => each.includes(`To: ${name}@`)) ?? ''
    const [, code = ''] = /\/choose-password\?name=user-\d+#([a-z\d-]+)/.exec(mail) ?? []
    expect(headingOf(await choose(name, code))).toBe('Your password is set')
    expect((await make(name, { byMail: true })).status).toBe(201)
    expect((await make(name, { byMail: true })).text).toContain('per_user')
  })

  test('comes with the user who is added on the desk, and from the command', async () => {
    const admin = await newUser(['admins'])
    await fixture.enrol(admin)
    const client = new FormClient(fixture.url)
    await client.get('/')
    await client.post('/sign-in', { name: admin, password: PASSWORD })
    await client.post('/code', { code: fixture.code() })
    await client.get('/desk/add-user')
    const added = await client.post('/desk/add-user', { name: 'Fresh.Frida', by: 'link', reason: REASON })
    const link = /id="link">([^<]+)</.exec(added.text)?.[1] ?? ''
    expect(link).toMatch(/\/choose-password\?name=fresh\.frida#[a-z\d-]{24}$/)
    expect(added.headers['content-encoding']).toBeUndefined()
    const unsent = await client.post('/desk/add-user', { name: 'mailless', by: 'mail', reason: REASON })
    expect(problemOn(unsent)).toContain('No mail address')
    expect(await fixture.records.users.find('mailless')).toBeUndefined()

    const args = [
      'user',
      'password-link',
      'fresh.frida',
      '--config',
      fixture.folder.file('broker.yaml'),
      '--json',
    ]
    const shown = JSON.parse(await runCommand(...args, '--reason', REASON)) as { code: string; link: string }
    expect(shown.link).toBe(`${fixture.url}/choose-password?name=fresh.frida#${shown.code}`)
    expect(problemOn(await choose('fresh.frida', link.split('#')[1] ?? ''))).toContain('not valid')
    expect(headingOf(await choose('fresh.frida', shown.code))).toBe('Your password is set')
    const page = await client.get('/desk/users/fresh.frida?tab=account')
    expect(page.text).toContain('The last link was used')
  })

  test('stands with its code in no log, event or record', async () => {
    const name = await newUser()
    const code = await codeFor(name)
    await choose(name, code, 'short')
    await choose(name, code)
    const log = await fixture.log()
    const events = JSON.stringify(await fixture.records.audit.list({ limit: 500 }))
    const file = readFileSync(fixture.folder.file('broker.db'), 'latin1')
    const wal = readFileSync(fixture.folder.file('broker.db-wal'), 'latin1')
    for (const text of [log, events, file, wal])
      for (const secret of [code, code.replaceAll('-', ''), GOOD]) expect(text.includes(secret)).toBe(false)
    expect(log).toContain('password_link.made')
  })
})
