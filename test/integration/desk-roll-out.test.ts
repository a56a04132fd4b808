import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { STANDINGS, type Standing } from '../../src/domain/people.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium, type Visitor } from '../real/chromium.ts'
import { freePort } from '../real/free-port.ts'
import { type Looks, openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'

const DAY_MS = 86_400_000
const GROUP = 'staff'
const EXPECTED: Readonly<Record<Standing, number>> = {
  ...{ enrolled: 5, waiting: 3, used: 1, expired: 2, uninvited: 4 },
}
const TOTAL = Object.values(EXPECTED).reduce((sum, count) => sum + count, 0)
/** Of those who are enrolled, so many enrolled so many days ago. */
const ENROLLED_DAYS_AGO = [50, 50, 20, 1, 0]

describeWith(BROWSER_NEEDS, 'the desk follows the roll-out of the second factor', () => {
  const resources = new AsyncDisposableStack()
  let browser: RealBrowser
  let fixture: TestBroker
  let looks: Looks
  let visitor: Visitor

  beforeAll(async () => {
    looks = openLooks()
    const port = await freePort()
    fixture = await startTestBroker(
      {
        http: { port },
        portal: { public_url: `http://127.0.0.1:${port}` },
        mail: { from: 'vpn@example.org', folder: 'out', per_user: 2 },
      },
      (end) => void resources.defer(end),
    )
    await fillSite(fixture)
    await fixture.addUser('helper', ['helpdesk'])
    await fixture.enrol('helper')
    browser = await startChromium()
    resources.defer(browser.close)
    visitor = await browser.visit(fixture.url)
    const { page } = visitor
    await page.goto(`${fixture.url}/desk/users`)
    await page.fill('#name', 'helper')
    await page.fill('#password', PASSWORD)
    await page.locator('#password').press('Enter')
    await page.fill('#code', fixture.code())
    await page.locator('#code').press('Enter')
    await page.locator('#code').waitFor({ state: 'detached' })
  }, 120_000)

  afterAll(() => resources.disposeAsync())

  test('counts users by where they stand and by week, and each number leads to those users', async () => {
    const { page, complaints } = visitor
    await page.goto(`${fixture.url}/desk/users`)
    await page.getByRole('link', { name: 'Roll-out of the second factor' }).click()
    await page.fill('#group', GROUP)
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await page.getByRole('heading', { name: `${TOTAL} users` }).waitFor()
    const rollOut = page.url()
    const numbers = page.locator('.standing-table .number a')
    expect(await numbers.allInnerTexts()).toEqual(STANDINGS.map((standing) => String(EXPECTED[standing])))
    // A part of the bar for each, and as wide.
    const widths = await page
      .locator('svg.standings rect')
      .evaluateAll((parts) =>
        parts.map((part) =>
          Number((part as unknown as { getAttribute(name: string): string }).getAttribute('width')),
        ),
      )
    expect(widths).toEqual(STANDINGS.map((standing) => (300 * EXPECTED[standing]) / TOTAL))
    for (const [index, standing] of STANDINGS.entries()) {
      await page.goto(rollOut)
      await numbers.nth(index).click()
      expect([standing, await page.locator('tbody .subject').count()]).toEqual([standing, EXPECTED[standing]])
    }
    await page.goto(rollOut)
    await page.getByText('Show as a table').click()
    const weeks = page.locator('#weeks-table tbody tr')
    const counts = await weeks.locator('td').allInnerTexts()
    expect(counts).toEqual(
      counts.map((_, week) => String(ENROLLED_DAYS_AGO.filter((days) => days >= 7 * week).length)),
    )
    await weeks.nth(2).getByRole('link').click()
    await page.locator('#standing').waitFor()
    expect(await page.locator('tbody .subject').count()).toBe(3)
    await page.locator('#standing').getByRole('link').click()
    expect(await page.locator('#standing').count()).toBe(0)
    expect(complaints()).toEqual([])
  })

  test('reminds those whose invitation waits, and no one more often a day than mails are allowed', async () => {
    const { page, complaints } = visitor
    const remind = async () => {
      await page.goto(`${fixture.url}/desk/users?filter=waiting&group=${GROUP}`)
      const rows = await page.locator('.asked').allInnerTexts()
      expect(rows.slice(1)).toEqual(
        Array.from({ length: EXPECTED.waiting }, () => expect.stringMatching(/^Waiting/)),
      )
      await page.fill('#reason', 'the day comes near')
      await page.getByRole('button', { name: 'Remind all' }).click()
    }
    for (const _ of [1, 2]) {
      await remind()
      await page.getByRole('heading', { name: `${EXPECTED.waiting} users invited` }).waitFor()
    }
    await remind()
    await page.getByRole('heading', { name: '0 users invited' }).waitFor()
    expect(await page.getByText('as many invitations by mail today as are allowed').count()).toBe(
      EXPECTED.waiting,
    )
    const out = fixture.folder.file('out')
    const addressees = () =>
      readdirSync(out)
        .filter((name) => name.endsWith('.eml'))
        .map((name) => /^To: (\S+)/m.exec(readFileSync(`${out}/${name}`, 'utf8'))?.[1])
    await expect
      .poll(() => new Set(addressees()), { timeout: 20_000 })
      .toEqual(new Set(['waiting-0', 'waiting-1', 'waiting-2'].map((name) => `${name}@example.org`)))
    const reasons = await fixture.records.audit.list({ kinds: ['invitation.made'], limit: 100 })
    expect(reasons).toHaveLength(2 * EXPECTED.waiting)
    for (const { detail } of reasons) expect(detail).toMatch(/^mail to \S+: the day comes near$/)
    expect(complaints()).toEqual([])
  })

  for (const locale of ['en-GB', 'zh-CN'] as const)
    test(`fits all screens, light and dark (${locale})`, { timeout: 180_000 }, async () => {
      const other = await browser.visit(fixture.url, { locale })
      onTestFinished(other.leave)
      await other.page.context().addCookies(await visitor.page.context().cookies())
      for (const [name, path] of [
        ['roll-out', `/desk/roll-out?group=${GROUP}`],
        ['users-used', `/desk/users?filter=used&group=${GROUP}`],
      ] as const) {
        await other.page.goto(fixture.url + path)
        await other.page.evaluate('document.querySelector("#weeks-table")?.setAttribute("open", "")')
        expect(await looks.examine(other.page, `${locale}-desk-${name}`)).toEqual([])
      }
    })
})

async function fillSite({ records, enrol }: TestBroker): Promise<void> {
  const now = Date.now()
  const add = (name: string) =>
    records.users.add({
      ...{
        name,
        enabled: true,
        groups: [GROUP],
        attributes: {},
        createdAt: now,
        mail: `${name}@example.org`,
      },
    })
  for (const standing of STANDINGS)
    for (let index = 0; index < EXPECTED[standing]; index++) {
      const name = `${standing}-${index}`
      await add(name)
      if (standing === 'enrolled') {
        await enrol(name, now - (ENROLLED_DAYS_AGO[index] ?? 0) * DAY_MS)
        continue
      }
      if (standing === 'uninvited') continue
      const hash = systemRandom.id()
      await records.invitations.put({
        ...{ id: systemRandom.id(), subject: name, hash, createdAt: now - DAY_MS, createdBy: 'tests' },
        expiresAt: standing === 'expired' ? now - 1000 : now + DAY_MS,
      })
      if (standing === 'used') await records.invitations.redeem(hash, [name], now)
    }
}
