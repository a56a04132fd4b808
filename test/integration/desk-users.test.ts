import type { BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium, type Visitor } from '../real/chromium.ts'
import { type Looks, openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'

const HOUR_MS = 3_600_000

describeWith(BROWSER_NEEDS, 'somebody who looks after users on the web', () => {
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

  async function atTheDesk(
    name: string,
    group: string,
    options: BrowserContextOptions = {},
  ): Promise<Visitor> {
    await fixture.addUser(name, [group])
    await fixture.enrol(name)
    const visitor = await browser.visit(fixture.url, options)
    onTestFinished(visitor.leave)
    const { page } = visitor
    await page.goto(`${fixture.url}/desk/users`)
    await page.fill('#name', name)
    await page.fill('#password', PASSWORD)
    await page.locator('#password').press('Enter')
    await page.fill('#code', fixture.code())
    await page.locator('#code').press('Enter')
    await page.locator('#code').waitFor({ state: 'detached' })
    await page.goto(`${fixture.url}/desk/users`)
    return visitor
  }

  test('finds who has not enrolled, who is locked, and who is about to expire', async () => {
    const { records, url } = fixture
    const add = (name: string, more: object = {}) =>
      records.users.add({
        ...{ name, enabled: true, groups: ['crew'], attributes: {}, createdAt: Date.now() },
        ...more,
      })
    for (let number = 1; number <= 60; number++) await add(`crew-${String(number).padStart(2, '0')}`)
    await add('temp-tim', { expiresAt: Date.now() + 24 * HOUR_MS })
    await add('gone-gina', { enabled: false })
    await records.lockouts.lock({
      ...{ id: systemRandom.id(), scope: 'user', user: 'crew-07', reason: 'by a test' },
      ...{ by: 'a test', since: Date.now() },
    })
    const { page, complaints } = await atTheDesk('list-lisa', 'helpdesk')
    const names = async () => page.locator('tbody .subject').allInnerTexts()
    expect(await names()).toHaveLength(40)
    await page.getByRole('link', { name: 'Next page' }).click()
    expect(await names()).toContain('temp-tim')
    for (const [filter, expected] of [
      ['Locked', ['crew-07']],
      ['Disabled', ['gone-gina']],
      ['Expiring', ['temp-tim']],
    ] as const) {
      await page.locator('.tabs').getByRole('link', { name: filter }).click()
      expect([filter, await names()]).toEqual([filter, expected])
    }
    await page.locator('.tabs').getByRole('link', { name: 'Not enrolled' }).click()
    await page.fill('#q', 'W-0')
    await page.getByRole('button', { name: 'Search', exact: true }).last().click()
    expect(await names()).toHaveLength(9)
    const row = page.locator('tr', { hasText: 'crew-07' })
    expect(await row.innerText()).toMatch(/Locked\s+No password\s+Local\s+crew\s+Never/)
    const heights = await page.evaluate<number[]>(
      '[...document.querySelectorAll("tbody tr")].map((row) => Math.round(row.getBoundingClientRect().height))',
    )
    expect(new Set(heights)).toEqual(new Set([44]))
    await page.goto(`${url}/desk/users`)
    expect(await looks.examine(page, 'en-GB-desk-users-many')).toEqual([])
    expect(complaints()).toEqual([])
  })
})
