import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { ask } from '../http/ask.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium } from '../real/chromium.ts'
import { type Looks, openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'

const PHONE = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true } as const

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

  async function visit(options: Parameters<RealBrowser['visit']>[1] = {}) {
    const visitor = await browser.visit(fixture.url, options)
    onTestFinished(visitor.leave)
    await visitor.page.goto(fixture.url)
    return visitor
  }

  async function signIn(page: Page, name: string): Promise<void> {
    await page.fill('#name', name)
    await page.fill('#password', PASSWORD)
    await page.locator('#password').press('Enter')
    await page.locator('#code').waitFor()
    await page.fill('#code', fixture.code())
    await page.locator('#code').press('Enter')
    await page.locator('form[action="/sign-out"]').waitFor()
  }

  /** A VPN session that a login has opened and accounting has reported. */
  async function connect(subject: string, acctSession: string): Promise<void> {
    const { login, sessions } = fixture.records
    const at = Date.now() - 60_000
    const address = '198.51.100.7'
    const none = { seconds: 0, octetsIn: 0, octetsOut: 0 }
    await login.admit({
      query: { user: subject, subjects: [subject], now: at },
      codeUse: { kind: 'none' },
      session: {
        id: systemRandom.id(),
        gateway: 'gw1',
        user: subject,
        subject,
        address,
        grantedAt: at,
        updatedAt: at,
        ...none,
      },
      event: { id: systemRandom.id(), at, kind: 'login.accepted', user: subject, gateway: 'gw1' },
    })
    const report = { gateway: 'gw1', user: subject, acctSession, address, ipv4: '10.8.0.7' }
    await sessions.record({ ...report, ...none, kind: 'start', at: at + 1000 })
    const counted = { seconds: 60, octetsIn: 3_400_000, octetsOut: 120_000_000 }
    await sessions.record({ ...report, ...counted, kind: 'interim', at: Date.now() })
  }

  test('keeps the language that was chosen on a page, without JavaScript', async () => {
    const { page } = await visit({ javaScriptEnabled: false })
    await page.goto(`${fixture.url}/?to=desk`)
    const menu = page.getByRole('navigation', { name: 'Language' })
    await menu.getByRole('link', { name: '中文' }).click()
    expect(page.url()).toBe(`${fixture.url}/?to=desk`)
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
    await page.goto(`${fixture.url}/nowhere`)
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
    await page.getByRole('navigation', { name: '语言' }).getByRole('link', { name: 'English' }).click()
    expect(await page.locator('html').getAttribute('lang')).toBe('en')
  })

  test('leads from the choice of a language to its own pages alone', async () => {
    for (const [back, leadsTo] of [
      ['/enrol?name=a%26b', '/enrol?name=a%26b'],
      ['//evil.example', '/'],
      ['/\\evil.example', '/'],
      ['https://evil.example', '/'],
      ['/a\r\nX: y', '/'],
    ]) {
      const query = new URLSearchParams({ back: back ?? '' })
      const { status, headers } = await ask(`${fixture.url}/language/zh-CN?${query}`)
      expect({ status, to: headers.location }).toEqual({ status: 303, to: leadsTo })
    }
    expect((await ask(`${fixture.url}/language/xx`)).status).toBe(404)
  })

  for (const locale of ['en-GB', 'zh-CN'])
    test(`begins the enrolment on a phone with the link that opens the app (${locale})`, async () => {
      const user = `phone-${locale.toLowerCase()}`
      await fixture.addUser(user)
      const { page } = await visit({ ...PHONE, locale })
      await page.fill('#name', user)
      await page.fill('#password', PASSWORD)
      await page.locator('#password').press('Enter')
      await page.waitForURL('**/enrol')
      const link = page.locator('a[href^="otpauth:"]')
      const [open, picture, card] = await Promise.all(
        [link, page.locator('svg.qr'), page.locator('.scan')].map((part) => part.boundingBox()),
      )
      if (!open || !picture || !card) return expect.unreachable()
      expect(open.y + open.height).toBeLessThan(picture.y)
      expect(open.height).toBeGreaterThanOrEqual(56)
      expect(open.width).toBeGreaterThan(card.width * 0.9)
      expect(open.y + open.height, 'seen without scrolling').toBeLessThan(780)
      await page.locator('details summary').click()
      const apps = page.locator('details a')
      expect(await apps.count()).toBe(4)
      for (const href of await apps.evaluateAll((links) => links.map((each) => each.getAttribute('href'))))
        expect(href).toMatch(/^https:\/\//)
    })

  test('shows users their VPN sessions with traffic, and ends one of their own', async () => {
    await fixture.addUser('sam')
    await fixture.enrol('sam')
    await fixture.addUser('tom')
    await connect('sam', 'S1')
    await connect('tom', 'T1')
    const { page } = await visit()
    await signIn(page, 'sam')
    const sessions = page.locator('#sessions')
    expect(await sessions.locator('tbody tr').count()).toBe(1)
    expect(await sessions.innerText()).toMatch(/120 MB down\s+3.4 MB up/)
    expect(await looks.examine(page, 'own-sessions')).toEqual([])

    const [toms] = await fixture.records.sessions.list({ user: 'tom', limit: 1 })
    const own = await sessions.locator('input[name="id"]').inputValue()
    await sessions
      .locator('input[name="id"]')
      .evaluate((field, id) => field.setAttribute('value', id), toms?.id ?? '')
    await sessions.getByRole('button', { name: 'End' }).click()
    await page.getByText('That VPN session had ended already.').waitFor()
    expect(await fixture.records.orders.list({ limit: 9 })).toEqual([])

    await sessions.getByRole('button', { name: 'End' }).click()
    await page.getByText('The end of your VPN session is noted, but its gateway cannot be reached').waitFor()
    expect(await fixture.records.orders.list({ limit: 9 })).toMatchObject([
      { gateway: 'gw1', kind: 'end', target: { session: 'S1' }, by: 'sam (web)' },
    ])
    expect(own).not.toBe(toms?.id)
    await sessions.getByText('ending …').waitFor()
    expect(await sessions.getByRole('button', { name: 'End' }).count()).toBe(0)
  })

  /** Ends what the user was signed in with, as after somebody else's change of the authenticator. */
  const signOutBehind = (user: string) => fixture.enrol(user)

  test('keeps the reason that was typed at the desk over a forced sign-in', async () => {
    await fixture.addUser('ada', ['admins'])
    await fixture.enrol('ada')
    const lockout = await fixture.records.lockouts.lock({
      id: systemRandom.id(),
      scope: 'user',
      user: 'mallory',
      by: 'a test',
      since: Date.now(),
      reason: 'a test',
    })
    const { page } = await visit()
    await signIn(page, 'ada')
    await page.goto(`${fixture.url}/desk/lockouts/${lockout.id}`)
    await page.locator('[name="reason"]').fill('ticket 4711, "called back"')
    await signOutBehind('ada')
    await page.locator('[name="reason"]').press('Enter')
    await page.locator('#ending').waitFor()
    expect((await fixture.records.lockouts.find(lockout.id))?.releasedAt).toBeUndefined()
    await signIn(page, 'ada')
    await page.waitForURL('**/unsent')
    expect(await page.getByRole('heading', { level: 2 }).innerText()).toContain('Release lockouts')
    expect(await page.locator('[name="reason"]').inputValue()).toBe('ticket 4711, "called back"')
    expect(await looks.examine(page, 'unsent')).toEqual([])
    await page.getByRole('button', { name: 'Send it now' }).click()
    await expect
      .poll(async () => (await fixture.records.lockouts.find(lockout.id))?.releaseReason)
      .toBe('ticket 4711, "called back"')
    await page.goto(`${fixture.url}/unsent`)
    expect(new URL(page.url()).pathname, 'once').toBe('/')
  })

  test('keeps a form of the portal over a forced sign-in, for its own user alone', async () => {
    for (const user of ['uma', 'vic']) {
      await fixture.addUser(user)
      await fixture.enrol(user)
    }
    await connect('uma', 'U1')
    const { page } = await visit()
    await signIn(page, 'uma')
    await signOutBehind('uma')
    await page.locator('#sessions').getByRole('button', { name: 'End' }).click()
    await page.locator('#ending').waitFor()
    const kept = await page.context().cookies()
    expect(kept.find(({ name }) => name === 'ocbroker-unsent')).toMatchObject({
      httpOnly: true,
      sameSite: 'Lax',
    })
    await signIn(page, 'vic')
    expect(new URL(page.url()).pathname).toBe('/')
    expect(await page.locator('h1').innerText()).toBe('Your account')
    await page.locator('form[action="/sign-out"] button').click()
    await page.context().addCookies(kept.filter(({ name }) => name === 'ocbroker-unsent'))
    await signIn(page, 'uma')
    await page.waitForURL('**/unsent')
    await page.getByRole('button', { name: 'Send it now' }).click()
    await page.getByText('The end of your VPN session is noted').waitFor()
  })

  test('never keeps a password or a code', async () => {
    await fixture.addUser('will')
    await fixture.enrol('will')
    const { page } = await visit()
    await signIn(page, 'will')
    for (const path of ['/password', '/authenticator/remove', '/enrol/confirm', '/sign-in']) {
      await signOutBehind('will')
      const csrf = await page.locator('[name="csrf"]').first().inputValue()
      const form = { csrf, password: 'a secret', code: '123456', reason: 'typed' }
      const answer = await page.request.post(fixture.url + path, { form, headers: { origin: fixture.url } })
      const answered = answer.url()
      expect(answered, path).not.toContain('unsent')
      const cookies = await page.context().cookies()
      expect(cookies.map(({ name }) => name)).not.toContain('ocbroker-unsent')
    }
  })
})
