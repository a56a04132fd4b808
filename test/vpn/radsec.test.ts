import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { makeAuthority } from '../real/certificates.ts'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { connect } from './client.ts'

const PASSWORD = 'correct horse'

/** The radcli inside the real ocserv asks by TLS, and the gateway has no shared secret at all. */
describeWith([...TUNNEL_NEEDS, 'openssl'], 'a VPN login over RadSec', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab
  let broker: Broker
  let gateway: Ocserv
  let alice: TestPerson | undefined

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    const folder = temporaryFolder('radsec')
    resources.defer(folder.remove)
    const authority = await makeAuthority(folder)
    const server = await authority.issue('server', 'DNS:localhost')
    const own = await authority.issue('gateway', 'DNS:gw1.example')
    const port = await freePort()
    const tls = { port, cert_file: server.certificate, key_file: server.key, ca_file: authority.file }
    broker = await startBroker({
      place: lab.server,
      sections: {
        radius: { tls },
        gateways: [{ name: 'gw1', certificate: 'gw1.example' }],
        pools: { staff: { ipv4: '10.8.0.0/24' } },
        policies: [{ name: 'staff', reply: { pool: 'staff', groups: ['staff'] } }],
      },
    })
    resources.defer(broker.stop)
    ;[alice] = await addPeople(broker, [{ name: 'alice', password: PASSWORD }])
    gateway = await startOcserv({
      place: lab.server,
      radius: 'localhost',
      ...{ authPort: 0, acctPort: 0, secret: 'radsec', tls: { port, authority: authority.file, own } },
    })
    resources.defer(gateway.stop)
  })

  afterAll(() => resources.disposeAsync())

  test('asks for the code, gives an address, and its session ends with it', async () => {
    const answers = [PASSWORD, generateSync({ secret: alice?.key ?? '' })]
    const client = await connect(lab, gateway, { user: 'alice', answers })
    expect(client.connected, client.seen()).toBe(true)
    expect(await client.tunAddress()).toMatch(/^10\.8\.0\./)
    const sessions = async () =>
      (await broker.ocbroker(['session', 'list', '--all'])) as Record<string, unknown>[]
    await expect.poll(sessions, { timeout: 10_000 }).toMatchObject([{ user: 'alice', gateway: 'gw1' }])
    await client.disconnect()
    await expect
      .poll(sessions, { timeout: 10_000 })
      .toMatchObject([{ user: 'alice', terminateCause: 'User-Request' }])
    await broker.logUntil('tls.connected', { gateway: 'gw1', version: '1.0' })
  })
})
