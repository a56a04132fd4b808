import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { ip, type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import { addPeople } from '../real/people.ts'
import { connect } from './client.ts'

const PASSWORD = 'correct horse'
/** By the policy of the same name. */
const POOLS = {
  // Two prefixes are left.
  slash64: {
    ipv4: '10.8.4.0/24',
    ipv6: 'fd00:64::/62',
    prefix: 64,
    exclude: ['fd00:64:0:2::/63'],
  },
  single: { ipv6: 'fd00:128::/64', prefix: 128 },
  slash60: { ipv6: 'fd00:60::/56', prefix: 60 },
}
const PEOPLE = Object.keys(POOLS).flatMap((pool) => ['ann', 'bob', 'cem'].map((name) => `${name}-${pool}`))
/** As ocserv's own documentation has it, and with the other length. */
const GATEWAYS = [[], ['ipv6-subnet-prefix = 64']] as const

interface OcctlUser {
  readonly Username: string
  readonly IPv6?: string
}

/** openconnect → ocserv → ocbroker → tunnel: nothing here is a stand-in. */
describeWith(TUNNEL_NEEDS, 'the IPv6 prefixes of a pool', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab
  let broker: Broker

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    await ip(`-n ${lab.server.name} address add fd00:53::1/128 dev lo nodad`)
    broker = await startBroker({
      place: lab.server,
      sections: {
        limits: { user: '1000/1m', address: '1000/1m' },
        second_factor: { mode: 'append', required: false },
        pools: POOLS,
        policies: Object.keys(POOLS).map((pool) => ({
          name: pool,
          when: { users: PEOPLE.filter((name) => name.endsWith(pool)) },
          reply: { pool, routes: ['fd00:53::/32'] },
        })),
      },
    })
    resources.defer(broker.stop)
    await addPeople(
      broker,
      PEOPLE.map((name) => ({ name, password: PASSWORD, enrolled: false })),
    )
  })

  afterAll(() => resources.disposeAsync())

  const serve = async (...extra: readonly string[]): Promise<Ocserv> => {
    const { authPort, acctPort, secret } = broker
    const options = { place: lab.server, secret, authPort, acctPort }
    return startOcserv({ ...options, extra: ['max-ban-score = 0', 'ipv6-network = fd00:9::/48', ...extra] })
  }
  const heldOf = async (pool: string) =>
    ((await broker.ocbroker(['pool', 'list'])) as { pool: string; family: string; held: number }[])
      .filter((usage) => usage.pool === pool)
      .map(({ family, held }) => `${held} ${family}`)
  const routesOf = async () => (await lab.server.run('ip', ['-6', 'route'])).stdout

  /** Where a ping to the gateway's machine is answered, what comes back has found the way into this tunnel. */
  const ping = (from: string) =>
    lab.client.run('ping', ['-6', '-c', '1', '-W', '5', '-I', from, 'fd00:53::1'])

  test('are each one session’s: no two clients share one, and a third is refused', async () => {
    const gateway = await serve()
    try {
      const [ann, bob] = [
        await connect(lab, gateway, { user: 'ann-slash64', answers: [PASSWORD] }),
        await connect(lab, gateway, { user: 'bob-slash64', answers: [PASSWORD] }),
      ]
      expect([await ann.tunAddress(6), await bob.tunAddress(6)]).toEqual(['fd00:64::2', 'fd00:64:0:1::2'])
      expect([await ann.tunAddress(4), await bob.tunAddress(4)]).toEqual(['10.8.4.2', '10.8.4.3'])
      expect(ann.pushedEnvironment()).toMatchObject({ INTERNAL_IP6_NETMASK: 'fd00:64::2/64' })
      const routes = await routesOf()
      expect(routes).toMatch(/^fd00:64::\/64 dev vpns/m)
      expect(routes).toMatch(/^fd00:64:0:1::\/64 dev vpns/m)
      for (const from of ['fd00:64::2', 'fd00:64:0:1::2'])
        expect((await ping(from)).stdout).toContain('1 received')

      const users = (await gateway.users()) as unknown as readonly OcctlUser[]
      expect(new Map(users.map(({ Username, IPv6 }) => [Username, IPv6]))).toEqual(
        new Map([
          ['ann-slash64', 'fd00:64::2'],
          ['bob-slash64', 'fd00:64:0:1::2'],
        ]),
      )
      expect(await broker.ocbroker(['session', 'list', '--user', 'bob-slash64'])).toMatchObject([
        { pool: 'slash64', ipv4: '10.8.4.3', ipv6: 'fd00:64:0:1::2' },
      ])
      expect(await heldOf('slash64')).toEqual(['2 ipv4', '2 ipv6'])

      const refused = await connect(lab, gateway, { user: 'cem-slash64', answers: [PASSWORD] })
      expect(refused.connected).toBe(false)
      expect(refused.seen()).toContain('The VPN has no free address')
      expect(await heldOf('slash64')).toEqual(['2 ipv4', '2 ipv6'])

      await bob.disconnect()
      await expect.poll(() => heldOf('slash64')).toEqual(['1 ipv4', '1 ipv6'])
      const cem = await connect(lab, gateway, { user: 'cem-slash64', answers: [PASSWORD] })
      expect(await cem.tunAddress(6)).toBe('fd00:64:0:1::2')
      await ann.disconnect()
      await cem.disconnect()
      await expect.poll(() => heldOf('slash64')).toEqual(['0 ipv4', '0 ipv6'])
    } finally {
      await gateway.stop()
    }
  })

  for (const extra of GATEWAYS)
    test(`of every length are routed to their clients, with ${extra[0] ?? 'ipv6-subnet-prefix left out'}`, async () => {
      const gateway = await serve(...extra)
      try {
        const clients = []
        for (const name of ['ann', 'bob'])
          for (const pool of ['slash64', 'single', 'slash60'])
            clients.push(await connect(lab, gateway, { user: `${name}-${pool}`, answers: [PASSWORD] }))
        const addresses = await Promise.all(clients.map((client) => client.tunAddress(6)))
        expect(new Set(addresses).size).toBe(clients.length)
        const routes = await routesOf()
        for (const prefix of ['fd00:64::/64', 'fd00:64:0:1::/64', 'fd00:60::/60', 'fd00:60:0:10::/60'])
          expect(routes).toMatch(new RegExp(`^${prefix} dev vpns`, 'm'))
        for (const address of ['fd00:128::2', 'fd00:128::3'])
          expect(routes).toMatch(new RegExp(`^${address} dev vpns`, 'm'))
        for (const address of addresses) expect((await ping(address ?? '')).stdout).toContain('1 received')
        for (const client of clients) await client.disconnect()
        await expect.poll(() => heldOf('single')).toEqual(['0 ipv6'])
        await expect.poll(() => heldOf('slash60')).toEqual(['0 ipv6'])
        await expect.poll(() => heldOf('slash64')).toEqual(['0 ipv4', '0 ipv6'])
      } finally {
        await gateway.stop()
      }
    })
})
