import { readFile } from 'node:fs/promises'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { syncPools } from '../../src/store/pool-sync.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium, type Visitor } from '../real/chromium.ts'
import { type Looks, openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'

const SECRET = 'between-gateway-and-broker'
const INVITATION = /^[a-z2-9]{4}(-[a-z2-9]{4}){3}$/
const HOUR_MS = 3_600_000

describeWith(BROWSER_NEEDS, 'the desk in a browser', () => {
  const resources = new AsyncDisposableStack()
  let browser: RealBrowser
  let fixture: TestBroker
  let looks: Looks

  beforeAll(async () => {
    looks = openLooks()
    fixture = await startTestBroker({ lockout: { address_after: 20 } }, (end) => void resources.defer(end))
    await fixture.addUser('alice', ['staff', 'vpn-users'])
    await fixture.enrol('alice')
    await busyDay(fixture)
    browser = await startChromium()
    resources.defer(browser.close)
  })

  afterAll(() => resources.disposeAsync())

  /** A person of this group at the desk, in a browser of their own. */
  async function atTheDesk(
    name: string,
    group: string,
    options: BrowserContextOptions = {},
    path = '/desk/lockouts',
  ): Promise<Visitor> {
    await fixture.addUser(name, [group])
    await fixture.enrol(name)
    const visitor = await browser.visit(fixture.url, options)
    onTestFinished(visitor.leave)
    await visitor.page.goto(fixture.url + path)
    await signIn(visitor.page, name)
    await visitor.page.goto(fixture.url + path)
    return visitor
  }

  async function signIn(page: Page, name: string): Promise<void> {
    await page.fill('#name', name)
    await page.fill('#password', PASSWORD)
    await page.locator('#password').press('Enter')
    await page.locator('#code').waitFor()
    await page.fill('#code', fixture.code())
    await page.locator('#code').press('Enter')
    await page.locator('#code').waitFor({ state: 'detached' })
  }

  const login = (user: string, password: string, from: string) =>
    ask(fixture.authPort, loginRequest({ secret: SECRET, user, password, from }))

  /** As somebody does who has forgotten the password. */
  async function lockedBy(user: string, from: string): Promise<void> {
    for (let guess = 0; guess < 6; guess++) await login(user, `guess ${guess}`, from)
  }

  test('shows a lockout as it happens, with its timeline, and releases it', async () => {
    const { page, complaints } = await atTheDesk('helper', 'helpdesk')
    await page.getByText('Nobody is locked out.').waitFor()
    expect(await page.locator('h1').innerText()).toBe('Locked out now')
    await page.locator('#live-state', { hasText: 'Live' }).waitFor()
    let loads = 0
    page.on('framenavigated', () => {
      loads += 1
    })

    // Real wrong logins at a gateway; the page is not touched.
    await fixture.addUser('bob', ['staff'])
    await lockedBy('bob', '198.51.100.23')
    const row = page.locator('tr', { hasText: 'bob' })
    await row.waitFor()
    expect(loads).toBe(0)
    const text = await row.innerText()
    expect(text).toContain('198.51.100.23')
    expect(text).toContain('gw1')
    expect(text).toContain('New place')
    await expect.poll(() => page.locator('#announcement').textContent()).toBe('1 lockout in force')

    await page.fill('#q', 'BOB@corp.example')
    await page.locator('#q').press('Enter')
    await page.waitForURL('**q=BOB*')
    await row.getByRole('link', { name: 'Release' }).click()
    await page.waitForURL('**/desk/lockouts/**')
    expect(await page.locator('h1').innerText()).toBe('bob')
    const story = await page.locator('.timeline').innerText()
    expect(story).toContain('Refused: wrong password')
    expect(story).toContain('5 times')
    expect(story).toContain('Locked')
    expect(story).toContain('198.51.100.23 · gw1')
    expect(story).toContain('Refused: locked out')

    // Not without a reason, whatever the browser thinks of the field.
    await page.evaluate('document.getElementById("reason").required = false')
    await page.getByRole('button', { name: 'Release' }).click()
    await page.getByRole('alert').waitFor()
    await page.fill('#reason', 'ticket 4711: forgot it over the holidays')
    await page.locator('#reason').press('Enter')
    await page.locator('.notice.good', { hasText: 'released by helper (web)' }).waitFor()
    const [event] = await fixture.records.audit.list({ user: 'bob', kinds: ['lockout.released'], limit: 1 })
    expect(event).toMatchObject({
      actor: 'helper (web)',
      detail: 'ticket 4711: forgot it over the holidays',
    })
    await fixture.enrol('bob')
    expect((await login('bob', PASSWORD, '198.51.100.23'))?.code).toBe('Access-Challenge')
    await page.goto(`${fixture.url}/desk/lockouts`)
    await page.getByText('Nobody is locked out.').waitFor()
    expect(complaints()).toEqual([])
  })

  test('removes released and expired lockouts from the open list', async () => {
    const { page, complaints } = await atTheDesk('watcher', 'auditors')
    await page.locator('#live-state', { hasText: 'Live' }).waitFor()
    const by = { reason: 'by a test', by: 'a test', since: Date.now() } as const
    const lock = (user: string, until?: number) =>
      fixture.records.lockouts.lock({ id: systemRandom.id(), scope: 'user', user, ...by, until })
    const { id } = await lock('frank')
    await lock('grace', Date.now() + 6000)
    const [frank, grace] = [
      page.locator('tr', { hasText: 'frank' }),
      page.locator('tr', { hasText: 'grace' }),
    ]
    await frank.waitFor()
    await grace.waitFor()
    // Whoever reads may look and not touch.
    expect(await page.getByRole('link', { name: 'Release' }).count()).toBe(0)
    expect(await page.getByRole('link', { name: 'Lock manually' }).count()).toBe(0)
    await fixture.records.lockouts.release(id, 'somebody else', 'it was a mistake', Date.now())
    await frank.waitFor({ state: 'detached' })
    await grace.waitFor({ state: 'detached' })
    await page.goto(`${fixture.url}/desk/lockouts/${id}`)
    await page.getByText('it was a mistake').first().waitFor()
    expect(complaints()).toEqual([])
  })

  test('leaves the screen when the session has ended elsewhere', async () => {
    const { page } = await atTheDesk('gone', 'helpdesk')
    await page.locator('#live-state', { hasText: 'Live' }).waitFor()
    const other = await browser.visit(fixture.url)
    onTestFinished(other.leave)
    await other.page.context().addCookies(await page.context().cookies())
    await other.page.goto(fixture.url)
    await other.page.locator('form[action="/sign-out"] button').click()
    await other.page.locator('#password').waitFor()
    await fixture.records.lockouts.lock({
      id: systemRandom.id(),
      scope: 'user',
      user: 'heidi',
      by: 'a test',
      reason: 'by a test',
      since: Date.now(),
      until: Date.now() + 10_000,
    })
    await page.locator('#password').waitFor()
    expect(await page.locator('body').innerText()).not.toContain('heidi')
  })

  test('works without JavaScript', async () => {
    const { page, complaints } = await atTheDesk('plain', 'helpdesk', { javaScriptEnabled: false })
    expect(await page.locator('#live-state').isVisible()).toBe(false)
    await fixture.addUser('ivan')
    await lockedBy('ivan', '198.51.100.31')
    await page.reload()
    await page.fill('#q', 'ivan')
    await page.locator('#q').press('Enter')
    await page.locator('tr', { hasText: 'ivan' }).getByRole('link', { name: 'Release' }).click()
    await page.fill('#reason', 'a call from the known number')
    await page.locator('#reason').press('Enter')
    await page.locator('.notice.good', { hasText: 'a call from the known number' }).waitFor()

    await page.getByRole('link', { name: 'Lock manually' }).click()
    expect(await page.inputValue('#user')).toBe('ivan')
    await page.fill('#reason', 'left the company')
    await page.selectOption('#for', 'release')
    await page.locator('#reason').press('Enter')
    await page.locator('.badge.bad', { hasText: 'Locked' }).waitFor()
    expect(await page.locator('main').innerText()).toContain('until released')

    await page.getByRole('link', { name: 'All about ivan' }).click()
    await page.locator('#verdict', { hasText: 'Would be refused' }).waitFor()
    await page.locator('#invite summary').click()
    await page.fill('#invite-reason', 'a new phone')
    await page.locator('#invite-reason').press('Enter')
    expect((await page.locator('#code').innerText()).trim()).toMatch(INVITATION)
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByRole('heading', { name: 'VPN sessions' }).waitFor()
    await page.getByRole('link', { name: 'Audit' }).click()
    await page.selectOption('#kind', 'invitation.made')
    await page.fill('#user', 'ivan')
    await page.locator('#user').press('Enter')
    const found = await page.locator('tbody').innerText()
    expect(found).toContain('a new phone')
    expect(found).toContain('by plain (web)')
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'CSV' }).click(),
    ])
    expect(await readFile(await file.path(), 'utf8')).toContain('invitation.made,ivan')
    expect(complaints()).toEqual([])
  })

  test('works with the keyboard alone', async () => {
    const { page, complaints } = await atTheDesk('keys', 'helpdesk', {}, '/desk/lockouts?tab=all')
    await fixture.addUser('judy')
    await lockedBy('judy', '198.51.100.41')
    await page.locator('tr', { hasText: 'judy' }).waitFor()
    const { keyboard } = page
    await tabTo(page, '#q')
    await keyboard.type('judy')
    await keyboard.press('Enter')
    await page.waitForURL('**q=judy*')
    await tabTo(page, 'a[href$="#decide"]')
    expect(await focusIsSeen(page)).toBe(true)
    await keyboard.press('Enter')
    await page.waitForURL('**#decide')
    // The field is ready to be typed into.
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('reason')
    await keyboard.type('a call from the known number')
    await keyboard.press('Enter')
    await page.locator('.notice.good').waitFor()
    await page.goto(`${fixture.url}/desk/users/judy`)
    await tabTo(page, '#invite summary')
    await keyboard.press('Enter')
    expect(await page.locator('#invite-reason').isVisible()).toBe(true)
    expect(complaints()).toEqual([])
  })

  for (const locale of ['en-GB', 'zh-CN'] as const) {
    test(`fits phones and wide screens, light and dark (${locale})`, {
      timeout: 120_000,
    }, async () => {
      const { records } = fixture
      await lockedBy('carol', '198.51.100.77')
      const { page, complaints } = await atTheDesk(`looker-${locale.toLowerCase()}`, 'helpdesk', { locale })
      const look = async (name: string, path?: string) => {
        if (path !== undefined) await page.goto(fixture.url + path)
        expect(await looks.examine(page, `${locale}-desk-${name}`)).toEqual([])
      }
      expect(await page.locator('html').getAttribute('lang')).toBe(locale === 'zh-CN' ? 'zh-CN' : 'en')
      await page.locator('tr', { hasText: 'carol' }).waitFor()
      await page.locator('#live-state .good').waitFor()
      await look('lockouts')
      await page.goto(`${fixture.url}/desk`)
      await page.locator('#activity-table summary').click()
      await look('now')
      await look('search', '/desk/search?q=l')
      await look('search-none', '/desk/search?q=alcie')
      const lockouts = await records.lockouts.list({
        standing: { state: 'in_force', at: Date.now() },
        limit: 99,
      })
      const ofCarol = lockouts.find(({ user }) => user === 'carol')
      await look('story', `/desk/lockouts/${ofCarol?.id}`)
      await page.goto(`${fixture.url}/desk/users/alice?tab=authenticators`)
      await page.locator('#invite summary').click()
      await page.locator('#revoke summary').click()
      await look('user')
      await look('lock', '/desk/lock?user=alice')
      await look('sessions', '/desk/sessions?state=any')
      await look('audit', '/desk/audit?user=carol')
      await page.goto(`${fixture.url}/desk/users/alice#invite`)
      await page.fill('#invite-reason', 'a new phone')
      await page.locator('#invite-reason').press('Enter')
      await page.locator('.shown-code').waitFor()
      await look('invited')
      expect(complaints()).toEqual([])
    })
  }

  test('fits the screen when lists are empty and when a form is refused', { timeout: 120_000 }, async () => {
    const { records } = fixture
    for (const name of ['anna', 'ben', 'cleo', 'dora', 'eve']) await lockedBy(name, '203.0.113.66')
    await lockByHand(fixture, 'erin')
    const { page, complaints } = await atTheDesk('finder', 'helpdesk')
    const look = async (name: string, path?: string) => {
      if (path !== undefined) await page.goto(fixture.url + path)
      expect(await looks.examine(page, `en-GB-desk-${name}`)).toEqual([])
    }
    await look('lockouts-many', '/desk/lockouts')
    await look('lockouts-none', '/desk/lockouts?q=nobody-at-all')
    await look('lockouts-released', '/desk/lockouts?state=released')
    const [ofAddress] = await records.lockouts.list({ scope: 'address', limit: 1 })
    await look('story-address', `/desk/lockouts/${ofAddress?.id}`)
    await page.evaluate('document.getElementById("reason").required = false')
    await page.locator('form[action$="/release"] button').click()
    await page.getByRole('alert').waitFor()
    await look('story-no-reason')
    await look('users', '/desk/users')
    await look('user-locked', '/desk/users/carol?address=198.51.100.77')
    await look('user-wrong', '/desk/users/carol?address=nowhere')
    await look('audit-none', '/desk/audit?user=nobody-at-all&from=2020-01-01T00:00')
    expect(complaints()).toEqual([])

    const stranger = await atTheDesk('stranger', 'staff')
    await stranger.page.getByRole('heading', { name: 'Not permitted' }).waitFor()
    expect(await looks.examine(stranger.page, 'en-GB-desk-not-permitted')).toEqual([])
    expect(stranger.complaints()).toEqual([])
  })
})

async function tabTo(page: Page, selector: string): Promise<void> {
  for (let stop = 0; stop < 60; stop++) {
    await page.keyboard.press('Tab')
    if (await page.evaluate<boolean>(`document.activeElement.matches(${JSON.stringify(selector)})`)) return
  }
  throw new Error(`the keyboard does not come to ${selector}`)
}

/** Whether whatever has the focus is drawn with a ring around it. */
function focusIsSeen(page: Page): Promise<boolean> {
  return page.evaluate<boolean>(
    'parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2 && getComputedStyle(document.activeElement).outlineStyle === "solid"',
  )
}

/** Logins and failures of a whole day, and sessions that go with them. */
async function busyDay({ records }: TestBroker): Promise<void> {
  const now = Date.now()
  for (let hour = 0; hour < 24; hour++) {
    const at = now - hour * HOUR_MS - 60_000
    for (let count = 0; count < (hour * 7) % 11; count++)
      await records.audit.append({
        id: systemRandom.id(),
        at,
        user: `user-${count}`,
        address: `198.51.100.${count}`,
        kind: count % 4 === 3 ? 'login.refused' : 'login.accepted',
        gateway: 'gw1',
        ...(count % 4 === 3 && { reason: 'bad_credentials', detail: 'local: wrong password' }),
      })
  }
  await layOutPools(records)
  for (const [user, hours, address] of [
    ['alice', 3, '198.51.100.9'],
    ['alice', 30, '2001:db8:1234:5678:9abc:def0:1234:5678'],
    ['carol', 50, '198.51.100.77'],
    ['silent-sam', 4, '198.51.100.78'],
  ] as const) {
    const at = now - hours * HOUR_MS
    await records.login.admit({
      query: { user, subjects: [user], address, now: at },
      codeUse: { kind: 'none' },
      session: {
        id: systemRandom.id(),
        gateway: 'gw1',
        user,
        subject: user,
        address,
        ipv4: '10.8.0.7',
        ipv6: 'fd00:8::1234:5678:9abc:7',
        grantedAt: at,
        updatedAt: at,
        seconds: 0,
        staleAfterMs: user === 'silent-sam' ? 25 * 60_000 : undefined,
        octetsIn: 0,
        octetsOut: 0,
      },
      event: { id: systemRandom.id(), at, kind: 'login.accepted', user, address, gateway: 'gw1' },
    })
    const record = { gateway: 'gw1', user, acctSession: `session/${user}+${hours}=`, address } as const
    const counters = { seconds: 4000, octetsIn: 12_345_678, octetsOut: 2_345_678_901 }
    await records.sessions.record({ ...record, kind: 'start', seconds: 0, octetsIn: 0, octetsOut: 0, at })
    if (hours > 10)
      await records.sessions.record({
        ...record,
        ...counters,
        kind: 'stop',
        at: at + 4_000_000,
        ipv4: '10.8.0.7',
        terminateCause: 'User-Request',
      })
  }
}

/** One with room, one nearly full, one full. */
async function layOutPools({ leases, login }: TestBroker['records']): Promise<void> {
  const layout = (pool: string, third: number, size: number) => ({
    pool,
    addresses: Array.from({ length: size }, (_, at) => `10.8.${third + (at >> 8)}.${at & 255}`),
  })
  await syncPools(leases, [layout('staff', 0, 1021), layout('contractors', 8, 10), layout('guests', 9, 2)])
  const held = { staff: 3, contractors: 9, guests: 2 }
  for (const [pool, count] of Object.entries(held))
    for (let at = 0; at < count; at++) {
      const user = `${pool}-${at}`
      const now = Date.now() - 5 * 24 * HOUR_MS
      await login.admit({
        query: { user, subjects: [user], now },
        codeUse: { kind: 'none' },
        session: {
          id: systemRandom.id(),
          gateway: 'gw1',
          user,
          subject: user,
          grantedAt: now,
          updatedAt: now,
          stoppedAt: now,
          seconds: 0,
          octetsIn: 0,
          octetsOut: 0,
        },
        lease: { pool, staleAfterMs: HOUR_MS },
        event: { id: systemRandom.id(), at: now, kind: 'login.accepted', user, gateway: 'gw1' },
      })
    }
}

async function lockByHand({ records }: TestBroker, user: string): Promise<void> {
  await records.lockouts.lock({
    id: systemRandom.id(),
    scope: 'user',
    user,
    by: 'a test',
    since: Date.now(),
    reason: 'the laptop was stolen at the airport on Friday, see ticket 4712 for the report of the police',
  })
}
