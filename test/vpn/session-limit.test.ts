import { afterAll, beforeAll, expect, test } from 'vitest'
import { AGENT_NEEDS, startAgent } from '../real/agent.ts'
import { type Installation, install } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import type { Openconnect, OpenconnectOptions } from '../real/openconnect.ts'
import { addPeople } from '../real/people.ts'
import { connect } from './client.ts'

const PASSWORD = 'correct horse'
/** Whose third login ends the oldest session; the others' is refused. */
const GUEST = 'erin'

/** openconnect → ocserv → ocbroker, and the agent beside ocserv: nothing here is a stand-in. */
describeWith([...TUNNEL_NEEDS, ...AGENT_NEEDS], 'a limit of simultaneous sessions', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab
  let broker: Installation
  let gateway: Ocserv

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    const port = await freePort()
    const limit = (whenFull: string) =>
      Object.fromEntries([
        ['most', 1],
        ['then', whenFull],
      ])
    broker = await install({
      place: lab.server,
      sections: {
        http: { port },
        limits: { user: '1000/1m', address: '1000/1m' },
        second_factor: { mode: 'append', required: false },
        policies: [
          { name: 'guests', when: { users: [GUEST] }, sessions: limit('end_oldest'), reply: {} },
          { name: 'staff', sessions: limit('refuse'), reply: {} },
        ],
      },
    })
    resources.defer(broker.remove)
    const running = await broker.serve()
    resources.defer(() => running.stop())
    await addPeople(
      broker,
      ['bob', 'carol', GUEST].map((name) => ({ name, password: PASSWORD, enrolled: false })),
    )
    const { authPort, acctPort, secret } = broker
    gateway = await startOcserv({
      place: lab.server,
      secret,
      authPort,
      acctPort,
      cookieTimeout: 60,
      extra: ['max-ban-score = 0'],
    })
    resources.defer(gateway.stop)
    const url = `http://127.0.0.1:${port}`
    const agent = await startAgent({ place: lab.server, broker, url, ocserv: gateway })
    resources.defer(agent.stop)
  })

  afterAll(() => resources.disposeAsync())

  const from = (client: Lab['client'], user: string, more: Partial<OpenconnectOptions> = {}) =>
    connect({ ...lab, client }, gateway, { user, answers: [PASSWORD], ...more })
  const here = (user: string, more?: Partial<OpenconnectOptions>) => from(lab.client, user, more)
  const elsewhere = (user: string, more?: Partial<OpenconnectOptions>) => from(lab.desktop, user, more)
  const sessionsOf = (user: string) => broker.ocbroker(['session', 'list', '--user', user])
  const untilStarted = (user: string) =>
    expect.poll(() => sessionsOf(user)).toMatchObject([{ startedAt: expect.any(Number) }])
  const isUp = ({ process }: Openconnect) => process.isRunning()

  test('refuses a second client in words that say where the first is, and lets it in when that has gone', async () => {
    const first = await here('bob')
    expect(first.connected, first.seen()).toBe(true)
    await untilStarted('bob')
    const refused = await elsewhere('bob')
    expect(refused.connected).toBe(false)
    expect(refused.seen()).toMatch(
      /You are already connected from 1 device: 192\.0\.2\.\d+ \(gw, since [-\d]+ [:\d]+ UTC\)\. End one of these/,
    )
    expect(await broker.ocbroker(['explain', 'bob'])).toMatchObject({
      outcome: { kind: 'would_be_refused', reason: 'too_many_sessions' },
      sessions: { live: 1, most: 1 },
    })
    expect(await broker.ocbroker(['lockout', 'list'])).toEqual([])
    await first.disconnect()
    await expect.poll(() => sessionsOf('bob')).toEqual([])
    const second = await elsewhere('bob')
    expect(second.connected, second.seen()).toBe(true)
    await second.disconnect()
  })

  test('ends the tunnel of the first client where it says so', async () => {
    const first = await here(GUEST)
    expect(first.connected, first.seen()).toBe(true)
    await untilStarted(GUEST)
    const second = await elsewhere(GUEST)
    expect(second.connected, second.seen()).toBe(true)
    await expect.poll(() => isUp(first), { interval: 100 }).toBe(false)
    expect(first.seen()).toContain('terminated by server')
    expect(isUp(second)).toBe(true)
    expect(await broker.ocbroker(['audit', '--user', GUEST])).toContainEqual(
      expect.objectContaining({ kind: 'session.end_answered', reason: 'done' }),
    )
    await second.disconnect()
  })

  test('knows a client that roams for the same session', async () => {
    const asked = await here('carol', { extra: ['--authenticate'] })
    const [, cookie] = /COOKIE='([^']+)'/.exec(asked.seen()) ?? expect.unreachable(asked.seen())
    const extra = [`--cookie=${cookie}`]
    const before = await here('carol', { extra })
    expect(before.connected, before.seen()).toBe(true)
    await untilStarted('carol')
    const [named] = (await gateway.users()) as readonly Record<string, unknown>[]
    await before.process.stop({ signal: 'SIGKILL' })

    const after = await elsewhere('carol', { answers: [], extra })
    expect(after.connected, after.seen()).toBe(true)
    const [roamed] = (await gateway.users()) as readonly Record<string, unknown>[]
    expect(roamed?.['Full session']).toBe(named?.['Full session'])
    expect(roamed?.['Remote IP']).not.toBe(named?.['Remote IP'])
    expect(await sessionsOf('carol')).toMatchObject([{ acctSession: named?.['Full session'] }])
    // From where the session began: a login there is no other session's device.
    expect((await from(lab.client, 'carol', { extra: ['--useragent=another client'] })).connected).toBe(false)
    expect(isUp(after)).toBe(true)
    await after.disconnect()
  })
})
