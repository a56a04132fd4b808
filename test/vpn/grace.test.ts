import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import { addPeople } from '../real/people.ts'
import { connect } from './client.ts'

const PASSWORD = 'correct horse'
const PORTAL = 'https://vpn.example.org'
const ENTER = ''

describeWith(TUNNEL_NEEDS, 'a user without an authenticator, while there is grace', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab
  let broker: Broker
  let gateway: Ocserv
  let metrics: string
  let token: string

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    const port = await freePort()
    const { address } = lab.server
    metrics = `http://${address}:${port}/metrics`
    broker = await startBroker({
      place: lab.server,
      sections: {
        http: { address, port, allow: [`${address}/32`] },
        portal: { public_url: PORTAL },
        second_factor: { grace: { logins: 2 } },
      },
    })
    resources.defer(broker.stop)
    const { authPort, acctPort, secret } = broker
    gateway = await startOcserv({ place: lab.server, secret, authPort, acctPort })
    resources.defer(gateway.stop)
    const made = await broker.ocbroker(['token', 'create', '--name', 'figures', '--scope', 'metrics:read'])
    token = (made as { readonly token: string }).token
    await addPeople(broker, [{ name: 'alice', password: PASSWORD, enrolled: false }])
  })

  afterAll(() => resources.disposeAsync())

  async function letInByGrace(): Promise<number> {
    const ask = `fetch('${metrics}', { headers: { authorization: 'Bearer ${token}' } })`
    const { stdout } = await lab.server.run(process.execPath, [
      '--eval',
      `${ask}.then((answer) => answer.text()).then(console.log)`,
    ])
    return Number(/^ocbroker_waived_second_factors_total\{by="grace"\} (\d+)$/m.exec(stdout)?.[1] ?? 0)
  }

  test('is told so, is let in twice, which is counted, and is refused after that', async () => {
    for (const [left, words] of [
      [2, 'without one 2 more times'],
      [1, 'without one 1 more time.'],
    ] as const) {
      const client = await connect(lab, gateway, { user: 'alice', answers: [PASSWORD, ENTER] })
      expect(client.connected, client.seen()).toBe(true)
      const seen = client.seen().replaceAll(/\s+/g, ' ')
      expect(seen).toContain(`You have no authenticator app yet. Set one up at ${PORTAL}`)
      expect(seen).toContain(words)
      expect(await gateway.users()).toMatchObject([{ Username: 'alice', State: 'connected' }])
      expect(await letInByGrace()).toBe(3 - left)
      await client.disconnect()
      await expect.poll(() => gateway.users(), { timeout: 5000 }).toEqual([])
    }
    const listed = await broker.ocbroker(['enrolment', 'list', '--missing'])
    expect(listed).toMatchObject([{ name: 'alice', grace: 'none left' }])

    const refused = await connect(lab, gateway, { user: 'alice', answers: [PASSWORD] })
    expect(refused.connected, refused.seen()).toBe(false)
    expect(refused.seen()).not.toContain('without one')
    expect(await letInByGrace()).toBe(2)
    const events = await broker.ocbroker(['audit', '--user', 'alice'])
    const logins = (events as { kind: string; detail?: string; reason?: string }[]).filter(({ kind }) =>
      ['login.accepted', 'login.refused'].includes(kind),
    )
    expect(logins.map(({ kind, reason }) => [kind, reason]).toSorted()).toEqual([
      ['login.accepted', 'grace_used'],
      ['login.accepted', 'grace_used'],
      ['login.refused', 'no_second_factor'],
    ])
  })
})
