import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { ip, type Lab, startLab } from '../real/netns.ts'
import { startOcserv } from '../real/ocserv.ts'
import { openconnect } from '../real/openconnect.ts'
import { addPeople } from '../real/people.ts'
import { type RadclientReply, radclient } from '../real/radclient.ts'

const SECRET = 'between-gateway-and-broker'
const PASSWORD = 'correct horse'
/** As a gateway's host has one: what nobody asked for does not come in. */
const STATEFUL = `table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
  }
}
`
const MORE_ADDRESSES = ['192.0.2.101', 'fd00:2::1', 'fd00:2::101']
/** Milliseconds: the broker looks for new addresses every second. */
const SOON = 10_000

/** The broker's machine has several addresses; the gateway is another machine, behind a firewall of its own. */
describeWith([...TUNNEL_NEEDS, 'radclient', 'nft'], 'a broker on all addresses of its machine', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    for (const address of MORE_ADDRESSES) await add(address)
    await ip(`-n ${lab.client.name} address add fd00:2::2/64 dev cable nodad`)
    await ip(`-n ${lab.server.name} address add fe80::1/64 dev client nodad`)
    await ip(`-n ${lab.client.name} address add fe80::2/64 dev cable nodad`)
    expect(await lab.client.run('nft', ['-f', '-'], { input: STATEFUL })).toMatchObject({ code: 0 })
  })

  afterAll(() => resources.disposeAsync())

  const at = (address: string) =>
    address.includes(':') ? `${address}/64 dev client nodad` : `${address}/32 dev client`
  const add = (address: string) => ip(`-n ${lab.server.name} address add ${at(address)}`)
  const remove = (address: string) =>
    ip(`-n ${lab.server.name} address del ${at(address).replace(' nodad', '')}`)

  async function serve(address: string, workers: number): Promise<Broker> {
    const broker = await startBroker({
      place: lab.server,
      sections: {
        radius: { address, workers },
        gateways: [{ name: 'gw', address: ['192.0.2.2', 'fd00:2::2', 'fe80::2%client'], secret: SECRET }],
        second_factor: { required: false },
        limits: { user: '1000/1m', address: '1000/1m' },
      },
    })
    onTestFinished(broker.stop)
    await addPeople(broker, [{ name: 'alice', password: PASSWORD, enrolled: false }])
    return broker
  }

  const ask = ({ authPort }: Broker, host: string): Promise<RadclientReply> =>
    radclient({
      kind: 'auth',
      place: lab.client,
      host,
      port: authPort,
      secret: SECRET,
      timeout: 2,
      attributes: [
        ['User-Name', 'alice'],
        ['User-Password', PASSWORD],
        ['NAS-Identifier', 'gw'],
      ],
    })

  /** radclient cannot ask a link-local address. */
  async function askOnLink({ authPort }: Broker): Promise<string> {
    const script = `
      import { createSocket } from 'node:dgram'
      import { believed, loginRequest } from '${import.meta.dirname}/../real/radius-socket.ts'
      const request = loginRequest({ secret: '${SECRET}', user: 'alice', password: '${PASSWORD}' })
      const socket = createSocket('udp6')
      socket.on('message', (octets) => {
        console.log(believed(octets, request).code)
        socket.close()
      })
      socket.send(request.octets, ${authPort}, 'fe80::1%cable')
      setTimeout(() => process.exit(1), ${SOON}).unref()
    `
    const options = { within: 2 * SOON }
    const { stdout, stderr } = await lab.client.run(
      process.execPath,
      ['--input-type=module', '--eval', script],
      options,
    )
    return stdout.trim() || stderr
  }

  const untilAnswered = (broker: Broker, host: string) =>
    expect.poll(async () => (await ask(broker, host)).code, { timeout: SOON }).toBe('Access-Accept')

  for (const workers of [1, 4]) {
    test(`lets a real ocserv in by each of them, with ${workers} worker(s)`, async () => {
      const broker = await serve('0.0.0.0', workers)
      for (const radius of ['192.0.2.1', '192.0.2.101']) {
        const { authPort, acctPort } = broker
        const options = {
          place: lab.client,
          radius,
          secret: SECRET,
          authPort,
          acctPort,
          radiusTimeout: 3,
        }
        const gateway = await startOcserv(options)
        onTestFinished(gateway.stop)
        const client = await openconnect({
          place: lab.client,
          gateway: `${lab.client.address}:${gateway.port}`,
          pin: gateway.pin,
          user: 'alice',
          answers: [PASSWORD],
        })
        onTestFinished(client.disconnect)
        expect(client.connected, `${radius}: ${client.seen()}`).toBe(true)
        await client.disconnect()
      }
    })

    test(`follows addresses that come and go, also over a reload, with ${workers} worker(s)`, async () => {
      const broker = await serve('0.0.0.0', workers)
      await add('192.0.2.102')
      onTestFinished(() => remove('192.0.2.102').catch(() => undefined))
      await untilAnswered(broker, '192.0.2.102')
      await remove('192.0.2.102')
      await broker.logUntil('socket.closed', { address: '192.0.2.102' })
      await add('192.0.2.102')
      await untilAnswered(broker, '192.0.2.102')
      await broker.ocbroker(['reload'])
      for (const host of ['192.0.2.1', '192.0.2.101', '192.0.2.102'])
        for (let again = 0; again < 3; again += 1)
          expect(await ask(broker, host), host).toMatchObject({ code: 'Access-Accept' })
    })
  }

  test('takes :: for IPv6, link-local addresses too, and for IPv4', async () => {
    const broker = await serve('::', 1)
    for (const host of ['192.0.2.1', '192.0.2.101', 'fd00:2::1', 'fd00:2::101'])
      expect(await ask(broker, host), host).toMatchObject({ code: 'Access-Accept' })
    expect(await askOnLink(broker)).toBe('Access-Accept')
  })

  test('has an address that was removed and given back while workers hold its socket', async () => {
    const broker = await serve('0.0.0.0', 2)
    await remove('192.0.2.101')
    await add('192.0.2.101')
    await untilAnswered(broker, '192.0.2.101')
  })
})
