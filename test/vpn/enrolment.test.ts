import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Authenticator, scan } from '../real/authenticator.ts'
import { type Broker, startBroker } from '../real/broker.ts'
import { makeCertificates } from '../real/certificates.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium } from '../real/chromium.ts'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import type { Openconnect } from '../real/openconnect.ts'
import { addPeople } from '../real/people.ts'
import type { RealProcess } from '../real/process.ts'
import { connect } from './client.ts'

const PASSWORD = 'correct horse'
const PERIOD_MS = 30_000

/** A user's VPN client on one machine, the browser on another, and the gateway and the broker on a third. */
describeWith([...TUNNEL_NEEDS, ...BROWSER_NEEDS, 'openssl'], 'a user without an authenticator', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab
  let broker: Broker
  let gateway: Ocserv
  let browser: RealBrowser
  let portal: string

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    const folder = temporaryFolder('portal')
    resources.defer(folder.remove)
    const { certificate, key } = await makeCertificates(folder)
    const port = await freePort()
    const { address } = lab.server
    portal = `https://${address}:${port}`
    broker = await startBroker({
      place: lab.server,
      sections: {
        http: { address, port, tls: { cert_file: certificate, key_file: key } },
        portal: { public_url: portal },
        second_factor: { enrol_at_login: true },
      },
    })
    resources.defer(broker.stop)
    const { authPort, acctPort, secret } = broker
    gateway = await startOcserv({ place: lab.server, secret, authPort, acctPort })
    resources.defer(gateway.stop)
    browser = await startChromium(lab.desktop.name)
    resources.defer(browser.close)
    await addPeople(
      broker,
      ['alice', 'bob', 'carol'].map((name) => ({ name, password: PASSWORD, enrolled: false })),
    )
  })

  afterAll(() => resources.disposeAsync())

  /** Opens an address of the portal; the test ends with a look at what the browser has complained of. */
  async function open(address: string): Promise<Page> {
    const { page, complaints, leave } = await browser.visit(portal, { ignoreHTTPSErrors: true })
    onTestFinished(async () => {
      await leave()
      expect(complaints()).toEqual([])
    })
    await page.goto(address)
    return page
  }

  function login(
    user: string,
    answers: readonly string[] | ((client: RealProcess) => AsyncIterable<string>),
    totpSecret?: string,
  ): Promise<Openconnect> {
    return connect(lab, gateway, { user, answers, totpSecret, within: 100_000 })
  }

  test('enrols from the picture on the screen, and then logs in with that token', async () => {
    const page = await open(portal)
    await page.fill('#name', 'alice')
    await page.fill('#password', PASSWORD)
    await page.locator('#password').press('Enter')
    await page.waitForURL('**/enrol')
    const app = await confirm(page)
    const [cookie] = await page.context().cookies()
    expect(cookie).toMatchObject({ name: '__Host-ocbroker', secure: true, httpOnly: true, sameSite: 'Lax' })

    // openconnect makes the code of the moment by itself; the one of this moment is spent.
    await sleep(PERIOD_MS - (Date.now() % PERIOD_MS) + 500)
    const client = await login('alice', [PASSWORD], app.key)
    expect(client.connected, client.seen()).toBe(true)
    expect(await client.tunAddress()).toBeDefined()
    expect(await gateway.users()).toMatchObject([{ Username: 'alice', State: 'connected' }])

    await page.locator('input[name="saved"]').check()
    await page.locator('form[action="/recovery-codes/saved"] button').click()
    await page.waitForURL('**/done')
    await page.goto(portal)
    await page.locator('.facts').waitFor()
    const account = await page.locator('main').innerText()
    expect(account).toContain('Connected')
  })

  test('enrols while the VPN login waits at its prompt, and the code completes the same login', async () => {
    let app: Authenticator | undefined
    const client = await login('bob', async function* (openconnectClient) {
      yield PASSWORD
      const prompt = /Open (https:\S+) and enter the code ([A-Z2-9]{4}-[A-Z2-9]{4})/
      const [, address = '', code = ''] = await openconnectClient.waitForOutput(prompt)
      expect(address).toBe(`${portal}/enrol`)
      const page = await open(address)
      await page.fill('#name', 'bob')
      await page.fill('#code', code)
      await page.locator('#code').press('Enter')
      app = await confirm(page)
      yield app.code(1)
    })
    expect(client.connected, client.seen()).toBe(true)
    expect(client.seen()).not.toContain('Wrong code')
    expect(app?.label).toBe('ocbroker:bob')
    expect(await gateway.users()).toContainEqual(expect.objectContaining({ Username: 'bob' }))
    // One login, one session: the gateway never asked again.
    expect(await broker.ocbroker(['session', 'list', '--user', 'bob'])).toHaveLength(1)
    const events = (await broker.ocbroker(['audit', '--user', 'bob'])) as readonly { kind: string }[]
    expect(events.map(({ kind }) => kind).toSorted()).toEqual([
      'enrolment.made',
      'login.accepted',
      'login.accepted',
      'login.challenged',
    ])
  })

  test('who answers before enrolling is shown another code, and gets in with that', async () => {
    const client = await login('carol', async function* (openconnectClient) {
      yield PASSWORD
      await openconnectClient.waitForOutput(/You need an authenticator app/)
      yield '123456'
      const prompt = /not set up yet\. Open (https:\S+) and enter the code ([A-Z2-9]{4}-[A-Z2-9]{4})/
      const [, address = '', code = ''] = await openconnectClient.waitForOutput(prompt)
      const page = await open(`${address}?name=carol`)
      await page.fill('#code', code)
      await page.locator('#code').press('Enter')
      const app = await confirm(page)
      yield app.code(1)
    })
    expect(client.connected, client.seen()).toBe(true)
  })

  test('is invited by an administrator, and enrols without signing in', async () => {
    const invited = (await broker.ocbroker(['invite', 'alice', '--for', '1h'])) as {
      readonly code: string
      readonly page: string
    }
    expect(invited.page).toBe(`${portal}/enrol`)
    const page = await open(invited.page)
    await page.fill('#name', 'alice')
    await page.fill('#code', invited.code)
    await page.locator('#code').press('Enter')
    const app = await confirm(page)
    const client = await login('alice', [PASSWORD, app.code(1)])
    expect(client.connected, client.seen()).toBe(true)
  })
})

/** Scans the picture, types the code, and sees the recovery codes. */
async function confirm(page: Page): Promise<Authenticator> {
  await page.waitForURL('**/enrol')
  const app = await scan(page.locator('svg.qr'))
  await page.fill('#code', app.code())
  await page.locator('#code').press('Enter')
  await page.locator('#codes').waitFor()
  expect(await page.locator('#codes li').count()).toBe(10)
  return app
}
