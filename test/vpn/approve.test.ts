import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium } from '../real/chromium.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import type { Openconnect } from '../real/openconnect.ts'
import { type MadePasskey, passkeyOf } from '../real/passkey-of.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import type { RealProcess } from '../real/process.ts'
import { connect } from './client.ts'

const PASSWORD = 'correct horse'

/** The VPN client on one machine; the gateway, the broker and the browser, which takes the portal for its own, on another. */
describeWith([...TUNNEL_NEEDS, ...BROWSER_NEEDS], 'a VPN login that its user approves with a passkey', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab
  let broker: Broker
  let gateway: Ocserv
  let browser: RealBrowser
  let portal: string
  let people: readonly TestPerson[]
  let passkey: MadePasskey

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    const port = await freePort()
    portal = `http://localhost:${port}`
    broker = await startBroker({
      place: lab.server,
      sections: {
        http: { address: '127.0.0.1', port },
        portal: { public_url: portal },
        second_factor: { mode: 'approve' },
      },
    })
    resources.defer(broker.stop)
    const { authPort, acctPort, secret } = broker
    gateway = await startOcserv({ place: lab.server, secret, authPort, acctPort })
    resources.defer(gateway.stop)
    browser = await startChromium(lab.server.name)
    resources.defer(browser.close)
    people = await addPeople(broker, [{ name: 'alice', password: PASSWORD }])
    passkey = await passkeyOf(broker, 'alice', 'localhost')
  })

  afterAll(() => resources.disposeAsync())

  /** Alice at her browser, with the page for approvals open. */
  async function openPage(code: string): Promise<Page> {
    const { page, complaints, leave } = await browser.visit(portal)
    onTestFinished(async () => {
      await leave()
      expect(complaints()).toEqual([])
    })
    await passkey.plugInto(page)
    await page.goto(`${portal}/approve`)
    await page.fill('#name', 'alice')
    await page.fill('#password', PASSWORD)
    await page.locator('#password').press('Enter')
    await page.fill('#code', code)
    await page.locator('#code').press('Enter')
    await page.waitForURL('**/approve')
    await page.getByText('No login is waiting.').waitFor()
    return page
  }

  function login(answers: (client: RealProcess) => AsyncIterable<string>): Promise<Openconnect> {
    return connect(lab, gateway, { user: 'alice', answers, within: 100_000 })
  }

  test('opens a tunnel, after an Enter that came too early', async () => {
    const page = await openPage(people[0]?.recoveryCodes[0] ?? '')
    const client = await login(async function* (process) {
      yield PASSWORD
      const prompt = /Open (http:\S+) and choose (\d\d), then press Enter here\./
      const [, address, number = ''] = await process.waitForOutput(prompt)
      expect(address).toBe(`${portal}/approve`)
      yield ''
      await process.waitForOutput(new RegExp(`Not approved yet, 4 tries left\\. .* choose ${number}, `))
      // The page that is open shows the request by itself.
      await page.getByRole('heading', { name: 'Is this you?' }).waitFor()
      const facts = await page.locator('.facts').innerText()
      for (const fact of ['alice', '192.0.2.2', 'gw', 'AnyConnect']) expect(facts).toContain(fact)
      expect(await page.locator('.numbers button').count()).toBe(3)
      await page.getByRole('button', { name: number, exact: true }).click()
      await page.getByText('Approved. Now press Enter in your VPN client.').waitFor()
      yield ''
    })
    expect(client.connected, client.seen()).toBe(true)
    expect(await client.tunAddress()).toBeDefined()
    expect(await gateway.users()).toMatchObject([{ Username: 'alice', State: 'connected' }])
    await client.disconnect()
  })

  test('is refused where the user says that it is somebody else, and leads to a new password', async () => {
    const page = await openPage(people[0]?.recoveryCodes[1] ?? '')
    const client = await login(async function* (process) {
      yield PASSWORD
      await process.waitForOutput(/choose \d\d, then press Enter/)
      await page.getByRole('button', { name: 'That is not me' }).click()
      await page.waitForURL('**/password')
      yield ''
    })
    expect(client.connected, client.seen()).toBe(false)
    const events = (await broker.ocbroker(['audit', '--user', 'alice'])) as readonly {
      readonly kind: string
      readonly address?: string
      readonly reason?: string
    }[]
    expect(events).toContainEqual(expect.objectContaining({ kind: 'login.disowned', address: '192.0.2.2' }))
    expect(events[0]).toMatchObject({ kind: 'login.refused', reason: 'not_approved' })
  })
})
