import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { install, startBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { thisMachine } from '../real/process.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'

const PASSWORD = 'correct horse'
const CONNECTIONS = 1000
const DESCRIPTORS = 256

async function isHealthy(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(3000) })
    return answer.ok
  } catch {
    return false
  }
}

function idle(port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  return socket
}

describeWith(['prlimit'], 'a broker with few file descriptors', () => {
  test('answers the gateways while a thousand idle HTTP connections take all of them, and HTTP when they are gone', async () => {
    const installation = await install({
      sections: {
        second_factor: { required: false },
        // More than there are descriptors, and from a trusted proxy: no cap of its own holds them back.
        http: { address: '127.0.0.1', port: 0, max_connections: 5000, trusted_proxies: ['127.0.0.1'] },
      },
    })
    onTestFinished(installation.remove)
    await addPeople(installation, [{ name: 'alice', password: PASSWORD, enrolled: false }])
    const [program, args] = installation.words('serve')
    const limited = [`--nofile=${DESCRIPTORS}:${DESCRIPTORS}`, program, ...args]
    const broker = thisMachine.start('prlimit', limited)
    onTestFinished(() => broker.stop())
    const [, found] = await broker.waitForOutput(/\(HTTP\) on 127\.0\.0\.1:(\d+)/, 30_000)
    const port = Number(found)
    expect(await isHealthy(port)).toBe(true)
    const sockets = Array.from({ length: CONNECTIONS }, () => idle(port))
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
    })
    await sleep(1000)
    const login = () => {
      const request = loginRequest({ secret: installation.secret, user: 'alice', password: PASSWORD })
      return ask(installation.authPort, request)
    }
    const inUse = readdirSync(`/proc/${broker.pid}/fd`).length
    expect(inUse, 'descriptors are left for the records and directories').toBeLessThan(DESCRIPTORS - 64)
    for (let number = 0; number < 10; number++) {
      const startedAt = performance.now()
      expect(await login()).toMatchObject({ code: 'Access-Accept' })
      expect(performance.now() - startedAt).toBeLessThan(3000)
    }
    for (const socket of sockets) socket.destroy()
    await expect.poll(() => isHealthy(port), { timeout: 15_000 }).toBe(true)
    expect(await login()).toMatchObject({ code: 'Access-Accept' })
    expect(await installation.ocbroker(['session', 'list'])).toHaveLength(11)
  })

  test('holds no more HTTP connections than it may', async () => {
    const broker = await startBroker({
      sections: { http: { address: '127.0.0.1', port: 0, max_connections: 40 } },
    })
    onTestFinished(broker.stop)
    const [, port] = await broker.process.waitForOutput(/\(HTTP\) on 127\.0\.0\.1:(\d+)/)
    let closed = 0
    const sockets = Array.from({ length: 200 }, () => idle(Number(port)).on('close', () => (closed += 1)))
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
    })
    await expect.poll(() => closed).toBeGreaterThanOrEqual(160)
  })
})
