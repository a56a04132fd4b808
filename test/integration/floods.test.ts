import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { addPeople } from '../real/people.ts'
import { thisMachine } from '../real/process.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'

const PASSWORD = 'correct horse'
const PACKETS_A_SECOND = 50_000
const ROUND_MS = 2000
const ROUNDS = 2
const LOGINS_A_SECOND = 15

const LIMITS = {
  limits: { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' },
  lockout: { after: 9999, user_after: 9999, address_after: 9999, hard_after: 9999 },
}

/** Logins at a steady rate. @returns how long each took, in milliseconds. */
async function logins(broker: Broker, forMs: number): Promise<number[]> {
  const times: Promise<number>[] = []
  const startedAt = performance.now()
  while (performance.now() - startedAt < forMs) {
    const sent = performance.now()
    const request = loginRequest({ secret: broker.secret, user: 'alice', password: PASSWORD })
    times.push(
      ask(broker.authPort, request).then((reply) => {
        expect(reply?.code).toBe('Access-Accept')
        return performance.now() - sent
      }),
    )
    await sleep(1000 / LOGINS_A_SECOND)
  }
  return Promise.all(times)
}

/** @returns how many packets were sent. */
async function flood(broker: Broker): Promise<number> {
  const script = fileURLToPath(new URL('./flood-of-junk.ts', import.meta.url))
  const args = [script, broker.authPort, PACKETS_A_SECOND, ROUND_MS + 500].map(String)
  const { stdout } = await thisMachine.run(process.execPath, args)
  return Number(/sent (\d+)/.exec(stdout)?.[1])
}

/** Processes that want a core, over the last minute. */
function load(): number {
  return loadavg()[0] ?? 0
}

function percentile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

describe('a flood of 50,000 junk packets a second', () => {
  test('leaves honest logins their answers, about as soon, and the log its room', async () => {
    const broker = await startBroker({ sections: { ...LIMITS, second_factor: { required: false } } })
    onTestFinished(broker.stop)
    await addPeople(broker, [{ name: 'alice', password: PASSWORD, enrolled: false }])
    await logins(broker, 1000)
    const calm: number[] = []
    const flooded: number[] = []
    let sent = 0
    for (let round = 0; round < ROUNDS; round++) {
      calm.push(...(await logins(broker, ROUND_MS)))
      const flooding = flood(broker)
      await sleep(500)
      flooded.push(...(await logins(broker, ROUND_MS)))
      sent += await flooding
    }
    const [before, during] = [percentile(calm, 0.99), percentile(flooded, 0.99)]
    const rate = sent / ROUNDS / ((ROUND_MS + 500) / 1000)
    console.log(
      `${rate.toFixed(0)} junk packets/s: p50 ${percentile(calm, 0.5).toFixed(0)} ms alone, ` +
        `${percentile(flooded, 0.5).toFixed(0)} ms beside them; p99 ${before.toFixed(0)} and ${during.toFixed(0)} ms ` +
        `(${(during / before).toFixed(2)} times)`,
    )
    expect(rate).toBeGreaterThan(PACKETS_A_SECOND / 2)
    expect(percentile(flooded, 0.5), 'each is answered, most of them at once').toBeLessThan(3000)
    // Where others work on the same cores the figure says more of them than of the broker.
    if (load() < availableParallelism()) expect(during).toBeLessThan(3 * before)
    const lines = (await broker.log()).filter(({ event }) => event === 'datagram.dropped')
    expect(lines.length, 'one line for each reason').toBeLessThan(10)
  })
})
