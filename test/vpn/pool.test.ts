import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import type { Openconnect } from '../real/openconnect.ts'
import { addPeople } from '../real/people.ts'
import { connect } from './client.ts'

const PASSWORD = 'correct horse'
const PEOPLE = ['alice', 'bob', 'carol', 'dave'] as const
/** Has two addresses to give, and alice's own. */
const POOL = { ipv4: '10.8.4.0/29', exclude: ['10.8.4.5', '10.8.4.6'] }

/** openconnect → ocserv → ocbroker → tunnel: nothing here is a stand-in. */
describeWith(TUNNEL_NEEDS, 'the addresses of a pool', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab
  let broker: Broker
  let gateway: Ocserv

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    broker = await startBroker({
      place: lab.server,
      sections: {
        limits: { user: '1000/1m', address: '1000/1m' },
        second_factor: { mode: 'append', required: false },
        pools: { staff: POOL },
        policies: [{ name: 'staff', reply: { pool: 'staff', routes: ['10.0.0.0/8'] } }],
      },
    })
    resources.defer(broker.stop)
    await addPeople(
      broker,
      PEOPLE.map((name) => ({
        name,
        password: PASSWORD,
        enrolled: false,
        attributes: name === 'alice' ? { ipv4: '10.8.4.4' } : undefined,
      })),
    )
    const { authPort, acctPort, secret } = broker
    gateway = await startOcserv({
      place: lab.server,
      secret,
      authPort,
      acctPort,
      extra: ['max-ban-score = 0'],
    })
    resources.defer(gateway.stop)
  })

  afterAll(() => resources.disposeAsync())

  const login = (user: string) => connect(lab, gateway, { user, answers: [PASSWORD] })
  const addressOf = async (client: Openconnect) => {
    expect(client.connected, client.seen()).toBe(true)
    return client.tunAddress()
  }
  const usage = () => broker.ocbroker(['pool', 'list'])
  const untilHeld = (held: number) =>
    expect.poll(usage, { timeout: 15_000, interval: 300 }).toMatchObject([{ pool: 'staff', held }])

  test('are each one session’s, until it ends', async () => {
    const [bob, carol] = [await login('bob'), await login('carol')]
    expect([await addressOf(bob), await addressOf(carol)]).toEqual(['10.8.4.2', '10.8.4.3'])
    expect(bob.pushedEnvironment()).toMatchObject({ INTERNAL_IP4_NETMASK: '255.255.255.248' })
    expect(await broker.ocbroker(['session', 'list', '--user', 'bob'])).toMatchObject([
      { pool: 'staff', ipv4: '10.8.4.2' },
    ])
    await untilHeld(2)

    expect(await addressOf(await login('alice'))).toBe('10.8.4.4')
    const refused = await login('dave')
    expect(refused.connected).toBe(false)
    expect(refused.seen()).toContain('The VPN has no free address. Try again later')
    expect(await broker.ocbroker(['audit', '--user', 'dave'])).toMatchObject([
      { kind: 'login.refused', reason: 'no_address' },
    ])
    expect(await broker.ocbroker(['explain', 'dave'])).toMatchObject({
      outcome: { kind: 'would_be_refused', reason: 'no_address' },
    })

    await carol.disconnect()
    await untilHeld(2)
    expect(await addressOf(await login('dave'))).toBe('10.8.4.3')
    await bob.disconnect()
    await untilHeld(2)
    expect(await addressOf(await login('bob'))).toBe('10.8.4.2')
  })

  test('stay with a client whom an administrator disconnects, as its cookie may bring it back', async () => {
    await untilHeld(0)
    expect(await addressOf(await login('dave'))).toBe('10.8.4.3')
    const [dave] = await gateway.users()
    await gateway.occtl('disconnect', 'id', String(dave?.ID)).catch(() => undefined)
    await expect
      .poll(() => broker.ocbroker(['session', 'list', '--all', '--user', 'dave']), { timeout: 15_000 })
      .toContainEqual(expect.objectContaining({ terminateCause: 'Admin-Reset' }))
    await untilHeld(1)
    expect(await addressOf(await login('carol'))).toBe('10.8.4.2')

    expect(await broker.run(['pool', 'release', '10.8.4.9', '--reason', 'x'])).toMatchObject({ code: 1 })
    const released = await broker.ocbroker(['pool', 'release', '10.8.4.3', '--reason', 'the gateway says so'])
    expect(released).toMatchObject({ address: '10.8.4.3', subject: 'dave' })
    await untilHeld(1)
  })
})
