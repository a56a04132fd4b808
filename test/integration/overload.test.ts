import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { addPeople } from '../real/people.ts'
import { believed, loginRequest, radiusSocket } from '../real/radius-socket.ts'

const PASSWORD = 'correct horse'
const DEADLINE = 2000
const OVERLOAD = 10
const LASTS = 3000
const NO_LIMITS = {
  limits: { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' },
  lockout: { after: 9999, user_after: 9999, address_after: 9999, hard_after: 9999 },
}

interface Outcome {
  readonly code: string
  readonly ms: number
}

/** One login, sent once. */
async function login(broker: Broker): Promise<Outcome> {
  const socket = await radiusSocket(broker.authPort)
  try {
    const request = loginRequest({ secret: broker.secret, user: 'alice', password: PASSWORD })
    const sent = performance.now()
    socket.send(request.octets)
    const octets = await socket.next(2 * DEADLINE)
    const ms = performance.now() - sent
    return { code: octets === undefined ? 'no answer' : believed(octets, request).code, ms }
  } finally {
    socket.close()
  }
}

/** Logins a second, asked one after another by as many gateways as there are hashes at a time. */
async function capacityOf(broker: Broker): Promise<number> {
  const startedAt = performance.now()
  let answered = 0
  for (; performance.now() - startedAt < 2000; answered++)
    expect(await login(broker)).toMatchObject({ code: 'Access-Accept' })
  return (answered * 1000) / (performance.now() - startedAt)
}

async function flooded(broker: Broker, perSecond: number): Promise<Outcome[]> {
  const startedAt = performance.now()
  const outcomes: Promise<Outcome>[] = []
  for (let passed = 0; passed < LASTS; passed = performance.now() - startedAt) {
    const due = Math.floor((passed * perSecond) / 1000)
    while (outcomes.length < due) outcomes.push(login(broker))
    await sleep(5)
  }
  return Promise.all(outcomes)
}

async function figuresOf(broker: Broker): Promise<string> {
  const args = ['token', 'create', '--name', 'figures', '--scope', 'metrics:read']
  const { token } = (await broker.ocbroker(args)) as { token: string }
  const places = (await broker.logUntil('broker.listening')).at(-1)?.listening
  const { port } = (places as { service: string; port: number }[]).find(
    ({ service }) => service === 'http',
  ) ?? {
    port: 0,
  }
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, {
    headers: { authorization: `Bearer ${token}` },
  })
  return answer.text()
}

describe('ten times what can be served', () => {
  for (const [where, sections] of [
    ['where passwords are checked', { passwords: { parallel: 1, waiting: 8 } }],
    [
      'before anything is started',
      { passwords: { parallel: 1, waiting: 500 }, radius: { max_in_flight: 4 } },
    ],
  ] as const) {
    test(`is shed ${where}, and the others are served as before`, async () => {
      const { radius = {}, ...more } = { radius: {}, ...sections }
      const broker = await startBroker({
        sections: {
          ...NO_LIMITS,
          ...more,
          second_factor: { required: false },
          radius: { deadline: `${DEADLINE}ms`, ...radius },
          http: { address: '127.0.0.1', port: 0 },
        },
      })
      onTestFinished(broker.stop)
      await addPeople(broker, [{ name: 'alice', password: PASSWORD, enrolled: false }])
      const capacity = await capacityOf(broker)
      const outcomes = await flooded(broker, capacity * OVERLOAD)
      const accepted = outcomes.filter(({ code }) => code === 'Access-Accept')
      const slowest = Math.max(...accepted.map(({ ms }) => ms))
      const share = (accepted.length * 1000) / LASTS / capacity
      console.log(
        `${where}: ${capacity.toFixed(0)} logins/s alone; of ${outcomes.length} sent at ten times that ` +
          `${accepted.length} accepted (${(share * 100).toFixed(0)} % of capacity), the slowest after ${slowest.toFixed(0)} ms`,
      )
      // The machine that sends them works on the same cores; without shedding next to nothing comes in time.
      expect(share, 'useful answers, as a share of what could be served alone').toBeGreaterThan(0.3)
      expect(slowest, 'within the deadline').toBeLessThan(DEADLINE)
      const figures = await figuresOf(broker)
      const lines = (await broker.log()).map(({ event, reason }) => `${event} ${reason}`)
      if (where === 'before anything is started') {
        const dropped = /ocbroker_dropped_datagrams_total\{reason="overloaded"\} (\d+)/.exec(figures)?.[1]
        expect(Number(dropped)).toBe(outcomes.filter(({ code }) => code === 'no answer').length)
        expect(lines.filter((line) => line === 'datagram.dropped overloaded')).toHaveLength(1)
      } else {
        const refused = /ocbroker_login_seconds_count\{outcome="unavailable",gateway="gw"\} (\d+)/.exec(
          figures,
        )
        expect(Number(refused?.[1])).toBe(outcomes.length - accepted.length)
        const logged = lines.filter((line) => line === 'login.unavailable unavailable').length
        expect(logged).toBeGreaterThan(0)
        expect(logged, 'ten lines a second').toBeLessThan(10 * (LASTS / 1000 + 3))
      }
      expect(await login(broker), 'afterwards').toMatchObject({ code: 'Access-Accept' })
    })
  }
})
