import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { FormClient, headingOf, problemOn } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { scan } from '../real/authenticator.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium, type Visitor } from '../real/chromium.ts'
import { type Looks, openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'

const RECOVERY_CODE = /^[a-z2-9]{4}(-[a-z2-9]{4}){3}$/

const FAST_CLOCK = /about \d+ seconds fast|大约快了 \d+ 秒/

describeWith(BROWSER_NEEDS, 'the portal in a browser', () => {
  const resources = new AsyncDisposableStack()
  let browser: RealBrowser
  let fixture: TestBroker
  let looks: Looks

  beforeAll(async () => {
    looks = openLooks()
    fixture = await startTestBroker({}, (end) => void resources.defer(end))
    browser = await startChromium()
    resources.defer(browser.close)
  })

  afterAll(() => resources.disposeAsync())

  async function visit(options: Parameters<RealBrowser['visit']>[1] = {}): Promise<Visitor> {
    const visitor = await browser.visit(fixture.url, options)
    onTestFinished(visitor.leave)
    await visitor.page.goto(fixture.url)
    return visitor
  }

  for (const locale of ['en-GB', 'zh-CN'] as const) {
    test(`leads a user from the password to the recovery codes, and back in with a code (${locale})`, async () => {
      const user = `user-${locale.toLowerCase()}`
      await fixture.addUser(user)
      const { page, complaints } = await visit({ locale })
      const look = async (name: string) => expect(await looks.examine(page, `${locale}-${name}`)).toEqual([])
      expect(await page.locator('html').getAttribute('lang')).toBe(locale === 'zh-CN' ? 'zh-CN' : 'en')

      await look('sign-in')
      await signIn(page, user, 'a wrong password')
      await page.getByRole('alert').waitFor()
      await look('sign-in-refused')
      await signIn(page, user)

      await page.waitForURL('**/enrol')
      await look('enrol')
      const app = await scan(page.locator('svg.qr'))
      expect(app.label).toBe(`ocbroker:${user}`)
      // What is typed is what was scanned, and what the link opens.
      const shown = (await page.locator('#key').innerText()).trim().replaceAll(/\s+/g, ' ')
      expect(shown).toMatch(/^([A-Z2-7]{4} )*[A-Z2-7]{1,4}$/)
      expect(shown.replaceAll(' ', '')).toBe(app.key)
      expect(await page.locator('a[href^="otpauth:"]').getAttribute('href')).toContain(`secret=${app.key}`)

      await page.fill('#code', '000000')
      await page.locator('#code').press('Enter')
      await page.getByRole('alert').waitFor()
      await look('enrol-wrong-code')
      await page.fill('#code', app.code(3))
      await page.locator('#code').press('Enter')
      await page.getByRole('alert').getByText(FAST_CLOCK).waitFor()
      await look('enrol-fast-clock')
      // The same key is still shown, and the right code is taken with a blank in its middle, as apps show it.
      expect((await scan(page.locator('svg.qr'))).key).toBe(app.key)
      await page.fill('#code', app.code().replace(/^.../, '$& '))
      await page.locator('#code').press('Enter')

      await page.locator('#codes').waitFor()
      await look('recovery-codes')
      const codes = (await page.locator('#codes li').allInnerTexts()).map((code) => code.trim())
      expect(codes).toHaveLength(10)
      for (const code of codes) expect(code).toMatch(RECOVERY_CODE)
      const file = await download(page)
      expect(file.name).toBe('recovery-codes.txt')
      for (const code of codes) expect(file.text).toContain(code)

      // Neither a reload nor the way back loses them or sends a form again.
      await page.goto(fixture.url)
      await page.waitForURL('**/recovery-codes')
      await page.reload()
      expect((await page.locator('#codes li').allInnerTexts()).map((code) => code.trim())).toEqual(codes)
      await saveCodes(page)
      await page.waitForURL('**/done')
      await look('done')
      await page.locator('a.button[href="/"]').click()
      await page.locator('.facts').waitFor()
      await look('account')
      await page.locator('form[action="/sign-out"] button').click()
      await page.locator('#password').waitFor()

      await signIn(page, user)
      await page.locator('#code').waitFor()
      await look('code')
      await page.fill('#code', '000000')
      await page.locator('#code').press('Enter')
      await page.getByRole('alert').waitFor()
      await look('code-wrong')
      // A phone that has become fast is set right by two codes in a row.
      await page.fill('#code', app.code(4))
      await page.locator('#code').press('Enter')
      await page.locator('#code').and(page.locator(':invalid')).waitFor()
      await page.fill('#code', app.code(5))
      await page.locator('#code').press('Enter')
      await page.locator('.facts').waitFor()
      await page.locator('.notice.warn').getByText(FAST_CLOCK).waitFor()
      await look('account-fast-clock')

      for (const action of ['replace', 'recovery-codes', 'remove']) {
        await page.goto(`${fixture.url}/authenticator/${action}`)
        await look(`prove-${action}`)
      }
      await page.fill('#code', codes[0] ?? '')
      await page.locator('#code').press('Enter')
      await page.waitForURL('**/authenticator/remove')
      await page.locator('a.button[href="/"]').waitFor()
      await look('removed')
      expect((await fixture.records.enrolments.ofSubject(user))[0]).toBeUndefined()

      await page.goto(`${fixture.url}/enrol`)
      await look('leave')
      await page.goto(`${fixture.url}/nowhere`)
      await look('not-found')
      expect(complaints()).toEqual([])
    })
  }

  test('weighs less than 60 kB with all assets, which browsers cache', async () => {
    await fixture.addUser('light')
    const { page, weight, complaints } = await visit()
    await signIn(page, 'light')
    await page.waitForURL('**/enrol')
    const app = await scan(page.locator('svg.qr'))
    await page.fill('#code', app.code())
    await page.locator('#code').press('Enter')
    await page.locator('#codes').waitFor()
    await saveCodes(page)
    await page.goto(fixture.url)
    await page.locator('.facts').waitFor()
    // Six pages with all that they load.
    expect(await weight()).toBeLessThan(60_000)
    expect(complaints()).toEqual([])
  })

  test('works without JavaScript', async () => {
    await fixture.addUser('plain')
    const { page, complaints } = await visit({ javaScriptEnabled: false })
    await signIn(page, 'plain')
    await page.waitForURL('**/enrol')
    // What only a script could do is not offered.
    expect(await page.locator('[data-copy]:visible, [data-print]:visible').count()).toBe(0)
    const app = await scan(page.locator('svg.qr'))
    await page.fill('#code', app.code())
    await page.locator('#code').press('Enter')
    await page.locator('#codes').waitFor()
    const codes = (await page.locator('#codes li').allInnerTexts()).map((code) => code.trim())
    const file = await download(page)
    for (const code of codes) expect(file.text).toContain(code)

    await saveCodes(page)
    await page.goto(fixture.url)
    await page.locator('a[href="/authenticator/recovery-codes"]').click()
    await page.fill('#code', codes[0] ?? '')
    await page.locator('#code').press('Enter')
    await page.locator('#codes').waitFor()
    const renewed = (await page.locator('#codes li').allInnerTexts()).map((code) => code.trim())
    expect(renewed).toHaveLength(10)
    expect(renewed.filter((code) => codes.includes(code))).toEqual([])

    await page.goto(`${fixture.url}/authenticator/replace`)
    await page.fill('#code', renewed[0] ?? '')
    await page.locator('#code').press('Enter')
    await page.waitForURL('**/enrol')
    const another = await scan(page.locator('svg.qr'))
    expect(another.key).not.toBe(app.key)
    const before = (await fixture.records.enrolments.ofSubject('plain'))[0]
    await page.fill('#code', another.code())
    await page.locator('#code').press('Enter')
    await page.locator('#codes').waitFor()
    expect((await fixture.records.enrolments.ofSubject('plain'))[0]?.id).not.toBe(before?.id)
    expect(complaints()).toEqual([])
  })

  test('works with the keyboard alone', async () => {
    await fixture.addUser('keys')
    const { page, complaints } = await visit()
    const { keyboard } = page
    await page.goto(`${fixture.url}/done`)
    await keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.className')).toBe('skip')
    await keyboard.press('Enter')
    expect(page.url()).toMatch(/#content$/)
    await page.goto(fixture.url)
    await tabTo(page, 'name')
    await keyboard.type('keys')
    await tabTo(page, 'password')
    await keyboard.type(PASSWORD)
    await keyboard.press('Enter')
    await page.waitForURL('**/enrol')
    const app = await scan(page.locator('svg.qr'))
    await tabTo(page, 'code')
    await keyboard.type(app.code())
    await keyboard.press('Tab')
    expect(await focusIsSeen(page)).toBe(true)
    await keyboard.press('Enter')
    await page.locator('#codes').waitFor()
    for (let stop = 0; stop < 20; stop++) {
      await keyboard.press('Tab')
      if ((await page.evaluate('document.activeElement.name')) === 'saved') break
    }
    await keyboard.press('Space')
    await keyboard.press('Enter')
    await page.waitForURL('**/done')
    expect(complaints()).toEqual([])
  })

  test('copies the key and the codes, and prints the codes on a sheet of their own', async () => {
    await fixture.addUser('copyist')
    const { page, complaints } = await visit({ permissions: ['clipboard-read', 'clipboard-write'] })
    const clipboard = () => page.evaluate<string>('navigator.clipboard.readText()')
    await signIn(page, 'copyist')
    await page.waitForURL('**/enrol')
    const app = await scan(page.locator('svg.qr'))
    await page.locator('[data-copy="key"]').click()
    await expect.poll(clipboard).toBe(app.key)
    await page.fill('#code', app.code())
    await page.locator('#code').press('Enter')
    await page.locator('#codes').waitFor()
    const codes = (await page.locator('#codes li').allInnerTexts()).map((code) => code.trim())
    await page.locator('[data-copy="codes"]').click()
    await expect.poll(clipboard).toBe(codes.join('\n'))
    await page.emulateMedia({ media: 'print' })
    const sheet = await page.locator('main').innerText()
    for (const code of codes) expect(sheet).toContain(code)
    expect(sheet).toContain('Recovery codes of copyist for ocbroker')
    expect(sheet).toContain(
      `Each code works once. Enter it in place of a code from your app: where the VPN asks for one, or at ${fixture.url}.`,
    )
    expect(await page.locator('button:visible, header:visible, .button:visible').count()).toBe(0)
    await looks.take(page, 'recovery-codes-print')
    expect(complaints()).toEqual([])
  })

  test('does not show the key and the codes again', async () => {
    await fixture.addUser('past')
    const { page } = await visit()
    await signIn(page, 'past')
    await page.waitForURL('**/enrol')
    const app = await scan(page.locator('svg.qr'))
    await page.fill('#code', app.code())
    await page.locator('#code').press('Enter')
    await page.locator('#codes').waitFor()
    const [code = ''] = await page.locator('#codes li').allInnerTexts()
    // Nobody leaves before the tick, which the page and the broker want.
    await page.locator('form[action="/recovery-codes/saved"] button').click()
    expect(await page.locator('input[name="saved"]:invalid').count()).toBe(1)
    await page.evaluate('document.querySelector(\'form[action="/recovery-codes/saved"]\').noValidate = true')
    await page.locator('form[action="/recovery-codes/saved"] button').click()
    await page.getByRole('alert').waitFor()
    await saveCodes(page)
    await page.waitForURL('**/done')
    const seen: string[] = []
    for (let step = 0; step < 3; step++) {
      // The browser may rather show that it has not kept the page.
      await page.goBack({ timeout: 3000 }).catch(() => undefined)
      await page.waitForLoadState().catch(() => undefined)
      await expect.poll(() => page.content().then(seen.push.bind(seen), () => 0)).toBeGreaterThan(step)
    }
    expect(seen.join('\n')).not.toContain(code.trim())
    expect(seen.join('\n')).not.toContain(app.key)
    // Neither does any address hold a secret.
    expect(page.url()).not.toContain(app.key)
  })

  test('tells a locked user until when, and a signed-in user the recent activity', async () => {
    await fixture.addUser('unlucky')
    await fixture.addUser('watched')
    await fixture.enrol('watched')
    const { page, complaints } = await visit()
    for (let guess = 0; guess < 5; guess++) await signIn(page, 'unlucky', `guess ${guess}`)
    await signIn(page, 'unlucky')
    await expect.poll(() => page.getByRole('alert').innerText()).toMatch(/Try again in 5 minutes/)
    expect(await looks.examine(page, 'en-GB-locked')).toEqual([])

    for (const address of ['198.51.100.7', '2001:db8:1234:5678:9abc:def0:1234:5678'])
      await fixture.records.lockouts.lock({
        id: systemRandom.id(),
        scope: 'user_address',
        user: 'watched',
        address,
        reason: 'by a test',
        by: 'a test',
        since: Date.now(),
        until: Date.now() + 3_600_000,
      })
    await connectedOnce(fixture, 'watched')
    await signIn(page, 'watched')
    await page.fill('#code', fixture.code())
    await page.locator('#code').press('Enter')
    await page.locator('.facts').waitFor()
    const text = await page.locator('main').innerText()
    expect(text).toContain('198.51.100.7')
    expect(text).toContain('Signed in')
    expect(text).toContain('10.8.0.7')
    expect(await looks.examine(page, 'en-GB-account-locked')).toEqual([])
    expect(complaints()).toEqual([])
  })
  test('asks about odd refusals: “No” tells the desk and leads to a new password, which ends other sign-ins', async () => {
    await fixture.addUser('asked', ['admins'])
    const event = { kind: 'login.refused', reason: 'bad_credentials', user: 'asked', gateway: 'gw1' } as const
    for (const [address, count] of [
      ['198.51.100.99', 12],
      ['198.51.100.98', 4],
      ['198.51.100.97', 2],
    ] as const)
      for (let n = 0; n < count; n++)
        await fixture.records.audit.append({ id: systemRandom.id(), at: Date.now(), address, ...event })
    const { page, complaints } = await visit()
    const app = await enrolled(page, 'asked')
    const other = new FormClient(fixture.url)
    await other.get('/')
    await other.post('/sign-in', { name: 'asked', password: PASSWORD })
    expect(headingOf(await other.get('/'))).toBe('Enter your code')

    await page.goto(fixture.url)
    await page.locator('.odd').first().waitFor()
    expect(await looks.examine(page, 'en-GB-account-odd')).toEqual([])
    expect(await page.locator('.odd p').allInnerTexts()).toEqual([
      expect.stringMatching(/^12 refused sign-ins from 198\.51\.100\.99, the last one .*Was it you\?$/),
      expect.stringMatching(/^4 refused sign-ins from 198\.51\.100\.98/),
    ])
    await page.locator('.odd').nth(1).getByRole('button', { name: 'Yes' }).click()
    await expect.poll(() => page.locator('.odd').count()).toBe(1)
    await page.locator('.odd').getByRole('button', { name: 'No' }).click()
    await page.waitForURL('**/password')
    await page.getByRole('status').getByText('The security team can see your answer').waitFor()
    const answers = await fixture.records.audit.list({
      kinds: ['attempts.owned', 'attempts.disowned'],
      limit: 9,
    })
    expect(answers).toMatchObject([
      { kind: 'attempts.disowned', user: 'asked', address: '198.51.100.99' },
      { kind: 'attempts.owned', user: 'asked', address: '198.51.100.98' },
    ])
    expect(await looks.examine(page, 'en-GB-password')).toEqual([])

    for (const [password, again, code, problem] of [
      ['correct horse battery', 'correct horse batter', '000000', /differ/],
      ['password1', 'password1', '000000', /one of the most common/],
      ['short', 'short', '000000', /has 5 characters/],
      ['correct horse battery', 'correct horse battery', '000000', /wrong/],
    ] as const) {
      await changePassword(page, password, again, code)
      await page.getByRole('alert').getByText(problem).waitFor()
      // What was typed is a secret, and is not sent back.
      expect(await page.locator('#password').inputValue()).toBe('')
    }
    expect(await looks.examine(page, 'en-GB-password-refused')).toEqual([])
    const [cookie] = await page.context().cookies()
    await changePassword(page, 'correct horse battery', 'correct horse battery', app.code(1))
    await page.getByRole('status').getByText('Your password is changed').waitFor()
    const [renewed] = await page.context().cookies()
    expect(renewed?.value).not.toBe(cookie?.value)
    await page.reload()
    await page.locator('.facts').waitFor()
    expect(await page.getByText('Your password is changed').count()).toBe(0)
    expect(headingOf(await other.get('/'))).toBe('Sign in')
    // The old one is refused.
    expect(problemOn(await other.post('/sign-in', { name: 'asked', password: PASSWORD }))).toMatch(/wrong/)

    await page.goto(`${fixture.url}/desk`)
    await page.locator('#disowned').getByRole('link', { name: '198.51.100.99' }).waitFor()
    expect(complaints()).toEqual([])
  })
})

/** Signs the user in with the password and enrols an authenticator. */
async function enrolled(page: Page, user: string) {
  await signIn(page, user)
  await page.waitForURL('**/enrol')
  const app = await scan(page.locator('svg.qr'))
  await page.fill('#code', app.code())
  await page.locator('#code').press('Enter')
  await page.locator('#codes').waitFor()
  await saveCodes(page)
  return app
}

async function saveCodes(page: Page): Promise<void> {
  await page.locator('input[name="saved"]').check()
  await page.locator('form[action="/recovery-codes/saved"] button').click()
  await page.locator('#codes').waitFor({ state: 'detached' })
}

async function changePassword(page: Page, password: string, again: string, code: string): Promise<void> {
  await page.fill('#password', password)
  await page.fill('#again', again)
  await page.fill('#code', code)
  await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'POST'),
    page.locator('#code').press('Enter'),
  ])
  await page.waitForLoadState()
}

async function signIn(page: Page, user: string, password = PASSWORD): Promise<void> {
  await page.fill('#name', user)
  await page.fill('#password', password)
  await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'POST'),
    page.locator('#password').press('Enter'),
  ])
  await page.waitForLoadState()
}

async function download(page: Page): Promise<{ readonly name: string; readonly text: string }> {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.locator('a[href="/recovery-codes/file"]').click(),
  ])
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') }
}

async function tabTo(page: Page, id: string): Promise<void> {
  for (let stop = 0; stop < 12; stop++) {
    if ((await page.evaluate('document.activeElement.id')) === id) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`the keyboard does not come to ${id}`)
}

/** Whether whatever has the focus is drawn with a ring around it. */
function focusIsSeen(page: Page): Promise<boolean> {
  return page.evaluate<boolean>(
    'getComputedStyle(document.activeElement).outlineStyle === "solid" && parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2',
  )
}

/** A VPN session of the user, as a login leaves it. */
async function connectedOnce({ records }: TestBroker, user: string): Promise<void> {
  const now = Date.now()
  const address = '198.51.100.9'
  await records.login.admit({
    query: { user, subjects: [user], address, now },
    codeUse: { kind: 'none' },
    session: {
      id: systemRandom.id(),
      gateway: 'gw1',
      user,
      subject: user,
      address,
      ipv4: '10.8.0.7',
      grantedAt: now,
      updatedAt: now,
      seconds: 0,
      octetsIn: 0,
      octetsOut: 0,
    },
    event: { id: systemRandom.id(), at: now, kind: 'login.accepted', user, address, gateway: 'gw1' },
  })
}
