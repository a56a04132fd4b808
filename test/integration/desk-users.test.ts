import { readFileSync } from 'node:fs'
import type { BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { scan, scanText } from '../real/authenticator.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium, type Visitor } from '../real/chromium.ts'
import { freePort } from '../real/free-port.ts'
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
    const port = await freePort()
    const sections = { http: { port }, portal: { public_url: `http://127.0.0.1:${port}` } }
    fixture = await startTestBroker(sections, (end) => void resources.defer(end))
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
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(44)
    expect(Math.max(...heights)).toBeLessThanOrEqual(45)
    await page.goto(`${url}/desk/users`)
    expect(await looks.examine(page, 'en-GB-desk-users-many')).toEqual([])
    expect(complaints()).toEqual([])
  })

  test('adds a local user, and changes groups, addresses, the end and whether they may log in', async () => {
    const { records, url } = fixture
    const { page, complaints } = await atTheDesk('admin-anna', 'admins')
    await page.getByRole('link', { name: 'Add a local user' }).click()
    await page.fill('#name', 'New.Nora')
    await page.fill('#groups', 'staff, night')
    await page.fill('#ipv4', '10.0.0.0/24')
    await page.fill('#reason', 'starts on Monday')
    expect(await looks.examine(page, 'en-GB-desk-add-user')).toEqual([])
    const submit = page.getByRole('button', { name: 'Add a local user' })
    await page.evaluate('document.getElementById("ipv4").maxLength = 20')
    await page.fill('#ipv4', '10.0.0.0/24')
    await submit.click()
    await page.getByRole('alert').filter({ hasText: 'IPv4' }).waitFor()
    expect(await page.inputValue('#groups')).toBe('staff, night')
    await page.fill('#ipv4', '10.9.9.9')
    await page.getByLabel('None for now').check()
    await submit.click()
    await page.locator('#verdict').waitFor()
    expect(await records.users.find('new.nora')).toMatchObject({
      ...{ enabled: true, groups: ['staff', 'night'], attributes: { ipv4: '10.9.9.9' } },
    })

    await page.getByRole('link', { name: 'Change', exact: true }).click()
    await page.fill('#ipv4', '')
    await page.fill('#ipv6', '2001:db8::9')
    await page.fill('#groups', 'staff')
    await page.fill('#expires', '2031-02-03T04:05')
    await page.uncheck('input[name="enabled"]')
    await page.fill('#reason', 'parental leave')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('#verdict').waitFor()
    const changed = await records.users.find('new.nora')
    expect(changed).toMatchObject({
      ...{ enabled: false, groups: ['staff'], expiresAt: Date.UTC(2031, 1, 3, 4, 5) },
      attributes: { ipv6: '2001:db8::9' },
    })
    expect(changed?.attributes.ipv4).toBeUndefined()
    const [event] = await records.audit.list({ kinds: ['user.changed'], limit: 1 })
    expect(event).toMatchObject({ user: 'new.nora', actor: 'admin-anna (web)' })
    expect(event?.detail).toContain('parental leave')

    await page.goto(`${url}/desk/users/new.nora/edit`)
    await page.fill('#reason', 'nothing')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('alert').filter({ hasText: 'Nothing was changed' }).waitFor()
    expect(await records.users.find('new.nora')).toEqual(changed)
    expect(complaints().filter((each) => !each.includes('422'))).toEqual([])
  })

  test('offers no change of users to somebody without the right', async () => {
    const { page } = await atTheDesk('helper-hans', 'helpdesk')
    expect(await page.getByRole('link', { name: 'Add a local user' }).count()).toBe(0)
    for (const path of ['add-user', 'users/helper-hans/edit']) {
      const answer = await page.goto(`${fixture.url}/desk/${path}`)
      expect([path, answer?.status()]).toEqual([path, 403])
    }
  })

  test('invites 200 at once, and one enrols with a phone from the QR code of the sheet', async () => {
    const { records, url } = fixture
    for (let number = 0; number < 203; number++) await fixture.records.users.add(fleetUser(number))
    const { page, complaints } = await atTheDesk('inviter', 'helpdesk', { javaScriptEnabled: false })
    await page.goto(`${url}/desk/users?filter=not_enrolled&q=fleet`)
    await page.fill('#reason', 'new fleet')
    await page.getByRole('button', { name: 'Invite all who match' }).click()
    await page.getByRole('heading', { name: '200 users invited' }).waitFor()
    const sheets = page.locator('.sheet')
    await expect.poll(() => sheets.count()).toBe(200)
    const sheet = sheets.filter({ hasText: 'fleet-123' })
    const link = await scanText(sheet.locator('svg.qr'))
    const code = await sheet.locator('.shown-code').innerText()
    const events = await records.audit.list({ kinds: ['invitation.made'], limit: 201 })
    expect(events).toHaveLength(200)
    expect(new Set(events.map(({ actor, detail }) => `${actor}: ${detail}`))).toEqual(
      new Set(['inviter (web): new fleet']),
    )
    await page.getByRole('button', { name: 'Invite the next 200' }).click()
    await page.getByRole('heading', { name: '3 users invited' }).waitFor()
    expect(await page.locator('.sheet').count()).toBe(3)
    expect(await page.locator('.sheet').filter({ hasText: 'fleet-202' }).count()).toBe(1)
    expect(await page.getByRole('button', { name: 'Invite the next' }).count()).toBe(0)

    const phone = await browser.visit(url, {
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      isMobile: true,
    })
    onTestFinished(phone.leave)
    await phone.page.goto(link)
    expect(await phone.page.inputValue('#name')).toBe('fleet-123')
    await phone.page.fill('#code', code)
    await phone.page.locator('#code').press('Enter')
    const app = await scan(phone.page.locator('svg.qr'))
    await phone.page.fill('#code', app.code())
    await phone.page.locator('#code').press('Enter')
    await phone.page.locator('#codes').waitFor()

    await page.goto(`${url}/desk/users?q=fleet-12`)
    const invitationOf = (name: string) => page.locator('tr', { hasText: name }).locator('.asked').innerText()
    expect(await invitationOf('fleet-123')).toMatch(/^Used/)
    expect(await invitationOf('fleet-124')).toMatch(/^Waiting/)
    // Reminded: a new invitation for two that were chosen, as a file.
    await page.locator('input[value="fleet-124"]').check()
    await page.locator('input[value="fleet-125"]').check()
    await page.fill('#reason', 'reminded')
    await page.locator('input[value="csv"]').check()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Invite the chosen' }).click(),
    ])
    const lines = readFileSync(await download.path(), 'utf8').split('\r\n')
    expect(lines[0]).toBe('name,link,code,until,not_invited')
    expect(lines[1]).toMatch(/^fleet-124,http\S+name=fleet-124,([a-z2-9]{4}-){3}[a-z2-9]{4},20\S+Z,$/)
    expect(lines).toHaveLength(4)
    expect(complaints()).toEqual([])
  })

  test('invites nobody who has a right that the inviter lacks, and nobody unless somebody is chosen', async () => {
    const { records, url } = fixture
    await fixture.addUser('root-rita', ['admins'])
    const { page } = await atTheDesk('climber', 'helpdesk')
    await page.goto(`${url}/desk/users?q=root-rita`)
    await page.fill('#reason', 'let me in')
    await page.getByRole('button', { name: 'Invite the chosen' }).click()
    await page.getByRole('alert').filter({ hasText: 'Choose at least one user' }).waitFor()
    expect(await page.inputValue('#reason')).toBe('let me in')
    await page.getByRole('checkbox', { name: 'Choose root-rita' }).check()
    await page.getByRole('button', { name: 'Invite the chosen' }).click()
    await page.getByRole('heading', { name: '0 users invited' }).waitFor()
    expect(await page.locator('.sheet').count()).toBe(0)
    expect(await looks.examine(page, 'en-GB-desk-invited-none')).toEqual([])

    await page.goto(`${url}/desk/users?q=root-rita`)
    await page.fill('#reason', 'let me in')
    await page.getByRole('checkbox', { name: 'Choose root-rita' }).check()
    await page.locator('input[value="csv"]').check()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Invite the chosen' }).click(),
    ])
    const [, line] = readFileSync(await download.path(), 'utf8').split('\r\n')
    expect(line).toBe('root-rita,,,,"The user has, or may have, a right that you lack."')
    expect(await records.audit.list({ user: 'root-rita', kinds: ['invitation.made'], limit: 1 })).toEqual([])
  })
})

function fleetUser(number: number) {
  const name = `fleet-${String(number).padStart(3, '0')}`
  return { name, enabled: true, groups: ['fleet'], attributes: {}, createdAt: Date.now() }
}
