import { generateSync } from 'otplib'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { translator } from '../../src/i18n/messages.ts'
import { scan } from '../real/authenticator.ts'
import { type Broker, startBroker } from '../real/broker.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium } from '../real/chromium.ts'
import { freePort } from '../real/free-port.ts'
import { type Looks, openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { ask, loginRequest, type Reply } from '../real/radius-socket.ts'

const PASSWORD = 'a passphrase of the tests'
const LOCALES = { dora: 'en', emil: 'zh-CN' } as const
type Name = keyof typeof LOCALES
const HELP = {
  text: 'Service desk, weekdays 8 to 18',
  mail: 'help@example.org',
  telephone: '+49 69 555 0100',
}

/** It was configured otherwise while it ran, so that codes of VPN prompts are about. */
describeWith(BROWSER_NEEDS, 'a broker that has users enrolled by invitation only', () => {
  const resources = new AsyncDisposableStack()
  let broker: Broker
  let browser: RealBrowser
  let looks: Looks
  let url: string
  const promptedCodes = new Map<string, string>()

  beforeAll(async () => {
    looks = openLooks()
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    const sections = (enrol: 'password' | 'invited') => ({
      http: { port },
      portal: { public_url: url, enrol, help: HELP },
      second_factor: { mode: 'either', enrol_at_login: enrol === 'password' },
    })
    broker = await startBroker({ sections: sections('password') })
    resources.defer(broker.stop)
    browser = await startChromium()
    resources.defer(browser.close)
    const people = Object.keys(LOCALES).map((name) => ({ name, password: PASSWORD, enrolled: false }))
    for (const { name } of await addPeople(broker, people)) {
      const { code, message = '' } = (await login(name)) ?? {}
      expect(code).toBe('Access-Challenge')
      promptedCodes.set(name, /code (\S+) there/.exec(message)?.[1] ?? expect.unreachable(message))
    }
    broker.configure(sections('invited'))
    await broker.ocbroker(['reload'])
  })

  afterAll(() => resources.disposeAsync())

  const login = (user: string, password = PASSWORD): Promise<Reply | undefined> =>
    ask(broker.authPort, loginRequest({ secret: broker.secret, user, password }))

  const alert = (page: Page) => page.getByRole('alert').innerText()

  test.each(Object.keys(LOCALES) as Name[])(
    'begins none for the password of %s, and one for an invitation',
    async (name) => {
      const locale = LOCALES[name]
      const notInvited = translator(locale)('portal.refused.notInvited')
      const { page, complaints, leave } = await browser.visit(url, { locale })
      onTestFinished(leave)
      const look = async (what: string) =>
        expect(await looks.examine(page, `${locale}-invited-${what}`)).toEqual([])
      const hasKey = async () => (await page.locator('svg.qr, #key').count()) > 0

      // Within a VPN login, and with what a VPN prompt showed before.
      expect(await login(name)).toMatchObject({ code: 'Access-Reject' })
      await page.goto(`${url}/enrol`)
      await page.fill('#name', name)
      await page.fill('#code', promptedCodes.get(name) ?? '')
      await submit(page, '#code')
      expect(await alert(page)).toBe(notInvited)
      expect(await hasKey()).toBe(false)
      await look('vpn-code')

      await page.goto(url)
      await page.fill('#name', name)
      await page.fill('#password', PASSWORD)
      await submit(page, '#password')
      expect(await alert(page)).toBe(notInvited)
      expect(await page.locator('#help').innerText()).toContain(HELP.text)
      expect(
        await page.locator('#help a').evaluateAll((links) => links.map((link) => link.getAttribute('href'))),
      ).toEqual(['tel:+49695550100', 'mailto:help@example.org'])
      await look('password')
      await page.goto(`${url}/enrol`)
      expect(await hasKey()).toBe(false)

      const { code } = (await broker.ocbroker(['invite', name])) as { readonly code: string }
      await page.fill('#name', name)
      await page.fill('#code', code)
      await submit(page, '#code')
      const app = await scan(page.locator('svg.qr'))
      await look('enrol')
      await page.fill('#code', app.code())
      await submit(page, '#code')
      await page.locator('#codes').waitFor()
      const next = generateSync({ secret: app.key, epoch: Math.floor(Date.now() / 1000) + 30 })
      expect(await login(name, PASSWORD + next)).toMatchObject({ code: 'Access-Accept' })
      await page.goto(`${url}/nowhere`)
      await page.locator('#help').waitFor()
      expect(complaints()).toEqual([])
    },
  )
})

async function submit(page: Page, field: string): Promise<void> {
  await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'POST'),
    page.locator(field).press('Enter'),
  ])
  await page.waitForLoadState()
}
