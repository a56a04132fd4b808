import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { decodePacket, first } from '../../src/radius/packet.ts'
import { type Broker, install, type Sections, startBroker } from '../real/broker.ts'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { addPeople } from '../real/people.ts'
import { ask, believed, loginRequest, type Request, statusRequest } from '../real/radius-socket.ts'

const PASSWORD = 'correct horse'
const IN_FLIGHT = 1000
const HELD = 'held'
const OK = '\0\x02OK'
/** RFC 2865 §5.27 */
const SESSION_TIMEOUT = 27
const ONE_HOUR = 3600
const TWO_HOURS = 7200

/** A daemon in place of saslauthd that lets everybody in, and users called `held` when it is told to. */
async function saslauthd() {
  const folder = temporaryFolder('mux')
  const waiting = new Set<Socket>()
  const probes = new Set<Socket>()
  const state = { isHolding: true, isHoldingProbes: false }
  const server = createServer((connection) => {
    connection.on('error', () => undefined)
    connection.on('close', () => {
      waiting.delete(connection)
      probes.delete(connection)
    })
    connection.on('data', (question: Buffer) => {
      const isHeld = question.toString('latin1').startsWith(`\0\x04${HELD}`)
      if (isHeld && state.isHolding) waiting.add(connection)
      else if (!isHeld && state.isHoldingProbes) probes.add(connection)
      else connection.end(OK)
    })
  })
  server.listen({ path: folder.file('mux'), backlog: 2000 })
  await once(server, 'listening')
  const release = () => {
    Object.assign(state, { isHolding: false, isHoldingProbes: false })
    // A thousand at the same moment would wait for the records longer than they may on a busy machine.
    for (const [index, connection] of [...probes, ...waiting].entries())
      setTimeout(() => connection.end(OK), Math.floor(index / 25) * 40)
  }
  onTestFinished(async () => {
    release()
    server.close()
    await folder.remove()
  })
  return {
    socket: folder.file('mux'),
    waiting: () => waiting.size,
    probes: () => probes.size,
    /** The next look whether the store is there gets no answer. */
    holdProbes: () => Object.assign(state, { isHoldingProbes: true }),
    release,
  }
}

function sections(workers: number, daemon: { readonly socket: string }, timeout: string): Sections {
  const { socket } = daemon
  return {
    radius: { workers, deadline: '60s' },
    identity: {
      order: ['system'],
      system: { type: 'pam', socket, parallel: 256, waiting: 4000, groups: false, unknown: 'never' },
    },
    second_factor: { required: false },
    limits: { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' },
    lockout: { after: 9999, user_after: 9999, address_after: 9999, hard_after: 9999 },
    policies: [{ name: 'everyone', reply: { session_timeout: timeout } }],
  }
}

/** Sends each login once, from many ports so that every worker has some, and keeps whatever comes back. */
async function gateway(broker: Pick<Broker, 'authPort' | 'secret'>) {
  const sockets = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const socket = createSocket('udp4').bind(0, '127.0.0.1')
      await once(socket, 'listening')
      onTestFinished(() => void socket.close())
      return socket
    }),
  )
  const sent: { readonly request: Request; readonly replies: Buffer[]; again(): void }[] = []
  const byPlace = new Map<string, Buffer[]>()
  for (const [number, socket] of sockets.entries())
    socket.on('message', (octets: Buffer) => byPlace.get(`${number} ${octets[1]}`)?.push(octets))
  const send = (user: string) => {
    const [number, identifier] = [sent.length % sockets.length, Math.floor(sent.length / sockets.length)]
    // Each from a network of its own: one network does not get all places of the identity store.
    const from = `10.${identifier}.${number}.1`
    const request = loginRequest({ secret: broker.secret, user, password: PASSWORD, from })
    request.octets.writeUInt8(identifier, 1)
    const replies: Buffer[] = []
    byPlace.set(`${number} ${identifier}`, replies)
    const again = () => sockets[number]?.send(request.octets, broker.authPort, '127.0.0.1')
    sent.push({ request, replies, again })
    again()
  }
  return {
    async send(count: number, user: string, pauseMs = 0) {
      for (let index = 0; index < count; index++) {
        send(user)
        if (pauseMs > 0) await sleep(pauseMs)
        // A burst must not overrun the socket's buffer: each login is sent once only.
        else if (index % 50 === 49) await sleep(5)
      }
    },
    /** Waits until the broker has read all that was sent: it answers a Status-Server request that comes behind it. */
    async areRead() {
      let { octets } = statusRequest(broker.secret)
      // Not an identifier that a login has.
      while ((octets[1] ?? 0) < 100) octets = statusRequest(broker.secret).octets
      const answers = sockets.map((_, number): Buffer[] => {
        const answered: Buffer[] = []
        byPlace.set(`${number} ${octets[1]}`, answered)
        return answered
      })
      for (const socket of sockets) socket.send(octets, broker.authPort, '127.0.0.1')
      await expect.poll(() => answers.every(({ length }) => length > 0), { timeout: 10_000 }).toBe(true)
    },
    /** Waits until each has an answer, and a moment for any that comes twice. @returns code and Session-Timeout of each. */
    async answers() {
      await expect
        .poll(() => sent.filter(({ replies }) => replies.length === 0).length, { timeout: 45_000 })
        .toBe(0)
      await sleep(300)
      expect(sent.filter(({ replies }) => replies.length !== 1)).toEqual([])
      return sent.map(({ request, replies: [octets = Buffer.alloc(0)] }) => {
        const { code } = believed(octets, request)
        return `${code} ${first(decodePacket(octets), SESSION_TIMEOUT)?.readUInt32BE()}`
      })
    },
    /** Sends some once more. They must get the same answer again, octet for octet. */
    async retransmit(step: number) {
      const some = sent.filter((_, index) => index % step === 0)
      for (const { again } of some) again()
      await expect.poll(() => some.every(({ replies }) => replies.length === 2), { timeout: 5000 }).toBe(true)
      expect(some.filter(({ replies: [one, two] }) => !two?.equals(one ?? Buffer.alloc(0)))).toEqual([])
    },
  }
}

const accepted = (count: number, timeout: number) =>
  Array.from({ length: count }, () => `Access-Accept ${timeout}`)
/** Processes that had begun to serve when this was logged. */
const pidsOf = async (broker: Broker, event = 'broker.listening') => {
  const lines = await broker.logUntil(event)
  return lines.filter((line) => line.event === 'worker.serving').map(({ pid }) => Number(pid))
}
const outcome = (broker: Broker) =>
  broker.process.waitForOutput(/"event":"reload\.(done|refused)"/, 30_000).then(([, kind]) => kind)

async function started(own: Sections): Promise<Broker> {
  const broker = await startBroker({ sections: own })
  onTestFinished(broker.stop)
  return broker
}

/** A program that listens where the broker wants to. @returns the port. */
async function listener(): Promise<number> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

describe.each([1, 4])('a reload of %i process(es) with 1,000 logins in flight', (workers) => {
  async function underLoad() {
    const daemon = await saslauthd()
    const broker = await started(sections(workers, daemon, '1h'))
    const logins = await gateway(broker)
    await logins.send(IN_FLIGHT, HELD)
    await logins.areRead()
    await expect.poll(() => daemon.waiting()).toBeGreaterThan(200)
    const pids = await pidsOf(broker)
    return { daemon, broker, logins, pids }
  }

  test('is done in place: those in flight are answered by the old configuration, later ones by the new', async () => {
    const { daemon, broker, logins, pids } = await underLoad()
    broker.configure(sections(workers, daemon, '2h'))
    broker.process.signal('SIGHUP')
    const during = logins.send(100, 'alice', 5)
    expect(await outcome(broker)).toBe('done')
    await during
    await logins.send(100, 'alice')
    daemon.release()
    const answers = await logins.answers()
    expect(answers.slice(0, IN_FLIGHT)).toEqual(accepted(IN_FLIGHT, ONE_HOUR))
    const either = new Set([...accepted(1, ONE_HOUR), ...accepted(1, TWO_HOURS)])
    expect(answers.slice(IN_FLIGHT, -100).filter((answer) => !either.has(answer))).toEqual([])
    expect(answers.slice(-100)).toEqual(accepted(100, TWO_HOURS))
    await logins.retransmit(10)
    expect((await broker.logUntil('reload.done')).at(-1)).toMatchObject({ changed: ['policies'] })
    expect(await pidsOf(broker, 'reload.done')).toEqual(pids)
  })

  test('is refused with every fault and changes nothing', async () => {
    const { daemon, broker, logins, pids } = await underLoad()
    const port = await listener()
    const own = sections(workers, daemon, '2h')
    const away = { type: 'pam', socket: '/nowhere/mux', groups: false, unknown: 'never' }
    broker.configure({
      ...own,
      identity: { ...(own.identity as Sections), order: ['system', 'away'], away },
      http: { address: '127.0.0.1', port },
    })
    broker.process.signal('SIGHUP')
    const during = logins.send(100, 'alice', 5)
    expect(await outcome(broker)).toBe('refused')
    await during
    await logins.send(100, 'alice')
    daemon.release()
    expect(await logins.answers()).toEqual(accepted(IN_FLIGHT + 200, ONE_HOUR))
    await logins.retransmit(10)
    const refusal = (await broker.logUntil('reload.refused')).at(-1)
    expect(refusal?.why).toContain('another process listens there')
    expect(refusal?.why).toContain('/nowhere/mux')
    expect(await pidsOf(broker, 'reload.refused')).toEqual(pids)
  })

  test('and a stop in its midst loses no answer', async () => {
    const { daemon, broker, logins } = await underLoad()
    daemon.holdProbes()
    broker.process.signal('SIGHUP')
    await expect.poll(daemon.probes, { timeout: 10_000 }).toBe(workers)
    broker.process.signal('SIGTERM')
    await sleep(200)
    daemon.release()
    expect(await logins.answers()).toEqual(accepted(IN_FLIGHT, ONE_HOUR))
    expect(await broker.process.finished).toMatchObject({ code: 0, signal: null })
  })
})

test('where a worker is killed in the midst of a reload, all go on by the configuration before', async () => {
  const daemon = await saslauthd()
  const broker = await started(sections(3, daemon, '1h'))
  broker.configure(sections(3, daemon, '2h'))
  daemon.holdProbes()
  broker.process.signal('SIGHUP')
  await expect.poll(daemon.probes, { timeout: 10_000 }).toBe(3)
  process.kill((await pidsOf(broker))[1] ?? expect.unreachable(), 'SIGKILL')
  await expect.poll(daemon.probes, { timeout: 10_000 }).toBe(2)
  daemon.release()
  expect(await outcome(broker)).toBe('refused')
  await broker.logUntil('worker.serving', {}, 4)
  const logins = await gateway(broker)
  await logins.send(200, 'alice')
  expect(await logins.answers()).toEqual(accepted(200, ONE_HOUR))
})

describe.each([1, 2])('a reload of %i process(es)', (workers) => {
  const radius = { workers, deadline: '60s' }

  test('keeps what was counted, and takes another key file', async () => {
    const own = { radius, second_factor: { required: false }, lockout: { after: 3 } }
    const broker = await started(own)
    await addPeople(broker, [
      { name: 'alice', password: PASSWORD, enrolled: false },
      { name: 'bob', password: PASSWORD, enrolled: true },
    ])
    const login = (password: string) =>
      ask(broker.authPort, loginRequest({ secret: broker.secret, user: 'alice', password }))
    for (const guess of ['one', 'two']) expect((await login(guess))?.code).toBe('Access-Reject')
    broker.configure({ ...own, policies: [{ name: 'another', reply: {} }] })
    expect(await broker.ocbroker(['reload'])).toEqual({ changed: ['policies'] })
    expect((await login('three'))?.code).toBe('Access-Reject')
    expect((await login(PASSWORD))?.code).toBe('Access-Reject')
    expect(await broker.ocbroker(['lockout', 'list'])).toHaveLength(1)

    const key = readFileSync(broker.keyFile, 'utf8')
    writeFileSync(broker.keyFile, 'not a key\n')
    const refused = await broker.run(['reload'])
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be used') })
    writeFileSync(broker.keyFile, key)
    expect(await broker.ocbroker(['reload'])).toEqual({ changed: [] })
  })

  test('serves HTTP by the new configuration, at the same port and at another', async () => {
    const [one, other] = [await freePort(), await freePort()]
    const own = { radius, http: { address: '127.0.0.1', port: one } }
    const broker = await started(own)
    const login = (port: number) => fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5000) })
    const title = async (port: number) => (await (await login(port)).text()).includes('Example Works')
    expect(await title(one)).toBe(false)
    const totp = { totp: { issuer: 'Example Works' } }
    broker.configure({ ...own, second_factor: totp })
    expect(await broker.ocbroker(['reload'])).toEqual({ changed: ['second_factor'] })
    expect(await title(one)).toBe(true)
    broker.configure({ ...own, http: { address: '127.0.0.1', port: other } })
    expect(await broker.ocbroker(['reload'])).toEqual({ changed: ['http.port', 'second_factor'] })
    expect(await title(other)).toBe(false)
    await expect.poll(() => login(one).catch(() => 'refused'), { timeout: 10_000 }).toBe('refused')
    broker.configure({ radius })
    expect(await broker.ocbroker(['reload'])).toEqual({ changed: ['http'] })
    await expect.poll(() => login(other).catch(() => 'refused'), { timeout: 10_000 }).toBe('refused')
    broker.configure(own)
    expect(await broker.ocbroker(['reload'])).toEqual({ changed: ['http'] })
    expect((await login(one)).status).toBe(200)
  })

  test('refuses by name what needs a restart, and says all faults of a file', async () => {
    const http = { address: '127.0.0.1', port: await freePort() }
    const broker = await started({ radius, http })
    const refused = async (own: Sections) => {
      broker.configure(own)
      const { code, stderr } = await broker.run(['reload'])
      expect(code).toBe(1)
      return stderr
    }
    const restart = await refused({
      radius: { ...radius, workers: workers + 1 },
      http: { ...http, address: '0.0.0.0' },
      storage: { sqlite: 'another.db', key_file: 'seed.key' },
      redis: { url: 'redis://127.0.0.1:1' },
    })
    for (const key of ['radius.workers', 'http.address', 'storage', 'redis']) expect(restart).toContain(key)
    expect(await refused({ radius, polices: [], limits: { user: 'often' } })).toMatch(
      /polices[\s\S]*policies[\s\S]*limits\.user/,
    )
    // The broker itself is asked too, as the service manager does.
    broker.process.signal('SIGHUP')
    await broker.process.waitForOutput(
      /"event":"reload\.refused".*polices|polices.*"event":"reload\.refused"/,
    )
    broker.configure({ radius, http })
    expect(await broker.ocbroker(['reload'])).toEqual({ changed: [] })
  })
})

test('a reload says that no broker runs', async () => {
  const { run, remove } = await install()
  onTestFinished(remove)
  expect(await run(['reload'])).toMatchObject({ code: 1, stderr: expect.stringContaining('no broker runs') })
})

describe.each([1, 2])('SIGHUP while %i process(es) start', (workers) => {
  test('is heard from the first moment on, and done when they serve', async () => {
    const { start, remove } = await install({ sections: { radius: { workers } } })
    onTestFinished(remove)
    const broker = start(['serve'])
    onTestFinished(() => broker.stop())
    const isHandled = () => {
      const [, caught = '0'] =
        /^SigCgt:\s*(\w+)/m.exec(readFileSync(`/proc/${broker.pid}/status`, 'utf8')) ?? []
      return (BigInt(`0x${caught}`) & 1n) === 1n
    }
    const cost = () => {
      const fields = readFileSync(`/proc/${broker.pid}/stat`, 'utf8').split(' ')
      return Number(fields[13]) + Number(fields[14])
    }
    await expect.poll(isHandled, { interval: 2, timeout: 10_000 }).toBe(true)
    const early = cost()
    broker.signal('SIGHUP')
    await broker.waitForOutput(/"event":"reload\.done"/, 45_000)
    expect(early, 'before the program is loaded').toBeLessThan(cost() / 3)
  })
})

test('HTTP does not go away while the worker that answers it is replaced', async () => {
  const http = { address: '127.0.0.1', port: await freePort() }
  const broker = await started({ radius: { workers: 2 }, http })
  const healthy = () => fetch(`http://127.0.0.1:${http.port}/healthz`, { headers: { connection: 'close' } })
  expect((await healthy()).status).toBe(200)
  const [first = expect.unreachable()] = await pidsOf(broker)
  process.kill(first, 'SIGKILL')
  await broker.logUntil('worker.ended')
  const answers = await Promise.all(Array.from({ length: 20 }, () => healthy()))
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
  await broker.logUntil('worker.serving', {}, 3)
})
