import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import { addPeople } from '../real/people.ts'
import { connect } from './client.ts'

const PASSWORD = 'correct-horse'

/** The ocserv of Debian 12 signs nothing, and radtest signs. */
describeWith([...TUNNEL_NEEDS, 'radtest'], 'a radtest on the host of a gateway', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab
  let broker: Broker
  let gateway: Ocserv

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    broker = await startBroker({ place: lab.server, sections: { second_factor: { required: false } } })
    resources.defer(broker.stop)
    await addPeople(broker, [{ name: 'alice', password: PASSWORD, enrolled: false }])
    const { authPort, acctPort, secret } = broker
    gateway = await startOcserv({ place: lab.server, secret, authPort, acctPort })
    resources.defer(gateway.stop)
  })

  afterAll(() => resources.disposeAsync())

  test('leaves its VPN logins alone', async () => {
    const { authPort, secret } = broker
    const probe = ['alice', PASSWORD, `127.0.0.1:${authPort}`, '0', secret]
    const { stdout } = await lab.server.run('radtest', probe)
    expect(stdout).toContain('Message-Authenticator')
    expect(stdout).toContain('Access-Accept')
    const client = await connect(lab, gateway, { user: 'alice', answers: [PASSWORD] })
    expect(client.connected, client.seen()).toBe(true)
  })
})
