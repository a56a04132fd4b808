import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { BROWSER_NEEDS, startChromium, type Visitor } from '../real/chromium.ts'
import { describeWith } from '../real/needs.ts'

/** A page asks every five seconds, and the machine may be busy. */
const SOON = { timeout: 30_000 }

describeWith(BROWSER_NEEDS, 'a list of the desk that is live', () => {
  const resources = new AsyncDisposableStack()
  let fixture: TestBroker
  let visitor: Visitor
  let page: Page

  beforeAll(async () => {
    fixture = await startTestBroker({}, (end) => void resources.defer(end))
    await fixture.addUser('watcher', ['admins'])
    await fixture.enrol('watcher')
    const browser = await startChromium()
    resources.defer(browser.close)
    visitor = await browser.visit(fixture.url)
    page = visitor.page
    await page.goto(`${fixture.url}/desk`)
    await page.fill('#name', 'watcher')
    await page.fill('#password', PASSWORD)
    await page.locator('#password').press('Enter')
    await page.fill('#code', fixture.code())
    await page.locator('#code').press('Enter')
    await page.locator('#tile-locked').waitFor()
  })

  afterAll(() => resources.disposeAsync())

  const attempt = (user: string) =>
    fixture.records.audit.append({
      id: systemRandom.id(),
      at: Date.now(),
      kind: 'login.refused',
      reason: 'bad_credentials',
      gateway: 'gw1',
      user,
      address: '192.0.2.77',
    })
  const report = async (user: string, kind: 'start' | 'interim' = 'start', octetsOut = 0) => {
    const session = { gateway: 'gw1', user, acctSession: `of ${user}`, at: Date.now() }
    await fixture.records.sessions.record({ ...session, kind, seconds: 1, octetsIn: 0, octetsOut })
  }
  const keys = () =>
    page.evaluate<string[]>('[...document.querySelectorAll("#live [data-id]")].map((row) => row.dataset.id)')

  for (const [path, add] of [
    ['/desk/audit', attempt],
    ['/desk/sessions', report],
  ] as const)
    test(`${path} moves no row under a hand, stands still when told to, and says when it is cut off`, {
      timeout: 120_000,
    }, async () => {
      await add('first')
      await page.goto(fixture.url + path)
      const state = page.locator('#live-state')
      const list = page.locator('#live')
      await state.getByText('Live').waitFor()
      const before = await keys()
      await list.locator('tbody tr').first().hover()
      await add('second')
      const show = state.getByRole('button', { name: '1 new – show' })
      await show.waitFor(SOON)
      expect(await keys()).toEqual(before)
      await expect.poll(() => page.locator('#announcement').textContent()).toBe('1 new – show')
      await show.click()
      expect((await keys()).slice(1)).toEqual(before)
      expect(await list.locator('tbody tr').first().innerText()).toContain('second')

      await state.getByRole('button', { name: 'Pause' }).click()
      await state.getByText('Paused').waitFor()
      const other = await page.context().newPage()
      onTestFinished(() => other.close())
      await other.goto(fixture.url + path)
      await other.locator('#live-state').getByText('Live').waitFor()
      await add('third')
      // With no hand at them, the rows of the other page follow by themselves, and it says how many came.
      await other.locator('#live').getByText('third').waitFor(SOON)
      await expect.poll(() => other.locator('#announcement').textContent()).toBe('1 new')
      expect(await list.innerText()).not.toContain('third')
      await page.bringToFront()
      await page.mouse.move(0, 0)
      await state.getByRole('button', { name: 'Resume' }).click()
      await list.getByText('third').waitFor(SOON)

      await page.route(`**${path}/live**`, (route) => route.abort())
      await state.getByText('No connection').waitFor(SOON)
      const heard = await state.locator('time').getAttribute('datetime')
      expect(Date.parse(heard ?? '')).toBeLessThan(Date.now())
      await add('fourth')
      await page.unroute(`**${path}/live**`)
      await state.getByText('Live').waitFor(SOON)
      await list.getByText('fourth').waitFor(SOON)
      expect(visitor.complaints().filter((complaint) => !complaint.startsWith('failed: '))).toEqual([])
    })

  test('sessions keep what is typed into a row while their figures change', { timeout: 60_000 }, async () => {
    await report('talker')
    await page.goto(`${fixture.url}/desk/sessions`)
    await page.locator('#live-state').getByText('Live').waitFor()
    const row = page.locator('#live tr', { hasText: 'talker' })
    await row.locator('summary').click()
    await row.locator('input[name="reason"]').fill('left the laptop on a tr')
    await report('talker', 'interim', 7_000_000)
    await row.getByText('7 MB').waitFor(SOON)
    await page.keyboard.type('ain')
    expect(await row.locator('input[name="reason"]').inputValue()).toBe('left the laptop on a train')
  })
})
