import { DatabaseSync } from 'node:sqlite'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium, type Visitor } from '../real/chromium.ts'
import { type Looks, openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'
import { outputOf, thisMachine } from '../real/process.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'
import { NIGHT_ATTACK, PRESENT_ATTACK, seedSite, siteUser, USUAL_SITE } from '../real/seeded-site.ts'

const SECRET = 'between-gateway-and-broker'

/** What somebody does who sees only the pages, on the morning after an attack. */
describeWith([...BROWSER_NEEDS, 'pdftotext'], 'the desk of a site under attack', () => {
  const resources = new AsyncDisposableStack()
  let browser: RealBrowser
  let fixture: TestBroker
  let looks: Looks
  let visitor: Visitor
  let page: Page

  beforeAll(async () => {
    looks = openLooks()
    fixture = await startTestBroker({}, (end) => void resources.defer(end))
    const database = new DatabaseSync(fixture.config.storage.sqlite)
    seedSite(database, USUAL_SITE, Date.now())
    database.close()
    await fixture.addUser('helper', ['helpdesk'])
    await fixture.enrol('helper')
    browser = await startChromium()
    resources.defer(browser.close)
    visitor = await browser.visit(fixture.url)
    page = visitor.page
    await page.goto(`${fixture.url}/desk`)
    await page.fill('#name', 'helper')
    await page.fill('#password', PASSWORD)
    await page.locator('#password').press('Enter')
    await page.fill('#code', fixture.code())
    await page.locator('#code').press('Enter')
    await page.locator('#tile-locked').waitFor()
  })

  afterAll(() => resources.disposeAsync())

  const attempt = (user: string, address: string) =>
    fixture.records.audit.append({
      id: systemRandom.id(),
      at: Date.now(),
      kind: 'login.refused',
      reason: 'bad_credentials',
      gateway: 'gw1',
      user,
      address,
    })

  test('tells who attacks, who got in, who is locked out and who is connected', async () => {
    await page.goto(`${fixture.url}/desk`)
    const tile = (name: string) => page.locator(`#tile-${name}`).innerText()
    const words = (text: string) => text.replaceAll(/\s+/g, ' ')
    expect(words(await tile('locked'))).toMatch(/Locked out 42 14 from a known place · 28 by guessing/)
    expect(words(await tile('attack'))).toContain(`Attack in progress ${PRESENT_ATTACK.network}`)
    expect(await tile('attack')).toContain('3 addresses · 57 names · nobody got in')
    expect(words(await tile('connected'))).toContain('Connected 60 peak in 24 hours 60')
    expect(words(await tile('service'))).toContain('Service All well')
    const night = page.locator('#attacks tr', { hasText: NIGHT_ATTACK.network })
    const row = words(await night.innerText())
    expect(row).toContain('30 addresses')
    expect(row).toContain('4,512')
    expect(row).toContain('212')
    await night.getByRole('link', { name: NIGHT_ATTACK.gotIn }).click()
    expect(await page.locator('h1').innerText()).toContain(NIGHT_ATTACK.gotIn)
    expect(visitor.complaints()).toEqual([])
  })

  test('leads from a bar to that hour, and from there to a network, its addresses and their users', async () => {
    await page.goto(`${fixture.url}/desk`)
    const bars = page.locator('.chart a')
    expect(await bars.count()).toBe(24)
    await page.locator('#activity-table summary').click()
    const rows = page.locator('#activity-table tbody tr')
    const busiest = await rows.evaluateAll((all) =>
      all
        .map((each) => (each as unknown as { innerText: string }).innerText.replaceAll(',', '').split(/\s+/))
        .map(([, , refused = '0'], index) => [Number(refused), index] as const)
        .sort(([one], [other]) => other - one)
        .map(([, index]) => index),
    )
    await rows
      .nth(busiest[0] ?? 0)
      .getByRole('link')
      .click()
    await page.locator('#live table.attempts').waitFor()
    await page.getByRole('link', { name: 'By network' }).click()
    await page.locator('table.groups').getByRole('link', { name: NIGHT_ATTACK.network }).click()
    await page.locator('table.groups').getByRole('link', { name: '45.155.204.7', exact: true }).click()
    await page.locator('table.groups[aria-label="By user"]').waitFor()
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'CSV' }).click(),
    ])
    expect(file.suggestedFilename()).toBe('attempts.csv')
    expect(visitor.complaints()).toEqual([])
  })

  test('finds a user by a part of the name, addresses, networks and sessions, and says what there is not', async () => {
    const search = async (typed: string) => {
      await page.locator('.search input').fill(typed)
      await page.locator('.search input').press('Enter')
      await page.waitForLoadState()
      return { path: new URL(page.url()).pathname, text: await page.locator('main').innerText() }
    }
    await page.goto(`${fixture.url}/desk`)
    expect(await search(siteUser(7).slice(0, -3))).toMatchObject({ path: `/desk/users/${siteUser(7)}` })
    expect(await page.locator('h1').innerText()).toBe(siteUser(7))
    const many = await search('adams')
    expect(many.path).toBe('/desk/search')
    expect(many.text).toContain(`20 matches for “adams”`)
    const wrong = await search(`${siteUser(7)}x`)
    expect(wrong.text).toContain(`No such user: ${siteUser(7)}x`)
    expect(wrong.text).toContain(`Nearest: ${siteUser(7)}`)
    expect(await page.getByRole('link', { name: /lock manually/i }).count()).toBe(0)
    expect((await search('10.8.0.7')).path).toBe('/desk/timeline')
    expect(await page.locator('h1').innerText()).toContain(siteUser(7))
    const network = await search('45.155.204.0/22')
    expect(network.path).toBe('/desk/attempts')
    expect(network.text).toContain('45.155.204.30')
    expect((await search('45.155.204.0/33')).text).toContain('is not a user name, address, network')
    for (const path of ['audit?address=', 'sessions?q=', 'lockouts?q=', 'attempts?q=']) {
      await page.goto(`${fixture.url}/desk/${path}45.155.204.0/33`)
      expect(await page.locator('main').innerText()).toContain('Not a user name, address or network')
    }
    expect(visitor.complaints()).toEqual([])
  })

  test('shows what is new, but moves no row under a hand, and stands still when told to', async () => {
    await page.goto(`${fixture.url}/desk/attempts`)
    const state = page.locator('#live-state')
    await state.getByText('Live').waitFor()
    const firstRow = () => page.locator('#live tbody tr').first().innerText()
    await page.locator('#live tbody tr').nth(3).hover()
    const before = await firstRow()
    await attempt('newcomer-1', '192.0.2.77')
    await state.getByRole('button', { name: '1 new – show' }).click()
    expect(await firstRow()).toContain('newcomer-1')
    expect(before).not.toContain('newcomer-1')
    await state.getByRole('button', { name: 'Pause' }).click()
    await state.getByText('Paused').waitFor()
    const other = await page.context().newPage()
    onTestFinished(() => other.close())
    await other.goto(`${fixture.url}/desk/attempts`)
    await other.locator('#live-state').getByText('Live').waitFor()
    await attempt('newcomer-2', '192.0.2.78')
    // With no hand at them, the rows of the other page follow by themselves.
    await other.locator('#live').getByText('newcomer-2').waitFor()
    expect(await page.locator('#live').innerText()).not.toContain('newcomer-2')
    await page.mouse.move(0, 0)
    await state.getByRole('button', { name: 'Resume' }).click()
    await page.locator('#live').getByText('newcomer-2').waitFor()
    expect(visitor.complaints()).toEqual([])
  })

  test('locks the whole network of an attack', async () => {
    await page.goto(`${fixture.url}/desk`)
    await page.getByRole('link', { name: `Lock the network ${NIGHT_ATTACK.network}` }).click()
    expect(await page.inputValue('#address')).toBe(NIGHT_ATTACK.network)
    await page.fill('#reason', 'the attack of the night')
    await page.locator('#reason').press('Enter')
    await page.locator('.badge.bad', { hasText: 'Locked' }).waitFor()
    await fixture.addUser('traveller')
    const request = { secret: SECRET, user: 'traveller', password: PASSWORD, from: '45.155.204.200' }
    expect((await ask(fixture.authPort, loginRequest(request)))?.code).toBe('Access-Reject')
    const [event] = await fixture.records.audit.list({ user: 'traveller', limit: 1 })
    expect(event).toMatchObject({ kind: 'login.refused', reason: 'locked' })
    expect(visitor.complaints()).toEqual([])
  })

  test('prints each list with what was searched for, and nothing to press', async () => {
    const pdf = fixture.folder.file('list.pdf')
    const wide = NIGHT_ATTACK.network
    const lists: readonly (readonly [path: string, shown: readonly string[], absent: readonly string[]])[] = [
      [
        `lockouts?tab=guessing&q=${wide}`,
        ['Locked out', wide, 'Looks like guessing'],
        ['Known place', 'Release'],
      ],
      [
        `attempts?by=user&q=${wide}&span=7d`,
        ['Attempts', wide, 'By user', '7 days', NIGHT_ATTACK.gotIn],
        ['By hour'],
      ],
      [`sessions?q=${siteUser(3)}&state=any`, ['VPN sessions', siteUser(3)], ['End session']],
      [`users?filter=locked&q=${siteUser(1).slice(0, 3)}`, ['Users', 'Locked'], ['Disabled', 'Invite']],
      [`audit?address=${wide}&kind=login.refused`, ['Audit trail', wide, 'Refused'], ['Export']],
    ]
    for (const [path, shown, absent] of lists) {
      await page.goto(`${fixture.url}/desk/${path}`)
      await page.pdf({ path: pdf, format: 'A4', landscape: true })
      const text = await outputOf(thisMachine, 'pdftotext', ['-layout', pdf, '-'])
      for (const word of shown) expect([path, text]).toEqual([path, expect.stringContaining(word)])
      for (const word of [...absent, 'Sign out', 'Pause'])
        expect([path, text]).toEqual([path, expect.not.stringContaining(word)])
    }
  })

  test('works without JavaScript: from a tile by pivots and filters to a user, by the search, and to a release of many', async () => {
    const other = await browser.visit(fixture.url, { javaScriptEnabled: false })
    onTestFinished(other.leave)
    const plain = other.page
    await plain.context().addCookies(await page.context().cookies())
    await plain.goto(`${fixture.url}/desk`)
    expect(await plain.locator('#live-state').isVisible()).toBe(false)
    await plain.locator('#tile-attack').click()
    await plain.locator('table.groups[aria-label="By user"]').waitFor()
    await plain.getByRole('link', { name: 'By address' }).click()
    await plain.locator('table.groups').getByRole('link', { name: '185.220.101.1', exact: true }).click()
    await plain.selectOption('#span', '7d')
    await plain.locator('form.filter button').click()
    await plain.waitForURL('**span=7d*')
    expect(await plain.inputValue('#q')).toBe('185.220.101.1')
    await plain
      .locator('table.groups')
      .getByRole('link', { name: siteUser(0), exact: true })
      .click()
    await plain.locator('table.groups[aria-label="By address"]').waitFor()

    await plain.locator('.search input').fill(siteUser(7))
    await plain.locator('.search input').press('Enter')
    await plain.getByRole('heading', { name: siteUser(7), exact: true }).waitFor()
    await plain.getByRole('link', { name: 'Users', exact: true }).click()
    await plain.getByRole('link', { name: 'Not enrolled', exact: true }).click()
    expect(await plain.locator('tbody tr').count()).toBe(40)

    await plain.goto(`${fixture.url}/desk/lockouts?tab=known_place`)
    await plain.fill('#reason', 'the night shift has new keyboards')
    await plain.getByRole('button', { name: 'Release all 14 of this tab' }).click()
    await plain.getByRole('heading', { name: '14 lockouts released' }).waitFor()
    expect(other.complaints()).toEqual([])
  })

  for (const locale of ['en-GB', 'zh-CN'] as const)
    test(`fits all screens, light and dark (${locale})`, { timeout: 120_000 }, async () => {
      const other = await browser.visit(fixture.url, { locale })
      onTestFinished(other.leave)
      await other.page.context().addCookies(await page.context().cookies())
      for (const [name, path] of [
        ['now-attacked', '/desk'],
        ['attempts', `/desk/attempts?q=${siteUser(5)}&span=7d`],
        ['attempts-by-hour', '/desk/attempts?by=hour'],
      ] as const) {
        await other.page.goto(fixture.url + path)
        await other.page.locator('#live-state .good').waitFor()
        expect(await looks.examine(other.page, `${locale}-desk-${name}`)).toEqual([])
      }
    })
})
