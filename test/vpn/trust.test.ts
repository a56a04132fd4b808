import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { connect } from './client.ts'

const PASSWORD = 'correct horse'
const CODE_PROMPT = 'Enter the code from your authenticator app.'
const WORDS = 'Set up your app at https://vpn.example/ first.'

describeWith(TUNNEL_NEEDS, 'a trust at a real gateway', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab
  let broker: Broker
  let gateway: Ocserv
  let ann: TestPerson

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    broker = await startBroker({
      place: lab.server,
      sections: {
        policies: [
          { name: 'no-app', when: { enrolled: false }, deny: { message: WORDS } },
          {
            name: 'staff',
            when: { clients: ['*AnyConnect*', 'Open*'] },
            trust: '12h',
            reply: { netmask: '255.255.255.0', groups: ['staff'] },
          },
        ],
      },
    })
    resources.defer(broker.stop)
    const { authPort, acctPort, secret } = broker
    const groups = ['staff']
    gateway = await startOcserv({ place: lab.server, secret, authPort, acctPort, groups })
    resources.defer(gateway.stop)
    const [added] = await addPeople(broker, [
      { name: 'ann', password: PASSWORD },
      { name: 'new', password: PASSWORD, enrolled: false },
    ])
    ann = added ?? expect.unreachable()
  })

  afterAll(() => resources.disposeAsync())

  const login = (user: string, totpSecret?: string, from = lab.client) =>
    connect({ ...lab, client: from }, gateway, { user, answers: [PASSWORD], authgroup: 'staff', totpSecret })

  test('gives a tunnel by password alone from there, and asks for the code elsewhere', async () => {
    const asked = await login('ann', ann.key)
    expect(asked.connected, asked.seen()).toBe(true)
    expect(asked.seen()).toContain(CODE_PROMPT)
    await asked.disconnect()

    const trusted = await login('ann')
    expect(trusted.connected, trusted.seen()).toBe(true)
    expect(trusted.seen()).not.toContain(CODE_PROMPT)
    expect(await trusted.tunAddress()).toBeDefined()
    await trusted.disconnect()

    const elsewhere = await login('ann', undefined, lab.desktop)
    expect(elsewhere.connected).toBe(false)
    expect(elsewhere.seen()).toContain(CODE_PROMPT)
    const trusts = await broker.ocbroker(['trust', 'list', 'ann'])
    expect(trusts).toMatchObject([{ network: '192.0.2.2', uses: 1 }])
  })

  test('is over when it is revoked', async () => {
    await broker.ocbroker(['trust', 'revoke', 'ann', '--reason', 'stolen'])
    const again = await login('ann')
    expect(again.connected).toBe(false)
    expect(again.seen()).toContain(CODE_PROMPT)
  })

  test('a denial is shown in the words of the policy where ocserv shows them', async () => {
    const refused = await login('new')
    expect(refused.connected).toBe(false)
    expect(refused.seen()).toContain(WORDS)
  })
})
