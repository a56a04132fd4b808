import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { ip, type Lab, startLab } from '../real/netns.ts'
import { startOcserv } from '../real/ocserv.ts'
import { openconnect } from '../real/openconnect.ts'
import { addPeople } from '../real/people.ts'
import { radclient } from '../real/radclient.ts'

const SECRET = 'between-gateway-and-broker'
const PASSWORD = 'correct horse'
/** As a network does that takes all of ICMP for an attack. */
const SILENT = `table inet filter {
  chain output {
    type filter hook output priority 0;
    icmp type destination-unreachable drop
    icmpv6 type packet-too-big drop
  }
}
`
/** Octets of the replies: what the path carries, what only the first link carries in one piece, what neither does. */
const ROUTES = { fits: 60, between: 101, beyond: 130 }
const routesOf = (count: number) => Array.from({ length: count }, (_, each) => `10.1.${each}.0/24`)

/** The broker, a router, and a gateway behind a link with an MTU of 1,400. */
describeWith(
  [...TUNNEL_NEEDS, 'radclient', 'nft'],
  'a path with a smaller MTU that says nothing of it',
  () => {
    const resources = new AsyncDisposableStack()
    let lab: Lab
    let broker: Broker

    beforeAll(async () => {
      lab = await startLab()
      resources.defer(lab.stop)
      const [machine, router, gateway] = [lab.server.name, lab.desktop.name, lab.client.name]
      await ip(`-n ${gateway} link del cable`)
      await ip(`link add narrow mtu 1400 netns ${router} type veth peer cable mtu 1400 netns ${gateway}`)
      for (const [name, device] of [
        [router, 'narrow'],
        [gateway, 'cable'],
      ])
        await ip(`-n ${name} link set ${device} up`)
      for (const [name, address, device] of [
        // A router asks for its neighbours from a link-local address, which the laboratory's cables lack.
        [machine, 'fe80::1/64', 'desktop'],
        [router, 'fe80::2/64', 'cable'],
        [machine, 'fd00:1::1/64', 'desktop'],
        [router, 'fd00:1::2/64', 'cable'],
        [router, 'fd00:2::1/64', 'narrow'],
        [gateway, 'fd00:2::2/64', 'cable'],
      ])
        await ip(`-n ${name} address add ${address} dev ${device} nodad`)
      await ip(`-n ${router} address add 198.51.100.1/24 dev narrow`)
      await ip(`-n ${gateway} address add 198.51.100.2/24 dev cable`)
      await ip(`-n ${machine} route add 198.51.100.0/24 via 192.0.2.3`)
      await ip(`-n ${machine} route add fd00:2::/64 via fd00:1::2`)
      await ip(`-n ${gateway} route add 192.0.2.0/24 via 198.51.100.1`)
      await ip(`-n ${gateway} route add fd00:1::/64 via fd00:2::1`)
      for (const forwarding of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'])
        expect(await lab.desktop.run('sysctl', ['-w', `${forwarding}=1`])).toMatchObject({ code: 0 })
      expect(await lab.desktop.run('nft', ['-f', '-'], { input: SILENT })).toMatchObject({ code: 0 })
      broker = await startBroker({
        place: lab.server,
        sections: {
          radius: { address: ['192.0.2.1', 'fd00:1::1'] },
          gateways: [{ name: 'gw', address: ['198.51.100.2', 'fd00:2::2'], secret: SECRET }],
          second_factor: { required: false },
          policies: Object.entries(ROUTES).map(([name, count]) => ({
            name,
            when: { groups: [name] },
            reply: { routes: routesOf(count) },
          })),
        },
      })
      resources.defer(broker.stop)
      await addPeople(
        broker,
        Object.keys(ROUTES).map((name) => ({ name, password: PASSWORD, groups: [name], enrolled: false })),
      )
    })

    afterAll(() => resources.disposeAsync())

    async function expectArrives(user: keyof typeof ROUTES, host: string): Promise<void> {
      const reply = await radclient({
        kind: 'auth',
        place: lab.client,
        host,
        port: broker.authPort,
        secret: SECRET,
        timeout: 3,
        attributes: [
          ['User-Name', user],
          ['User-Password', PASSWORD],
        ],
      })
      expect(reply.code, reply.output).toBe('Access-Accept')
      expect(reply.attributes.filter(([name]) => name === 'Framed-Route')).toHaveLength(ROUTES[user])
    }

    test.each(['fits', 'between', 'beyond'] as const)('a reply over IPv4 that is %s arrives', (user) =>
      expectArrives(user, '192.0.2.1'),
    )

    test('a reply over IPv6 that is longer than the first link carries arrives', async () => {
      await expectArrives('fits', 'fd00:1::1')
      await expectArrives('beyond', 'fd00:1::1')
    })

    test('any reply over IPv6 arrives by a route whose MTU is set', async () => {
      await ip(`-n ${lab.server.name} route change fd00:2::/64 via fd00:1::2 mtu 1280`)
      for (const user of ['fits', 'between', 'beyond'] as const) await expectArrives(user, 'fd00:1::1')
    })

    test('a real ocserv gets every route', async () => {
      const { authPort, acctPort } = broker
      const options = { place: lab.client, radius: '192.0.2.1', secret: SECRET, authPort, acctPort }
      const gateway = await startOcserv(options)
      resources.defer(gateway.stop)
      const client = await openconnect({
        place: lab.client,
        gateway: `198.51.100.2:${gateway.port}`,
        pin: gateway.pin,
        user: 'between',
        answers: [PASSWORD],
      })
      resources.defer(client.disconnect)
      expect(client.connected, client.seen()).toBe(true)
      expect(client.pushedEnvironment()).toMatchObject({ CISCO_SPLIT_INC: String(ROUTES.between) })
    })

    test('check says which replies are longer than most paths carry', async () => {
      const { stdout, stderr } = await broker.run(['check'])
      expect(stdout + stderr).toMatch(
        /the reply of policy between is \d{4} octets long; over 1232 some IPv6 paths/,
      )
      expect(stdout + stderr).not.toContain('policy fits')
    })
  },
)
