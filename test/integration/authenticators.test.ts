import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { newRecoveryCode, recoveryCodeHash } from '../../src/domain/enrolment.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { scan } from '../real/authenticator.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium } from '../real/chromium.ts'
import { type Looks, openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'

describeWith(BROWSER_NEEDS, 'several authenticators at the portal', () => {
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

  /** Recovery codes, which need no waiting for the next time step. */
  async function withCodes(user: string): Promise<string[]> {
    const codes = Array.from({ length: 6 }, () => newRecoveryCode(systemRandom))
    await fixture.records.enrolments.renewRecoveryCodes(
      user,
      codes.map((code) => recoveryCodeHash(user, code)),
    )
    return codes
  }

  async function visit(locale: string): Promise<Page> {
    const visitor = await browser.visit(fixture.url, { locale })
    onTestFinished(visitor.leave)
    await visitor.page.goto(fixture.url)
    return visitor.page
  }

  async function signIn(page: Page, user: string, code: string): Promise<void> {
    await page.fill('#name', user)
    await page.fill('#password', PASSWORD)
    await page.locator('#password').press('Enter')
    await show(page, code)
    await page.locator('#authenticators').waitFor()
  }

  async function show(page: Page, code: string): Promise<void> {
    await page.fill('#code', code)
    await page.locator('#code').press('Enter')
  }

  const namesOn = (page: Page) => page.locator('#authenticators li strong').allInnerTexts()

  test.each([
    ['en-GB', 'Authenticator', 'Lin’s tablet'],
    ['zh-CN', '身份验证器', '小林的平板'],
  ])('are added, renamed and removed by name (%s)', async (locale, unnamed, name) => {
    const user = `several-${locale.toLowerCase()}`
    await fixture.addUser(user)
    await fixture.enrol(user)
    const codes = await withCodes(user)
    const code = () => codes.pop() ?? ''
    const page = await visit(locale)
    const look = async (what: string) => expect(await looks.examine(page, `${locale}-${what}`)).toEqual([])
    await signIn(page, user, code())
    expect(await namesOn(page)).toEqual([unnamed])
    await look('one-authenticator')

    await page.locator('a[href="/authenticator/add"]').click()
    expect(await page.inputValue('#name')).toBe(`${unnamed} 2`)
    await look('add-authenticator')
    await show(page, code())
    await page.waitForURL('**/enrol')
    const app = await scan(page.locator('svg.qr'))
    await show(page, app.code())
    await page.locator('.notice.good').waitFor()
    expect(await namesOn(page)).toEqual([unnamed, `${unnamed} 2`])
    expect(await fixture.records.enrolments.recoveryCodesLeft(user)).toBe(codes.length)

    await page.locator('#authenticators summary').last().click()
    await page.locator('#authenticators input[name="name"]').last().fill(name)
    await page.locator('#authenticators form button').last().click()
    await page.getByText(name, { exact: true }).waitFor()
    await look('two-authenticators')

    // A browser that signed in with the second one ends with it; this one, signed in with the first, goes on.
    const other = await visit(locale)
    await signIn(other, user, app.code(1))
    await page.goto(`${fixture.url}/`)
    await page.locator('#authenticators li a.danger').last().click()
    await page.getByText(name).first().waitFor()
    await look('remove-one-authenticator')
    await show(page, code())
    await page.locator('.notice.good').waitFor()
    expect(await namesOn(page)).toEqual([unnamed])
    await other.goto(`${fixture.url}/`)
    await other.locator('#password').waitFor()
  })

  test('end only the sign-ins of the one that is revoked, wherever that was', async () => {
    await fixture.addUser('ends')
    const first = await fixture.enrol('ends')
    const second = { ...((await fixture.records.enrolments.ofSubject('ends'))[0] ?? expect.unreachable()) }
    await fixture.records.enrolments.add({
      enrolment: { ...second, id: systemRandom.id(), createdAt: second.createdAt + 1 },
      recoveryHashes: [],
    })
    const [code = ''] = await withCodes('ends')
    const page = await visit('en-GB')
    await signIn(page, 'ends', code)
    const [, other] = await fixture.records.enrolments.registeredOf('ends')
    await fixture.records.enrolments.revoke('ends', other?.id)
    await page.goto(`${fixture.url}/`)
    await page.locator('#authenticators').waitFor()
    await fixture.records.enrolments.add({
      enrolment: { ...second, id: systemRandom.id() },
      recoveryHashes: [],
    })
    await fixture.records.enrolments.revoke('ends', first)
    await page.goto(`${fixture.url}/`)
    await page.locator('#password').waitFor()
  })
})
