import { afterAll, beforeAll, expect, test } from 'vitest'
import { AGENT_NEEDS, startAgent } from '../real/agent.ts'
import { type Broker, startBroker } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import { addPeople } from '../real/people.ts'
import { connect } from './client.ts'

const PASSWORD = 'correct horse'
/** Octets of a ping; each is answered, and both ways count. */
const PING = 1400

/** openconnect → ocserv → ocbroker, and the agent beside ocserv: nothing here is a stand-in. */
describeWith([...TUNNEL_NEEDS, ...AGENT_NEEDS], 'a quota of traffic', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab
  let broker: Broker
  let gateway: Ocserv

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    const port = await freePort()
    broker = await startBroker({
      place: lab.server,
      sections: {
        http: { port },
        limits: { user: '1000/1m', address: '1000/1m' },
        second_factor: { mode: 'append', required: false },
        policies: [
          {
            name: 'staff',
            quota: [{ traffic: '4MB', per: 'day' }],
            reply: { routes: ['10.0.0.0/8'], interim: '1s' },
          },
        ],
      },
    })
    resources.defer(broker.stop)
    await addPeople(
      broker,
      ['alice', 'bob'].map((name) => ({ name, password: PASSWORD, enrolled: false })),
    )
    const { authPort, acctPort, secret } = broker
    gateway = await startOcserv({
      place: lab.server,
      secret,
      authPort,
      acctPort,
      statsReportTime: 1,
      extra: ['max-ban-score = 0'],
    })
    resources.defer(gateway.stop)
    const agent = await startAgent({
      place: lab.server,
      broker,
      url: `http://127.0.0.1:${port}`,
      ocserv: gateway,
    })
    resources.defer(agent.stop)
  })

  afterAll(() => resources.disposeAsync())

  const login = (user: string) => connect(lab, gateway, { user, answers: [PASSWORD] })
  const told = async () =>
    ((await broker.ocbroker(['audit', '--user', 'alice'])) as { readonly kind: string }[]).map(
      ({ kind }) => kind,
    )

  /** ocserv looks every 30 s whether a report is due. */
  const untilTold = (kind: string) => expect.poll(told, { timeout: 45_000, interval: 500 }).toContain(kind)

  test('is told, ends the session that spends it, and refuses the next login in words', {
    timeout: 180_000,
  }, async () => {
    const client = await login('alice')
    expect(client.connected, client.seen()).toBe(true)
    const ping = (count: number) =>
      lab.client.run('ping', ['-f', '-q', '-s', String(PING), '-c', String(count), '-w', '20', '10.200.0.1'])
    await ping(1250)
    await untilTold('quota.warned')
    expect(client.process.isRunning()).toBe(true)
    expect(await told()).not.toContain('quota.spent')
    await ping(1000)
    await untilTold('quota.spent')
    await expect.poll(() => client.process.isRunning(), { timeout: 15_000 }).toBe(false)

    const refused = await login('alice')
    expect(refused.connected).toBe(false)
    expect(refused.seen()).toMatch(
      /Your quota of 4 MB of traffic a day is spent\. It begins again on \d{4}-\d\d-\d\d\./,
    )
    expect(await broker.ocbroker(['audit', '--user', 'alice', '--limit', '1'])).toMatchObject([
      { kind: 'login.refused', reason: 'quota_spent' },
    ])
    expect(await broker.ocbroker(['explain', 'alice'])).toMatchObject({
      outcome: { kind: 'would_be_refused', reason: 'quota_spent' },
      quotas: [{ policy: 'staff', left: 0 }],
    })
    expect((await login('bob')).connected).toBe(true)

    await broker.ocbroker(['quota', 'add', 'alice', '--traffic', '10MB', '--reason', 'one more call'])
    const again = await login('alice')
    expect(again.connected, again.seen()).toBe(true)
    expect(await broker.ocbroker(['usage', '--user', 'alice', '--by', 'policy'])).toMatchObject([
      { policy: 'staff', octetsIn: expect.any(Number) },
    ])
  })
})
