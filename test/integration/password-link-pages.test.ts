import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium } from '../real/chromium.ts'
import { freePort } from '../real/free-port.ts'
import { type Looks, openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'

const GOOD = 'lantern quarry velvet moss'
const WRONG = Array.from({ length: 50 }, (_, index) => `wrong-${index},staff,no mail at all ${index}`)
const GOOD_LINES = Array.from(
  { length: 1000 },
  (_, index) => `list-user-${index},"staff,night",u${index}@example.org`,
)

describeWith(BROWSER_NEEDS, 'users and their passwords on the web', () => {
  const resources = new AsyncDisposableStack()
  let browser: RealBrowser
  let fixture: TestBroker
  let looks: Looks

  beforeAll(async () => {
    looks = openLooks()
    const port = await freePort()
    const portal = { public_url: `http://127.0.0.1:${port}`, locale: ['en', 'zh-CN'] }
    const mail = { from: 'vpn@example.org', folder: 'mail-out' }
    fixture = await startTestBroker({ http: { port }, portal, mail }, (end) => void resources.defer(end))
    browser = await startChromium()
    resources.defer(browser.close)
  })
  afterAll(() => resources.disposeAsync())

  async function atTheDesk(name: string, locale: string) {
    await fixture.addUser(name, ['admins'])
    await fixture.enrol(name)
    const visitor = await browser.visit(fixture.url, { locale })
    onTestFinished(visitor.leave)
    const { page } = visitor
    await page.goto(`${fixture.url}/desk/users`)
    await page.fill('#name', name)
    await page.fill('#password', PASSWORD)
    await page.locator('#password').press('Enter')
    await page.fill('#code', fixture.code())
    await page.locator('#code').press('Enter')
    await page.locator('#code').waitFor({ state: 'detached' })
    return visitor
  }

  const firstFactor = async (user: string, password: string) =>
    (
      await ask(
        fixture.authPort,
        loginRequest({ secret: 'between-gateway-and-broker', user, password, signed: true }),
      )
    )?.code

  test('an administrator makes a link, and the user sets a password on a phone', async () => {
    const { page, complaints } = await atTheDesk('link-lena', 'en-GB')
    await fixture.addUser('phone.paul', ['staff'])
    await fixture.enrol('phone.paul')
    await page.goto(`${fixture.url}/desk/users/phone.paul?tab=account`)
    await page.getByText('Let the user choose a password').click()
    await page.fill('#link-reason', 'forgot it')
    await page.getByRole('button', { name: 'Create the link' }).click()
    const link = await page.locator('#link').innerText()
    expect(complaints()).toEqual([])

    const phone = await browser.visit(fixture.url, {
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      isMobile: true,
    })
    onTestFinished(phone.leave)
    await phone.page.goto(link)
    expect(phone.page.url()).not.toContain('#')
    expect(await phone.page.inputValue('#name')).toBe('phone.paul')
    await phone.page.fill('#password', GOOD)
    await phone.page.fill('#again', GOOD)
    await phone.page.getByRole('button', { name: 'Set the password' }).tap()
    await phone.page.getByRole('heading', { name: 'Your password is set' }).waitFor()
    expect(phone.complaints()).toEqual([])
    expect(await firstFactor('phone.paul', GOOD)).toBe('Access-Challenge')
    expect(await firstFactor('phone.paul', PASSWORD)).toBe('Access-Reject')
  })

  test.each(['en-GB', 'zh-CN'])('every page is as it should be in %s', async (locale) => {
    const { page, complaints } = await atTheDesk(`look-${locale.toLowerCase()}`, locale)
    const user = `looked.at.${locale.toLowerCase()}`
    const see = async (name: string) => expect(await looks.examine(page, `${locale}-${name}`)).toEqual([])
    await page.goto(`${fixture.url}/desk/add-user`)
    await see('desk-add-user')
    await page.fill('#name', user)
    await page.fill('#reason', 'new')
    await page.locator('form.stack button').first().click()
    const link = await page.locator('#link').innerText()
    await see('desk-password-link')
    await page.goto(`${fixture.url}/desk/users/${user}?tab=account`)
    await page.locator('#password summary').click()
    await see('desk-person-password')
    await page.goto(`${fixture.url}/desk/user-list`)
    await see('desk-user-list')
    const list = async (lines: readonly string[]) => {
      await page.goto(`${fixture.url}/desk/user-list`)
      await page.setInputFiles('#file', {
        name: 'users.csv',
        mimeType: 'text/csv',
        buffer: Buffer.from(lines.join('\n')),
      })
      await expect.poll(() => page.inputValue('#list')).not.toBe('')
      await page.locator('#list-form button').click()
      await page.locator('#shown, #wrong').first().waitFor()
    }
    await list(['name,groups,mail', ...WRONG.slice(0, 4), ...GOOD_LINES.slice(0, 4)])
    await see('desk-user-list-wrong')
    await list(['name,groups,mail', ...GOOD_LINES.slice(0, 4)])
    await see('desk-user-list-plan')
    for (const [name, lines] of [
      ['50-wrong', WRONG],
      ['1000', GOOD_LINES],
    ] as const) {
      await list(['name,groups,mail', ...lines])
      for (const width of [320, 768, 1280]) {
        await page.setViewportSize({ width, height: 900 })
        await looks.take(page, `${locale}-desk-user-list-${name}-${width}`)
      }
    }
    await page.goto(link)
    await see('portal-choose-password')
    await page.fill('#password', GOOD)
    await page.fill('#again', GOOD)
    await page.locator('form.stack button').first().click()
    await page.waitForURL('**/choose-password/done')
    await see('portal-password-chosen')
    expect(complaints()).toEqual([])
  })
})
