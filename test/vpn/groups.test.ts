import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import { addPeople } from '../real/people.ts'
import { connect } from './client.ts'

const PASSWORD = 'correct horse'
const GROUPS = ['staff', 'admins']
const FORMS = ['semicolon', 'comma', 'each'] as const

/** Three gateways behind one address, told apart by NAS-Identifier, each with a secret of its own. */
describeWith(TUNNEL_NEEDS, 'two groups of a reply at a real ocserv', () => {
  const resources = new AsyncDisposableStack()
  const gateways = new Map<string, Ocserv>()
  let lab: Lab
  let broker: Broker

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    const entries = FORMS.map((form) => ({
      name: form,
      class: form,
      address: '127.0.0.1',
      nas_identifier: form,
      secret: `between-${form}-and-the-broker`,
    }))
    broker = await startBroker({
      place: lab.server,
      sections: {
        gateways: entries,
        second_factor: { required: false },
        limits: { user: '1000/1m', address: '1000/1m' },
        policies: [{ name: 'staff', reply: { groups: GROUPS } }],
      },
    })
    resources.defer(broker.stop)
    await addPeople(broker, [{ name: 'alice', password: PASSWORD, enrolled: false }])
    for (const { name, secret } of entries) {
      const gateway = await startOcserv({
        place: lab.server,
        secret,
        authPort: broker.authPort,
        acctPort: broker.acctPort,
        nasIdentifier: name,
        // Where it offers none, the client is in the first of the reply.
        groups: name === 'comma' ? [] : GROUPS,
      })
      resources.defer(gateway.stop)
      gateways.set(name, gateway)
    }
  })

  afterAll(() => resources.disposeAsync())

  /** @returns the group of the session; undefined where the login was refused. */
  async function groupAt(form: (typeof FORMS)[number], authgroup?: string): Promise<unknown> {
    const gateway = gateways.get(form) ?? expect.unreachable(form)
    const client = await connect(lab, gateway, { user: 'alice', answers: [PASSWORD], authgroup })
    const [user] = client.connected ? await gateway.users() : []
    await client.disconnect()
    await expect.poll(() => gateway.users()).toEqual([])
    return user?.Groupname
  }

  test('are two with a semicolon', async () => {
    expect(await groupAt('semicolon', 'staff')).toBe('staff')
    expect(await groupAt('semicolon', 'admins')).toBe('admins')
  })

  // ocserv splits at a comma from 1.4.2 on, with `group-separator = comma`; Debian's 1.1.6 cannot, and takes the
  // value as it came for the name of one group.
  test('are one with a comma, as this ocserv cannot split there', async () => {
    expect(await groupAt('comma')).toBe('staff,admins')
  })

  // ocserv reads every Class from 1.2.0 on; 1.1 reads the first alone.
  test('are the first with a Class each, as this ocserv reads no other', async () => {
    expect(await groupAt('each', 'staff')).toBe('staff')
    expect(await groupAt('each', 'admins')).toBeUndefined()
  })
})
