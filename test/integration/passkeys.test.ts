import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { newRecoveryCode, recoveryCodeHash } from '../../src/domain/enrolment.ts'
import { invitationHash } from '../../src/domain/invitation.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { ask } from '../http/ask.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium } from '../real/chromium.ts'
import { freePort } from '../real/free-port.ts'
import { type Looks, openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'
import { plugIn } from '../real/passkey-device.ts'

const NEEDS_PASSKEY = 'Sign in with a passkey'

describeWith(BROWSER_NEEDS, 'passkeys at the portal and the desk', () => {
  const resources = new AsyncDisposableStack()
  let fixture: TestBroker
  let browser: RealBrowser
  let looks: Looks
  let origin: string
  beforeAll(async () => {
    const port = await freePort()
    // A secure context without TLS.
    origin = `http://localhost:${port}`
    const roles = {
      admin: { groups: ['admins'], require: 'passkey' },
      desk: ['helpdesk'],
      auditor: ['auditors'],
    }
    fixture = await startTestBroker(
      { http: { port, roles }, portal: { public_url: origin } },
      (end) => void resources.defer(end),
    )
    browser = await startChromium()
    resources.defer(browser.close)
    looks = openLooks()
  })
  afterAll(() => resources.disposeAsync())

  const heading = (page: Page) => page.locator('main h1').first().textContent()
  const names = (page: Page) => page.locator('#passkeys li > strong').allInnerTexts()
  const submit = async (page: Page, selector: string) => {
    const answered = page.waitForNavigation()
    await page.locator(selector).first().click()
    await answered
  }
  const events = async (user: string) =>
    (await fixture.records.audit.list({ user, limit: 50 })).map(({ kind, reason }) =>
      [kind, reason].filter((part) => part !== undefined).join(' '),
    )

  /** A window with a device of its own, in which nobody is signed in. */
  const open = async (locale = 'en-GB') => {
    const visitor = await browser.visit(origin, { locale })
    onTestFinished(visitor.leave)
    const device = await plugIn(visitor.page)
    await visitor.page.goto(origin)
    return { ...visitor, device }
  }
  const spare = new Map<string, string[]>()
  const addUser = async (name: string, groups: readonly string[] = []) => {
    await fixture.addUser(name, groups)
    await fixture.enrol(name)
    const codes = Array.from({ length: 8 }, () => newRecoveryCode(systemRandom))
    const hashes = codes.map((code) => recoveryCodeHash(name, code))
    await fixture.records.enrolments.renewRecoveryCodes(name, hashes)
    spare.set(name, codes)
  }
  const code = (name: string) => spare.get(name)?.pop() ?? expect.unreachable('no code is left')

  const signInWithCode = async (page: Page, name: string) => {
    await page.goto(origin)
    await page.fill('#name', name)
    await page.fill('#password', PASSWORD)
    await submit(page, 'form[action="/sign-in"] button')
    await page.fill('#code', code(name))
    await submit(page, 'form[action="/code"] button')
  }
  const addPasskey = async (page: Page, user: string, name: string, proof: 'code' | 'passkey') => {
    await page.goto(`${origin}/passkeys/add`)
    if (proof === 'passkey') await submit(page, '[data-passkey=step-up]')
    else {
      await page.fill('#code', code(user))
      await submit(page, 'form[action="/passkeys/add"] button')
    }
    expect(page.url()).toBe(`${origin}/passkeys/new`)
    await page.fill('#name', name)
    await submit(page, '[data-passkey=enrol]')
  }
  const signInByPasskey = async (page: Page, query = '') => {
    await page.goto(`${origin}/${query}`)
    await submit(page, '[data-passkey=sign-in]')
  }
  const signOut = (page: Page) => submit(page, 'form[action="/sign-out"] button')
  /** Signed in with a code, with one passkey on the device of the window. */
  const withPasskey = async (name: string, groups: readonly string[] = []) => {
    await addUser(name, groups)
    const window = await open()
    await signInWithCode(window.page, name)
    await addPasskey(window.page, name, 'laptop', 'code')
    return window
  }

  test('several are enrolled, one signs in alone, and its removal ends what it has begun', async () => {
    const { page, device, complaints } = await withPasskey('alice')
    expect(await names(page)).toEqual(['laptop'])
    await device.unplug()
    const key = await plugIn(page, 'usb')
    await addPasskey(page, 'alice', 'key <b>', 'code')
    expect(await names(page)).toEqual(['laptop', 'key <b>'])
    await signOut(page)
    await signInByPasskey(page)
    expect(await heading(page)).toBe('Your account')
    expect(await page.locator('#passkeys .badge').count()).toBe(1)
    expect(complaints()).toEqual([])

    // Another window of the same passkey.
    const other = await open()
    for (const credential of await key.credentials()) await other.device.put(credential)
    await signInByPasskey(other.page)
    expect(await heading(other.page)).toBe('Your account')
    await submit(page, '#passkeys li:last-child a.danger')
    await submit(page, '[data-passkey=step-up]')
    for (const each of [page, other.page]) {
      await each.goto(origin)
      expect(await heading(each)).toBe('Sign in')
    }
    await signInByPasskey(page)
    expect(await page.locator('#problem').textContent()).toContain('was not accepted')
    expect(await events('alice')).toEqual(
      expect.arrayContaining(['passkey.enrolled', 'passkey.used', 'passkey.removed', 'login.accepted']),
    )
  })

  test('a role that requires one is no role without it, for the desk and for the API', async () => {
    const { page } = await withPasskey('root', ['admins'])
    await page.goto(`${origin}/desk`)
    expect(await heading(page)).toBe(NEEDS_PASSKEY)
    expect((await page.request.get(`${origin}/api/v1/users`)).status()).toBe(403)
    await page.goto(origin)
    expect(await page.locator('#passkeys').textContent()).toContain('needs a passkey')
    await signOut(page)
    await signInByPasskey(page, '?to=desk')
    expect(page.url()).toBe(`${origin}/desk`)
    expect((await page.request.get(`${origin}/api/v1/users`)).status()).toBe(200)
    // Tokens are not concerned.
    const authorization = `Bearer ${await fixture.token(['users:read'])}`
    expect((await ask(`${fixture.url}/api/v1/users`, { headers: { authorization } })).status).toBe(200)
  })

  test('an answer is taken once, in the browser and for the user that were asked', async () => {
    const { page } = await withPasskey('bob')
    await signOut(page)
    await page.goto(origin)
    const sent: string[] = []
    page.on('request', (request) => {
      if (request.url().endsWith('/passkeys/sign-in')) sent.push(request.postData() ?? '')
    })
    await submit(page, '[data-passkey=sign-in]')
    expect(await heading(page)).toBe('Your account')
    const answer = new URLSearchParams(sent[0]).get('passkey') ?? ''
    const again = async (from: Page) => {
      await from.goto(origin)
      const answered = from.waitForNavigation()
      await from.evaluate(`
        const form = document.getElementById('passkey-sign-in')
        form.elements.passkey.value = ${JSON.stringify(answer)}
        form.submit()
      `)
      await answered
      return from.locator('#problem').textContent()
    }
    await signOut(page)
    expect(await again(page)).toContain('was not accepted')
    const other = await open()
    expect(await again(other.page)).toContain('was not accepted')
    expect(await events('bob')).not.toContain('passkey.refused replayed')
    const refused = await fixture.records.audit.list({ kinds: ['passkey.refused'], limit: 2 })
    expect(refused.map(({ reason }) => reason)).toEqual(['replayed', 'replayed'])
    expect((await events('bob')).filter((event) => event === 'passkey.used')).toHaveLength(1)
  })

  test('a copy whose counter lags behind is refused, and a device that knows nobody is not asked', async () => {
    const { page, device } = await withPasskey('carol')
    const copies = await device.credentials()
    await signOut(page)
    await signInByPasskey(page)
    expect(await heading(page)).toBe('Your account')
    await signOut(page)
    for (const copy of copies) await device.put({ ...copy, signCount: 0 })
    await signInByPasskey(page)
    expect(await page.locator('#problem').textContent()).toContain('was not accepted')
    expect(await events('carol')).toContain('passkey.refused counter_went_back')
    for (const copy of copies) await device.put({ ...copy, signCount: 50 })
    await device.verifiesUser(false)
    await page.goto(origin)
    await page.click('[data-passkey=sign-in]')
    await page.waitForSelector('#passkey-sign-in [data-passkey-problem]:visible')
    await device.verifiesUser(true)
    await submit(page, '[data-passkey=sign-in]')
    expect(await heading(page)).toBe('Your account')
  })

  test('whoever may not sign in does not by passkey: removed, disabled, locked by hand; guesses lock it not', async () => {
    const { page } = await withPasskey('dora')
    const lock = (reason: string) =>
      fixture.records.lockouts.lock({
        ...{ id: systemRandom.id(), scope: 'user', user: 'dora', by: 'tests', reason, since: Date.now() },
      })
    await signOut(page)
    const { id } = await lock('she left')
    await signInByPasskey(page)
    expect(await heading(page)).toBe('Sign in')
    await fixture.records.lockouts.release(id, 'tests', 'she is back', Date.now())
    const guess = (index: number) =>
      fixture.records.login.recordFailure({
        event: { id: systemRandom.id(), at: Date.now(), kind: 'login.refused', user: 'dora' },
        ...{ user: 'dora', address: `192.0.2.${index}`, gateway: 'gw1', factor: 'password' },
        ...{ lock: ['user'], rules: fixture.config.lockout },
      })
    for (let index = 1; index <= 20; index++) await guess(index)
    const locks = await fixture.records.lockouts.list({
      ...{ user: 'dora', standing: { state: 'in_force', at: Date.now() }, limit: 1 },
    })
    expect(locks).toMatchObject([{ scope: 'user', cause: 'failures' }])
    await fixture.records.users.change('dora', { enabled: false })
    await signInByPasskey(page)
    expect(await heading(page)).toBe('Sign in')
    expect(await events('dora')).toEqual(
      expect.arrayContaining(['login.refused locked', 'login.refused barred']),
    )
    await fixture.records.users.change('dora', { enabled: true })
    await signInByPasskey(page)
    expect(await heading(page)).toBe('Your account')
    await fixture.records.users.remove('dora')
    await page.goto(origin)
    await signInByPasskey(page)
    expect(await heading(page)).toBe('Sign in')
  })

  test('a first passkey stands for a first authenticator, and the password alone then enrols nothing', async () => {
    await fixture.addUser('erin')
    const { page } = await open()
    const withPassword = async () => {
      await page.goto(origin)
      await page.fill('#name', 'erin')
      await page.fill('#password', PASSWORD)
      await submit(page, 'form[action="/sign-in"] button')
    }
    await withPassword()
    await page.goto(`${origin}/passkeys/new`)
    await submit(page, '[data-passkey=enrol]')
    expect(await heading(page)).toBe('Your account')
    expect(await page.locator('#no-app').textContent()).toContain('no authenticator app')
    expect(await names(page)).toEqual(['passkey 1'])
    await signOut(page)
    await withPassword()
    expect(await page.locator('#problem').textContent()).toContain('Sign in with the passkey')
    await signInByPasskey(page)
    expect(await heading(page)).toBe('Your account')
    // Beside the app, no second one without a step-up.
    await page.goto(`${origin}/passkeys/new`)
    expect(page.url()).toBe(`${origin}/`)
  })

  test('an invitation adds no passkey to what its user has', async () => {
    await addUser('fred')
    const { page } = await open()
    const invited = newRecoveryCode(systemRandom)
    await fixture.records.invitations.put({
      ...{ id: systemRandom.id(), subject: 'fred', hash: invitationHash(invited), createdBy: 'tests' },
      ...{ createdAt: Date.now(), expiresAt: Date.now() + 60_000 },
    })
    await page.goto(`${origin}/enrol`)
    await page.fill('#name', 'fred')
    await page.fill('#code', invited)
    await submit(page, 'form[action="/enrol/code"] button')
    expect(await page.locator('a[href="/passkeys/new"]').count()).toBe(0)
    await page.goto(`${origin}/passkeys/new`)
    expect(page.url()).not.toContain('/passkeys/new')
    expect(await fixture.records.passkeys.list('fred')).toEqual([])
  })

  test('the desk lists and revokes them', async () => {
    const { page } = await withPasskey('gina')
    await addUser('helga', ['helpdesk'])
    const desk = await open()
    await signInWithCode(desk.page, 'helga')
    await desk.page.goto(`${origin}/desk/users/gina?tab=authenticators`)
    expect(await desk.page.locator('#passkeys').textContent()).toContain('laptop')
    await looks.examine(desk.page, 'desk-passkeys')
    await desk.page.click('#passkeys summary')
    await desk.page.fill('#passkeys input[name=reason], #passkeys textarea[name=reason]', 'lost laptop')
    await submit(desk.page, '#passkeys button.danger')
    expect(await fixture.records.passkeys.list('gina')).toEqual([])
    await page.goto(origin)
    await signOut(page)
    await signInByPasskey(page)
    expect(await heading(page)).toBe('Sign in')
  })

  test.each(['en-GB', 'zh-CN'])(
    'the pages look well in %s',
    async (locale) => {
      const name = `ines-${locale.slice(0, 2)}`
      await addUser(name, ['admins'])
      const { page } = await open(locale)
      const faults: string[] = []
      const look = async (what: string) =>
        faults.push(...(await looks.examine(page, `passkeys-${what}-${locale}`)))
      await look('sign-in')
      await signInWithCode(page, name)
      await look('none')
      await page.goto(`${origin}/passkeys/add`)
      await look('add')
      await addPasskey(page, name, 'The laptop with a name as long as a name may be, sixty letters', 'code')
      await look('one')
      await page.goto(`${origin}/desk`)
      await look('needs-passkey')
      const [first] = await fixture.records.passkeys.list(name)
      for (let index = 1; index < 10; index++)
        await fixture.records.passkeys.add({
          ...(first ?? expect.unreachable('there is none')),
          ...{
            id: systemRandom.id(),
            credential: `c${locale}${index}`,
            name: `key ${index}`,
            usedAt: Date.now(),
          },
        })
      await page.goto(origin)
      await look('ten')
      await page.goto(`${origin}/passkeys/remove?id=${first?.id}`)
      await look('remove')
      await page.goto(`${origin}/authenticator/replace`)
      await look('prove')
      await page.goto(`${origin}/password`)
      await look('password')
      expect(faults).toEqual([])
    },
    240_000,
  )
})
