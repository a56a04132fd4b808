import { generateSync } from 'otplib'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { AGENT_NEEDS, startAgent } from '../real/agent.ts'
import { type Broker, startBroker } from '../real/broker.ts'
import { makeAuthority } from '../real/certificates.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium } from '../real/chromium.ts'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import type { Openconnect } from '../real/openconnect.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { connect } from './client.ts'

const PASSWORD = 'correct horse'

/** A VPN client that fails on one machine, the desk's browser on another, and the gateway and the broker on a third. */
describeWith(
  [...TUNNEL_NEEDS, ...AGENT_NEEDS, ...BROWSER_NEEDS, 'openssl'],
  'the desk beside a real VPN',
  () => {
    const resources = new AsyncDisposableStack()
    let lab: Lab
    let broker: Broker
    let gateway: Ocserv
    let browser: RealBrowser
    let desk: string
    let caFile: string
    let alice: TestPerson
    let bob: TestPerson
    let helper: TestPerson

    beforeAll(async () => {
      lab = await startLab()
      resources.defer(lab.stop)
      const folder = temporaryFolder('desk')
      resources.defer(folder.remove)
      const { address } = lab.server
      const authority = await makeAuthority(folder)
      const { certificate, key } = await authority.issue('broker', `IP:${address}`)
      caFile = authority.file
      const port = await freePort()
      desk = `https://${address}:${port}/desk`
      broker = await startBroker({
        place: lab.server,
        sections: {
          http: {
            address,
            port,
            tls: { cert_file: certificate, key_file: key },
            allow: [`${lab.desktop.address}/32`, `${address}/32`],
            roles: { desk: ['helpdesk'] },
          },
          lockout: { after: 3 },
        },
      })
      resources.defer(broker.stop)
      const { authPort, acctPort, secret } = broker
      gateway = await startOcserv({
        place: lab.server,
        secret,
        authPort,
        acctPort,
        // The gateway's own ban would stand before the broker's lockout.
        extra: ['max-ban-score = 0'],
      })
      resources.defer(gateway.stop)
      browser = await startChromium(lab.desktop.name)
      resources.defer(browser.close)
      const people = await addPeople(broker, [
        { name: 'alice', password: PASSWORD },
        { name: 'bob', password: PASSWORD },
        { name: 'helper', password: PASSWORD, groups: ['helpdesk'] },
      ])
      alice = people[0] ?? expect.unreachable()
      bob = people[1] ?? expect.unreachable()
      helper = people[2] ?? expect.unreachable()
    })

    afterAll(() => resources.disposeAsync())

    function connectAsAlice(answers: readonly string[], totpSecret?: string): Promise<Openconnect> {
      return connect(lab, gateway, { user: 'alice', answers, totpSecret, within: 60_000 })
    }

    /** The reason is given, and all is done. */
    async function leave(page: Page, user: string): Promise<void> {
      await page.goto(`${desk}/users/${user}`)
      await page.getByRole('link', { name: 'Leaves the company' }).click()
      await page.fill('#reason', 'last day')
      await page.getByRole('button', { name: 'Do all of this' }).click()
      await page.getByRole('heading', { name: `${user} is out` }).waitFor()
    }

    async function openDesk(): Promise<Page> {
      const { origin } = new URL(desk)
      const { page, complaints, leave } = await browser.visit(origin, { ignoreHTTPSErrors: true })
      onTestFinished(async () => {
        await leave()
        expect(complaints()).toEqual([])
      })
      await page.goto(desk)
      await page.fill('#name', 'helper')
      await page.fill('#password', PASSWORD)
      await page.locator('#password').press('Enter')
      await page.fill('#code', generateSync({ secret: helper.key }))
      await page.locator('#code').press('Enter')
      await page.getByRole('link', { name: 'Lockouts' }).click()
      await page.getByText('Nobody is locked out.').waitFor()
      await page.locator('#live-state', { hasText: 'Live' }).waitFor()
      return page
    }

    test('a user who is locked out is seen there, found, released, and then gets in; a leaver is out', async () => {
      const page = await openDesk()
      const failed = await connectAsAlice(['wrong one', 'wrong two', 'wrong three'])
      expect(failed.connected).toBe(false)

      // Without a reload.
      const row = page.locator('tr', { hasText: 'alice' })
      await row.waitFor()
      expect(await row.innerText()).toContain(lab.client.address)
      expect(await row.innerText()).toContain('New place')
      const barred = await connectAsAlice([PASSWORD], alice.key)
      expect(barred.connected).toBe(false)

      await page.fill('#q', 'alice')
      await page.locator('#q').press('Enter')
      await row.getByRole('link', { name: 'Release' }).click()
      await page.getByRole('heading', { name: 'alice' }).waitFor()
      const story = await page.locator('.timeline').innerText()
      expect(story).toContain('Refused: wrong password')
      expect(story).toContain('3 times')
      expect(story).toContain('Refused: locked out')
      expect(story).toContain(`${lab.client.address} · gw`)
      await page.fill('#reason', 'called back on the known number')
      await page.locator('#reason').press('Enter')
      await page.locator('.notice.good', { hasText: 'released by helper (web)' }).waitFor()

      const client = await connectAsAlice([PASSWORD], alice.key)
      expect(client.connected, client.seen()).toBe(true)
      expect(await client.tunAddress()).toBeDefined()
      expect(await gateway.users()).toMatchObject([{ Username: 'alice', State: 'connected' }])
      await page.reload()
      const after = await page.locator('main').innerText()
      expect(after).toContain('Connected')
      expect(after).toContain('Signed in')
      await page.getByRole('link', { name: 'Sessions' }).click()
      await page
        .locator('tr', { hasText: 'alice' })
        .locator('.badge.good', { hasText: 'Connected' })
        .waitFor()
      expect(await broker.ocbroker(['audit', '--user', 'alice'])).toContainEqual(
        expect.objectContaining({
          kind: 'lockout.released',
          actor: 'helper (web)',
          detail: 'called back on the known number',
        }),
      )

      // Leaves the company: one form, and where no agent reports, the page has the command for the gateway.
      await leave(page, 'alice')
      const command = (await page.locator('code').innerText()).trim()
      expect(command).toBe('occtl disconnect user alice')
      // It answers with a sentence, which is no JSON.
      await gateway.occtl(...command.split(' ').slice(1)).catch(() => undefined)
      await expect.poll(() => gateway.users()).toEqual([])
      expect((await connectAsAlice([PASSWORD], alice.key)).connected).toBe(false)

      // Where an agent reports, the form alone ends the tunnel, and no command is left to be copied.
      const url = new URL(desk).origin
      const agent = await startAgent({ place: lab.server, broker, url, ocserv: gateway, caFile })
      onTestFinished(agent.stop)
      const user = { user: 'bob', answers: [PASSWORD], totpSecret: bob.key }
      const leaver = await connect(lab, gateway, user)
      expect(leaver.connected, leaver.seen()).toBe(true)
      await leave(page, 'bob')
      expect(await page.locator('code').count()).toBe(0)
      await expect.poll(() => gateway.users()).toEqual([])
      await expect.poll(() => leaver.process.isRunning()).toBe(false)
      expect((await connect(lab, gateway, user)).connected).toBe(false)
    })
  },
)
