import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type SignOnBroker, startSignOnBroker } from '../http/sign-on-broker.ts'
import { PASSWORD } from '../http/test-broker.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium } from '../real/chromium.ts'
import { type Looks, openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'

describeWith(BROWSER_NEEDS, 'a single sign-on in a browser', () => {
  const resources = new AsyncDisposableStack()
  let { broker, provider } = {} as SignOnBroker
  let browser: RealBrowser
  let looks: Looks

  beforeAll(async () => {
    looks = openLooks()
    ;({ broker, provider } = await startSignOnBroker((end) => void resources.defer(end)))
    browser = await startChromium()
    resources.defer(browser.close)
    for (const name of ['ada', 'bob', 'carol']) await broker.addUser(name)
    await broker.enrol('ada')
    provider.users.set('ada', { preferred_username: 'ada', acr: 'urn:one-factor' })
    provider.users.set('bob', { preferred_username: 'bob', acr: 'urn:two-factors', groups: ['admins'] })
    provider.users.set('carol', { preferred_username: 'carol', amr: ['pwd', 'mfa'] })
    provider.users.set('mallory', { preferred_username: 'nobody-here', amr: ['mfa'] })
  })
  afterAll(() => resources.disposeAsync())

  async function visit(path = '/', locale = 'en-GB'): Promise<Page> {
    const { page, leave } = await browser.visit(broker.url, { locale })
    onTestFinished(leave)
    await page.goto(broker.url + path)
    return page
  }

  async function signOn(page: Page, user: string): Promise<void> {
    await page.locator('a[href^="/sign-in/sso"]').click()
    await page.fill('#user', user)
    await page.click('#go')
    await page.waitForURL(`${broker.url}/**`)
  }

  for (const locale of ['en-GB', 'zh-CN'])
    test(`with one factor, the code follows as it does after a password (${locale})`, async () => {
      const page = await visit('/', locale)
      expect(await looks.examine(page, `${locale}-sign-on`)).toEqual([])
      await signOn(page, 'ada')
      await page.waitForURL(`${broker.url}/`)
      expect(await looks.examine(page, `${locale}-sign-on-code`)).toEqual([])
      await page.fill('#code', broker.code())
      await page.locator('#code').press('Enter')
      // The second of the two comes within the same time step: the code was right, and is spent.
      await page.locator('h1').waitFor()
      if (locale === 'en-GB') expect(await page.locator('h1').innerText()).toBe('Your account')
    })

  test('two factors lead straight to the desk, with the role of a group; the sign-out ends both', async () => {
    const page = await visit('/desk')
    await signOn(page, 'bob')
    await page.waitForURL(`${broker.url}/desk`)
    expect(await page.goto(`${broker.url}/desk/users`).then((answer) => answer?.status())).toBe(200)
    await page.locator('form.who button').click()
    // The provider asks whether it is meant, at its own address.
    await page.waitForURL(`${provider.issuer}/session/end**`)
    await page.locator('button[name="logout"], button[autofocus]').first().click()
    await page.waitForURL(`${broker.url}/`)
    await page.goto(`${broker.url}/desk`)
    await page.locator('a[href^="/sign-in/sso"]').click()
    await page.locator('#user').waitFor()
  })

  test('two factors at the provider are enough to set up the first authenticator', async () => {
    const page = await visit()
    await signOn(page, 'carol')
    await page.locator('form[action="/enrol/begin"] button').waitFor()
    expect(await looks.examine(page, 'sign-on-no-authenticator')).toEqual([])
    expect(await page.goto(`${broker.url}/desk`).then((answer) => answer?.status())).toBe(403)
    await page.goto(broker.url)
    await page.locator('form[action="/enrol/begin"] button').click()
    await page.locator('svg.qr').waitFor()
  })

  for (const locale of ['en-GB', 'zh-CN'])
    test(`who cancels, and whom nobody here knows, reads so (${locale})`, async () => {
      const page = await visit('/', locale)
      await page.locator('a[href^="/sign-in/sso"]').click()
      await page.click('#cancel')
      const alert = page.getByRole('alert')
      await alert.getByText(/cancelled|取消/).waitFor()
      // No field is wrong that was not typed into.
      expect(await page.locator('[aria-invalid]').count()).toBe(0)
      expect(await looks.examine(page, `${locale}-sign-on-cancelled`)).toEqual([])
      await signOn(page, 'mallory')
      await alert.getByText(/nobody here|没有对应的用户/).waitFor()
    })

  test('starts without its provider, says that it is down, and takes passwords', async () => {
    const resources = new AsyncDisposableStack()
    onTestFinished(() => resources.disposeAsync())
    const stopped = await startSignOnBroker((end) => void resources.defer(end))
    await stopped.provider.stop()
    await stopped.broker.addUser('dan')
    const { page, leave } = await browser.visit(stopped.broker.url)
    onTestFinished(leave)
    await page.goto(stopped.broker.url)
    await page.locator('a[href^="/sign-in/sso"]').click()
    await page
      .getByRole('alert')
      .getByText(/cannot be reached right now/)
      .waitFor()
    await page.fill('#name', 'dan')
    await page.fill('#password', PASSWORD)
    await page.locator('#password').press('Enter')
    await page.waitForURL('**/enrol')
  })
})
