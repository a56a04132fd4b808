import { DatabaseSync } from 'node:sqlite'
import type { BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { LockoutHint } from '../../src/domain/lockout-hint.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium, type Visitor } from '../real/chromium.ts'
import { type Looks, openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'

const ATTACKED = 10_000
const HOUR_MS = 3_600_000

describeWith(BROWSER_NEEDS, 'somebody at the desk who sees only its pages', () => {
  const resources = new AsyncDisposableStack()
  let browser: RealBrowser
  let fixture: TestBroker
  let looks: Looks

  beforeAll(async () => {
    looks = openLooks()
    fixture = await startTestBroker({}, (end) => void resources.defer(end))
    browser = await startChromium()
    resources.defer(browser.close)
    attack(fixture)
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
    await page.goto(`${fixture.url}/desk/lockouts`)
    await page.fill('#name', name)
    await page.fill('#password', PASSWORD)
    await page.locator('#password').press('Enter')
    await page.fill('#code', fixture.code())
    await page.locator('#code').press('Enter')
    await page.locator('#code').waitFor({ state: 'detached' })
    await page.goto(`${fixture.url}/desk/lockouts`)
    return visitor
  }

  test('finds the one honest user among 10,000 lockouts, and lets them in', async () => {
    const { page, complaints } = await atTheDesk('finder', 'helpdesk', { javaScriptEnabled: false })
    // The first thing to be seen.
    const rows = page.locator('tbody tr')
    expect(await rows.count()).toBe(1)
    expect(await rows.innerText()).toContain('honest-hanna')
    expect(await page.locator('.tabs [aria-current]').innerText()).toMatch(/Known place\s+1/)
    expect(await page.locator('.tabs').innerText()).toMatch(/Looks like guessing\s+10,000/)
    await rows.locator('input[type="checkbox"]').check()
    await page.fill('#reason', 'called from the known number')
    await page.getByRole('button', { name: 'Release the chosen' }).click()
    await page.getByRole('heading', { name: '1 lockout released' }).waitFor()
    const [event] = await fixture.records.audit.list({ user: 'honest-hanna', limit: 1 })
    expect(event).toMatchObject({
      kind: 'lockout.released',
      actor: 'finder (web)',
      detail: 'called from the known number',
    })
    expect(complaints()).toEqual([])
  })

  test('reads 10,000 lockouts like 40: in rows of 44 pixels, sorted, page by page', async () => {
    const { page, complaints } = await atTheDesk('reader', 'helpdesk')
    await page.goto(`${fixture.url}/desk/lockouts?tab=guessing`)
    const rows = page.locator('tbody tr')
    expect(await rows.count()).toBe(40)
    const heights = await page.evaluate<number[]>(
      '[...document.querySelectorAll("tbody tr")].map((row) => Math.round(row.getBoundingClientRect().height))',
    )
    expect(new Set(heights)).toEqual(new Set([45]))
    await page.getByRole('link', { name: 'Who' }).click()
    const names = page.locator('tbody .subject')
    expect((await names.first().innerText()).trim()).toBe('victim-00000')
    await page.getByRole('link', { name: 'Next page' }).click()
    await expect.poll(() => page.url()).toContain('after=')
    expect((await names.first().innerText()).trim()).toBe('victim-00040')
    expect(await looks.examine(page, 'en-GB-desk-lockouts-10000')).toEqual([])
    await page.goto(`${fixture.url}/desk/lockouts?tab=all`)
    expect(await looks.examine(page, 'en-GB-desk-lockouts-all')).toEqual([])
    expect(complaints()).toEqual([])
  })

  test('releases 15 at once, by the boxes or the whole tab, and not without a reason', async () => {
    lock(fixture, 'new_place', 15, 'branch')
    const { page, complaints } = await atTheDesk('releaser', 'helpdesk')
    await page.goto(`${fixture.url}/desk/lockouts?tab=new_place`)
    const rows = page.locator('tbody tr')
    expect(await rows.count()).toBe(15)
    await rows.nth(3).locator('input').check()
    await rows.nth(4).locator('input').check()
    const chosen = page.locator('#release-chosen')
    expect(await chosen.innerText()).toBe('Release the chosen (2)')
    // What is new in the list takes no choice away.
    await fixture.records.lockouts.lock({
      ...{ id: systemRandom.id(), scope: 'user', user: 'latecomer', reason: 'by a test' },
      ...{ by: 'a test', since: Date.now() },
    })
    await expect.poll(() => page.locator('.tabs').innerText()).toMatch(/Locked manually\s+1/)
    expect(await page.locator('tbody input:checked').count()).toBe(2)
    await page.evaluate('document.getElementById("reason").required = false')
    await chosen.click()
    await page.getByRole('alert').waitFor()
    expect(await page.locator('tbody input:checked').count()).toBe(2)
    expect(await looks.examine(page, 'en-GB-desk-release-no-reason')).toEqual([])
    await page.fill('#reason', 'the branch office has a new line')
    await page.getByRole('button', { name: 'Release all 15 of this tab' }).click()
    await page.getByRole('heading', { name: '15 lockouts released' }).waitFor()
    expect(await looks.examine(page, 'en-GB-desk-released')).toEqual([])
    const events = await fixture.records.audit.list({ kinds: ['lockout.released'], limit: 15 })
    expect(new Set(events.map(({ detail }) => detail))).toEqual(new Set(['the branch office has a new line']))
    expect(await fixture.records.lockouts.countByHint({}, Date.now(), 99)).toMatchObject({ new_place: 0 })
    expect(complaints()).toEqual([])
  })

  test('reads from where a locked user gets in, and lets them in from everywhere', async () => {
    const { records } = fixture
    await fixture.addUser('dave', ['staff'])
    await fixture.enrol('dave')
    lock(fixture, 'new_place', 1, 'dave', '192.0.2.171')
    const { page, complaints } = await atTheDesk('judge', 'helpdesk')
    await page.goto(`${fixture.url}/desk/users/dave`)
    const verdict = await page.locator('#verdict').innerText()
    expect(verdict).toContain('Depends on the address')
    expect(verdict).toContain('Locked from 192.0.2.171 until')
    expect(verdict).toContain(
      'From elsewhere: With the right password and code, policy everyone lets the user in.',
    )
    for (const tab of ['Sessions', 'Authenticators', 'Account', 'Timeline']) {
      await page.locator('.tabs').getByRole('link', { name: tab }).click()
      expect(await page.locator('.tabs [aria-current]').innerText()).toBe(tab)
    }
    expect(await looks.examine(page, 'en-GB-desk-person')).toEqual([])
    await page.locator('#release summary').click()
    await page.fill('#release-reason', 'called from the known number')
    await page.locator('#release-reason').press('Enter')
    await page.locator('#verdict', { hasText: 'Would be let in' }).waitFor()
    const [event] = await records.audit.list({ user: 'dave', limit: 1 })
    expect(event).toMatchObject({ kind: 'lockout.released', actor: 'judge (web)' })

    await page.goto(`${fixture.url}/desk/users/daev`)
    expect(await page.locator('#verdict').innerText()).toContain('No such user')
    expect(await page.getByRole('link', { name: 'Lock manually' }).count()).toBe(0)
    await page.getByRole('link', { name: 'dave', exact: true }).click()
    await page.getByRole('heading', { name: 'dave', exact: true }).waitFor()
    expect(complaints()).toEqual([])
  })

  test('has somebody leave the company in one form', async () => {
    const { records, url } = fixture
    await fixture.addUser('leo', ['staff'])
    await fixture.enrol('leo')
    const session = { gateway: 'gw1', user: 'leo', acctSession: 'leo-1', at: Date.now() } as const
    await records.sessions.record({ ...session, kind: 'start', seconds: 0, octetsIn: 0, octetsOut: 0 })
    const { page, complaints } = await atTheDesk('personnel', 'admins')
    await page.goto(`${url}/desk/users/leo`)
    await page.getByRole('link', { name: 'Leaves the company' }).click()
    expect(await looks.examine(page, 'en-GB-desk-leave')).toEqual([])
    await page.fill('#reason', 'last day, ticket 99')
    await page.getByRole('button', { name: 'Do all of this' }).click()
    await page.getByRole('heading', { name: 'leo is out' }).waitFor()
    const done = async (step: string) =>
      (await page.locator(`[data-step="${step}"] .badge`).innerText()).trim()
    const steps = ['lock', 'disable', 'authenticator', 'trusts', 'sign_out', 'sessions']
    expect(await Promise.all(steps.map(done))).toEqual([
      'Done',
      'Done',
      'Done',
      'Nothing to do',
      'Done',
      'Done',
    ])
    // No agent reports from this gateway, so the page has the command to copy.
    expect(await page.locator('code').innerText()).toBe('occtl disconnect user leo')
    expect(await looks.examine(page, 'en-GB-desk-left')).toEqual([])
    expect((await records.users.find('leo'))?.enabled).toBe(false)
    expect((await records.enrolments.ofSubject('leo'))[0]).toBeUndefined()
    const [lockout] = await records.lockouts.list({ user: 'leo', limit: 1 })
    expect(lockout).toMatchObject({ scope: 'user', cause: 'by_hand', reason: 'last day, ticket 99' })
    expect(lockout?.until).toBeUndefined()
    const events = await records.audit.list({ user: 'leo', limit: 9 })
    expect(events.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['lockout.made', 'user.changed', 'enrolment.revoked', 'session.end_ordered']),
    )
    // Again, and nothing is done twice.
    await page.goto(`${url}/desk/users/leo/leave`)
    await page.fill('#reason', 'to be sure')
    await page.getByRole('button', { name: 'Do all of this' }).click()
    await page.getByRole('heading', { name: 'leo is out' }).waitFor()
    expect(await Promise.all(['lock', 'disable', 'authenticator'].map(done))).toEqual([
      ...['Nothing to do', 'Nothing to do', 'Nothing to do'],
    ])
    expect(complaints()).toEqual([])
  })
})

/** One user in ten thousand who has only mistyped a password. */
function attack(fixture: TestBroker): void {
  lock(fixture, 'guessing', ATTACKED, 'victim')
  lock(fixture, 'known_place', 1, 'honest-hanna')
}

/** Writes lockouts as they would be after a while, without the failures that made them. */
function lock({ folder }: TestBroker, hint: LockoutHint, count: number, name: string, from?: string): void {
  const database = new DatabaseSync(folder.file('broker.db'))
  const now = Date.now()
  const insert = database.prepare(
    `insert into lockouts (id, scope, cause, user_stem, address, gateway, hint, reason, since, ends_at)
     values (?, 'user_address', 'failures', ?, ?, 'gw1', ?, ?, ?, ?)`,
  )
  const reason = '5 failed logins of this user from this address within 600 s'
  database.exec('begin')
  for (let index = 0; index < count; index++) {
    const user = count === 1 ? name : `${name}-${String(index).padStart(5, '0')}`
    const address = from ?? `198.18.${index >> 8}.${index & 255}`
    insert.run(systemRandom.id(), user, address, hint, reason, now - index, now + HOUR_MS)
  }
  database.exec('commit')
  database.close()
}
