import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { newRecoveryCode, recoveryCodeHash } from '../../src/domain/enrolment.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium } from '../real/chromium.ts'
import { freePort } from '../real/free-port.ts'
import { type Looks, openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'
import { plugIn } from '../real/passkey-device.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'

const SECRET = 'between-gateway-and-broker'
/** As long as a name may be that a directory gives. */
const LONG = 'annalena-marguerite.von-der-recke-volmerstein@example.org'

describeWith(BROWSER_NEEDS, 'the page on which a user approves a VPN login', () => {
  const resources = new AsyncDisposableStack()
  let fixture: TestBroker
  let browser: RealBrowser
  let looks: Looks
  let origin: string
  beforeAll(async () => {
    const port = await freePort()
    origin = `http://localhost:${port}`
    fixture = await startTestBroker(
      { http: { port }, portal: { public_url: origin }, second_factor: { mode: 'approve' } },
      (end) => void resources.defer(end),
    )
    browser = await startChromium()
    resources.defer(browser.close)
    looks = openLooks()
  })
  afterAll(() => resources.disposeAsync())

  async function addUser(user: string): Promise<{ readonly codes: readonly string[] }> {
    await fixture.addUser(user)
    await fixture.enrol(user)
    const codes = Array.from({ length: 2 }, () => newRecoveryCode(systemRandom))
    const hashes = codes.map((code) => recoveryCodeHash(user, code))
    await fixture.records.enrolments.renewRecoveryCodes(user, hashes)
    return { codes }
  }

  /** The password is typed at a VPN client. @returns the number that the client shows. */
  async function askedAt(user: string, from: string): Promise<string> {
    const reply = await ask(
      fixture.authPort,
      loginRequest({ secret: SECRET, user, password: PASSWORD, from }),
    )
    return /(\d\d)/.exec(reply?.message?.replace(/https?:\S+/, '') ?? '')?.[1] ?? expect.unreachable()
  }

  test.each([
    ['en-GB', `ines.${LONG}`],
    ['zh-CN', `zoe.${LONG}`],
  ])('looks well in %s, with each answer', async (locale, user) => {
    const { codes } = await addUser(user)
    const { page, complaints, leave } = await browser.visit(origin, { locale })
    onTestFinished(leave)
    await plugIn(page)
    const submit = async (selector: string) => {
      const answered = page.waitForNavigation()
      await page.locator(selector).first().click()
      await answered
    }
    await page.goto(`${origin}/approve`)
    await page.fill('#name', user)
    await page.fill('#password', PASSWORD)
    await submit('form[action="/sign-in"] button')
    await page.fill('#code', codes[0] ?? '')
    await submit('form[action="/code"] button')
    await page.goto(`${origin}/passkeys/add`)
    await page.fill('#code', codes[1] ?? '')
    await submit('form[action="/passkeys/add"] button')
    await page.fill('#name', 'laptop')
    await submit('[data-passkey=enrol]')
    const look = async (name: string) =>
      expect(await looks.examine(page, `approve-${name}-${locale}`)).toEqual([])

    await page.goto(`${origin}/approve`)
    await look('none')
    const number = await askedAt(user, '2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff')
    // The page shows the request by itself.
    await page.locator('.numbers button').first().waitFor()
    await look('asked')
    await submit(`.numbers button[value="${number}"]`)
    expect(await page.locator('#said').getAttribute('class')).toContain('good')
    await look('approved')

    const next = await askedAt(user, '198.51.100.7')
    await submit(`.numbers button:not([value="${next}"])`)
    expect(await page.locator('#said').getAttribute('class')).toContain('bad')
    await look('wrong-number')
    expect(complaints()).toEqual([])
  })
})
