import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSync } from 'otplib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { type Broker, install, type Sections, startBroker } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import {
  accountingRequest,
  ask,
  believed,
  loginRequest,
  type Reply,
  type Request,
  radiusSocket,
} from '../real/radius-socket.ts'
import { startRedis } from '../real/redis.ts'

const PASSWORD = 'correct horse'
const NO_RATES = { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' }
const NO_LOCKOUTS = { after: 9999, user_after: 9999, address_after: 9999, hard_after: 9999 }
/** Hundreds of hashes must wait, not fail: the machine's cores decide how fast they are made. */
const PATIENT = { passwords: { waiting: 4000 }, limits: NO_RATES }
const ONE_FACTOR = { second_factor: { required: false } }

interface Workers {
  readonly workers: number
  readonly enrolled?: boolean
}

async function workersWith(
  { workers, enrolled = true }: Workers,
  sections: Sections,
  ...names: string[]
): Promise<[Broker, ...TestPerson[]]> {
  const radius = { workers, deadline: '60s' }
  const broker = await startBroker({ sections: { radius, ...PATIENT, ...sections } })
  onTestFinished(broker.stop)
  return [
    broker,
    ...(await addPeople(
      broker,
      names.map((name) => ({ name, password: PASSWORD, enrolled })),
    )),
  ]
}

/** All at the same moment, each from a port of its own, so that all workers have some of them. */
async function codesOf(broker: Broker, count: number, login: (number: number) => Request) {
  const replies = await Promise.all(
    Array.from({ length: count }, (_, number) => ask(broker.authPort, login(number), { tries: 20 })),
  )
  return counted(replies.map((reply) => reply?.code))
}

function counted(words: readonly (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word ?? 'no answer'] = (counts[word ?? 'no answer'] ?? 0) + 1
  return counts
}

function eventsOf(broker: Broker, user: string): Record<string, number> {
  const database = new DatabaseSync(broker.database, { readOnly: true })
  try {
    const rows = database
      .prepare(
        'select coalesce(reason, kind) as what, count(*) as times from audit_events where user_name = ? group by 1',
      )
      .all(user)
    return Object.fromEntries(rows.map(({ what, times }) => [String(what), Number(times)]))
  } finally {
    database.close()
  }
}

/** Processes that serve now, by the number of their place. */
function pidsOf(broker: Broker): ReadonlyMap<number, number> {
  const serving = broker.log().filter(({ event }) => event === 'worker.serving')
  return new Map(serving.map((line) => [Number(line.worker), Number(line.pid)]))
}

/** Somebody else who listens there. @returns the port. */
async function someoneAt(address: string, port = 0): Promise<number> {
  const server = createServer((socket) => socket.destroy()).listen(port, address)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Logins of one user, one every 40 ms, each sent once: nothing makes up for one that is lost. */
function steadyLogins(broker: Broker, user: string) {
  const logins: Promise<Reply | undefined>[] = []
  const until = new AbortController()
  const load = (async () => {
    while (!until.signal.aborted) {
      const login = loginRequest({ secret: broker.secret, user, password: PASSWORD })
      logins.push(askedOnce(broker, login))
      await sleep(40)
    }
  })()
  return {
    /** @returns whether every one was let in. */
    async end() {
      until.abort()
      await load
      const codes = counted((await Promise.all(logins)).map((reply) => reply?.code))
      expect(codes).toEqual({ 'Access-Accept': logins.length })
    },
  }
}

async function askedOnce(broker: Broker, request: Request): Promise<Reply | undefined> {
  const socket = await radiusSocket(broker.authPort)
  try {
    socket.send(request.octets)
    const octets = await socket.next(20_000)
    return octets === undefined ? undefined : believed(octets, request)
  } finally {
    socket.close()
  }
}

/** Waits for the worker that is started next. @returns its process, which serves nothing yet. */
async function nextWorker(broker: Pick<Broker, 'process'>): Promise<number> {
  const { pid } = broker.process
  const children = () =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
  const before = new Set(children())
  for (;;) {
    const next = children().find((child) => !before.has(child))
    if (next !== undefined) return next
    await sleep(5)
  }
}

const told = (broker: Broker, wanted: string) => broker.log().filter(({ event }) => event === wanted)

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/**
 * Asks as an impatient gateway does: the same octets every 150 ms until there is an answer, and once more then.
 * @returns the reply, which the last one must equal octet for octet.
 */
async function impatiently(broker: Broker, request: Request): Promise<Reply | undefined> {
  const socket = await radiusSocket(broker.authPort)
  try {
    let first: Buffer | undefined
    for (let sent = 0; sent < 200 && first === undefined; sent++) {
      socket.send(request.octets)
      first = await socket.next(150)
    }
    if (first === undefined) return undefined
    socket.send(request.octets)
    const again = await socket.next(5000)
    expect(again?.equals(first), 'a retransmit gets the same answer').toBe(true)
    return believed(first, request)
  } finally {
    socket.close()
  }
}

describe('four workers over the same ports', () => {
  test('are as exact as one process, share their figures, and end with their parent', async () => {
    const [broker, alice] = await workersWith(
      { workers: 4 },
      {
        second_factor: { mode: 'append' },
        lockout: { after: 5 },
        http: { address: '127.0.0.1', port: 0 },
      },
      ...['alice', 'bob'],
    )
    expect(pidsOf(broker).size).toBe(4)

    const guesses = await codesOf(broker, 200, (number) =>
      loginRequest({ secret: broker.secret, user: 'bob', password: `guess number ${number}` }),
    )
    expect(guesses).toEqual({ 'Access-Reject': 200 })
    const { bad_credentials: checked = 0 } = eventsOf(broker, 'bob')
    expect(checked, 'of 200 guesses against a limit of 5').toBe(5)

    // From other addresses: the one of the guesses is on its way to a lock of its own.
    const password = PASSWORD + generateSync({ secret: alice?.key ?? '' })
    const uses = await codesOf(broker, 500, () =>
      loginRequest({ secret: broker.secret, user: 'alice', password, from: '198.51.100.2' }),
    )
    expect(uses['Access-Accept'], 'of 500 uses of one code').toBe(1)
    expect(uses['no answer']).toBeUndefined()
    expect(await broker.ocbroker(['session', 'list'])).toHaveLength(1)

    const { token } = (await broker.ocbroker([
      'token',
      'create',
      '--name',
      'figures',
      '--scope',
      'metrics:read',
    ])) as {
      token: string
    }
    const [listening] = broker.log().filter(({ event }) => event === 'broker.listening')
    const places = listening?.listening as { service: string; port: number }[]
    const { port } = places.find(({ service }) => service === 'http') ?? expect.unreachable()
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const figures = await answer.text()
    expect(figures).toContain('ocbroker_workers 4')
    const logins = [...figures.matchAll(/^ocbroker_login_seconds_count\{.*\} (\d+)$/gm)]
    expect(
      logins.reduce((sum, [, count]) => sum + Number(count), 0),
      'logins over all workers',
    ).toBe(700)

    const pids = [...pidsOf(broker).values()]
    await broker.kill()
    await expect.poll(() => pids.filter(isRunning), { timeout: 15_000 }).toEqual([])
  })

  test('are not joined by another broker, and tell why they do not start, leaving nothing behind', async () => {
    const [broker] = await workersWith({ workers: 2 }, {})
    const other = await broker.run(['serve'])
    expect(other.code).toBe(1)
    expect(other.stderr).toMatch(/cannot listen on 127\.0\.0\.1:\d+ \(auth\): .* holds the port/)
    expect(broker.process.isRunning()).toBe(true)
    await broker.process.stop()
    writeFileSync(broker.keyFile, 'not a key\n')
    const { code, stderr } = await broker.run(['serve'])
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('cannot be used') })
    const socket = createSocket('udp4').bind(broker.authPort, '127.0.0.1')
    onTestFinished(() => void socket.close())
    await once(socket, 'listening')
  })
})

test('workers that are all killed at once are replaced', async () => {
  const [broker] = await workersWith({ workers: 2, enrolled: false }, ONE_FACTOR, 'alice')
  for (const pid of pidsOf(broker).values()) process.kill(pid, 'SIGKILL')
  const login = loginRequest({ secret: broker.secret, user: 'alice', password: PASSWORD })
  expect((await ask(broker.authPort, login, { tries: 10 }))?.code).toBe('Access-Accept')
})

test('a worker that is killed is replaced, and nothing that was acknowledged is lost', async () => {
  const [broker] = await workersWith(
    { workers: 3, enrolled: false },
    { ...ONE_FACTOR, lockout: NO_LOCKOUTS },
    'alice',
  )
  const acknowledged: string[] = []
  const logins: Promise<string | undefined>[] = []
  const until = new AbortController()
  const load = (async () => {
    for (let number = 0; !until.signal.aborted; number++) {
      const session = `session ${number}`
      const attributes = [
        encodeAttribute('Acct-Status-Type', 2),
        encodeAttribute('User-Name', 'alice'),
        encodeAttribute('Acct-Session-Id', session),
      ]
      const record = accountingRequest(broker.secret, attributes)
      const kept = ask(broker.acctPort, record).then((reply) => {
        if (reply !== undefined) acknowledged.push(session)
        return reply?.code
      })
      const login = loginRequest({ secret: broker.secret, user: 'alice', password: PASSWORD })
      logins.push(
        kept,
        ask(broker.authPort, login).then((reply) => reply?.code),
      )
      await sleep(40)
    }
  })()
  await sleep(500)
  const victims = [...pidsOf(broker).values()].slice(1, 3)
  for (const pid of victims) process.kill(pid, 'SIGKILL')
  await expect.poll(() => [...pidsOf(broker).values()].filter(isRunning).length, { timeout: 20_000 }).toBe(3)
  await sleep(300)
  until.abort()
  await load
  expect(counted(await Promise.all(logins))).toEqual({
    'Access-Accept': logins.length / 2,
    'Accounting-Response': logins.length / 2,
  })
  expect(broker.log().filter(({ event }) => event === 'worker.ended')).toHaveLength(2)
  const kept = (await broker.ocbroker(['session', 'list', '--all'])) as { acctSession?: string }[]
  expect(new Set(kept.map(({ acctSession }) => acctSession))).toEqual(
    new Set([
      ...acknowledged,
      ...kept.filter(({ acctSession }) => acctSession === undefined).map(() => undefined),
    ]),
  )
})

describe('a reload by SIGHUP', () => {
  test('under load answers every login once and right, and serves the new configuration', async () => {
    const names = Array.from({ length: 60 }, (_, number) => `user${number}`)
    const sections = { second_factor: { mode: 'append' }, lockout: NO_LOCKOUTS }
    const [broker, ...people] = await workersWith({ workers: 3 }, sections, ...names)
    broker.configure({ radius: { workers: 3, deadline: '30s' }, ...PATIENT, ...sections })
    const before = [...pidsOf(broker).values()]
    broker.process.signal('SIGHUP')
    let isDone = false
    const done = broker.process.waitForOutput(/"event":"reload\.(done|refused)"/, 45_000).then(() => {
      isDone = true
    })
    const replies: Promise<Reply | undefined>[] = []
    for (const { name, key } of people) {
      const password = PASSWORD + generateSync({ secret: key })
      replies.push(impatiently(broker, loginRequest({ secret: broker.secret, user: name, password })))
      if (!isDone) await sleep(100)
    }
    await done
    expect(counted((await Promise.all(replies)).map((reply) => reply?.code))).toEqual({ 'Access-Accept': 60 })
    expect(broker.log().map(({ event }) => event)).toContain('reload.done')
    const after = [...pidsOf(broker).values()]
    expect(after.filter((pid) => before.includes(pid))).toEqual([])
    await expect.poll(() => before.filter(isRunning)).toEqual([])
    expect(await broker.ocbroker(['session', 'list'])).toHaveLength(60)
  })

  test('is refused where the file is faulty or cannot be followed, and the workers stay', async () => {
    const [broker] = await workersWith({ workers: 2, enrolled: false }, ONE_FACTOR, 'alice')
    const before = pidsOf(broker)
    const good = readFileSync(broker.configFile, 'utf8')
    const refusals = () => broker.log().filter(({ event }) => event === 'reload.refused')
    const refused = async (count: number) => {
      broker.process.signal('SIGHUP')
      await expect.poll(() => refusals().length, { timeout: 20_000 }).toBe(count)
      return JSON.stringify(refusals().at(-1))
    }
    writeFileSync(broker.configFile, good.replace('"workers"', '"wrokers"'))
    expect(await refused(1)).toContain('did you mean workers?')
    writeFileSync(broker.configFile, good.replace('"workers": 2', '"workers": 3'))
    expect(await refused(2)).toContain('radius.workers: a change needs a restart')
    writeFileSync(broker.configFile, good)
    const key = readFileSync(broker.keyFile)
    writeFileSync(broker.keyFile, 'not a key\n')
    expect(await refused(3), 'a new worker that cannot start').toContain('cannot be used')
    writeFileSync(broker.keyFile, key)
    expect(pidsOf(broker)).toEqual(before)
    const login = loginRequest({ secret: broker.secret, user: 'alice', password: PASSWORD })
    expect(await ask(broker.authPort, login)).toMatchObject({ code: 'Access-Accept' })
  })
})

test('a reload that is asked for while the workers start is done when they serve', async () => {
  const { start, remove } = await install({ sections: { radius: { workers: 2 } } })
  onTestFinished(remove)
  const broker = { process: start(['serve']) }
  onTestFinished(() => broker.process.stop())
  await nextWorker(broker)
  broker.process.signal('SIGHUP')
  await broker.process.waitForOutput(/"event":"reload\.done"/, 45_000)
})

describe('a reload that no worker can follow, as HTTP cannot be had,', () => {
  const names = ['anna', 'berta', 'clara', 'dora', 'erna', 'frieda']
  const sections = {
    second_factor: { mode: 'append', required: false },
    lockout: NO_LOCKOUTS,
    // One hash at a time in each worker, so that many wait for theirs when it is to hand over.
    passwords: { parallel: 2, waiting: 4000 },
  }

  /** Reloads under load. What was answered before must be answered so again: the code has been spent. */
  async function refusedUnderLoad(httpBefore: Sections | undefined, http: Sections) {
    const before = httpBefore === undefined ? sections : { ...sections, http: httpBefore }
    const [broker, ...people] = await workersWith({ workers: 2 }, before, ...names)
    await addPeople(broker, [{ name: 'gerda', password: PASSWORD, enrolled: false }])
    const pids = pidsOf(broker)
    const answered = await Promise.all(
      people.map(async ({ name, key }) => {
        const socket = await radiusSocket(broker.authPort)
        onTestFinished(socket.close)
        const password = PASSWORD + generateSync({ secret: key })
        const request = loginRequest({ secret: broker.secret, user: name, password })
        socket.send(request.octets)
        const octets = await socket.next(20_000)
        return { socket, request, octets }
      }),
    )
    broker.configure({ radius: { workers: 2, deadline: '60s' }, ...PATIENT, ...sections, http })
    broker.process.signal('SIGHUP')
    const load = steadyLogins(broker, 'gerda')
    const crowd = Array.from({ length: 100 }, () =>
      askedOnce(broker, loginRequest({ secret: broker.secret, user: 'gerda', password: PASSWORD })),
    )
    await broker.process.waitForOutput(/"event":"reload\.(done|refused)"/, 45_000)
    expect(JSON.stringify(told(broker, 'reload.refused'))).toContain('another process listens there')
    for (const { socket, request, octets } of answered) {
      socket.send(request.octets)
      expect(await socket.next(20_000)).toEqual(octets)
    }
    await sleep(1000)
    await load.end()
    expect(counted((await Promise.all(crowd)).map((reply) => reply?.code))).toEqual({ 'Access-Accept': 100 })
    expect(told(broker, 'worker.not_started')).toEqual([])
    return { broker, pids }
  }

  test('is refused before a worker lets go of anything', async () => {
    const taken = await someoneAt('127.0.0.1')
    const { broker, pids } = await refusedUnderLoad(undefined, { address: '127.0.0.1', port: taken })
    expect(pidsOf(broker)).toEqual(pids)
  })

  test('is refused where that shows late, and another worker goes on by the order before', async () => {
    const port = await freePort()
    // One that listens everywhere must wait for its predecessor on one address, and cannot know of the other address.
    await someoneAt('127.0.0.2', port)
    const { broker, pids } = await refusedUnderLoad(
      { address: '127.0.0.1', port },
      { address: '0.0.0.0', port },
    )
    const after = pidsOf(broker)
    expect(after.get(0)).not.toBe(pids.get(0))
    expect(after.get(1)).toBe(pids.get(1))
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
    const login = loginRequest({ secret: broker.secret, user: 'gerda', password: PASSWORD })
    expect(await ask(broker.authPort, login)).toMatchObject({ code: 'Access-Accept' })
  })
})

test('a reload mends what keeps a worker from being replaced', async () => {
  const http = { address: '127.0.0.1', port: await freePort() }
  const [broker] = await workersWith({ workers: 2 }, { http })
  process.kill(pidsOf(broker).get(0) ?? expect.unreachable(), 'SIGKILL')
  await broker.process.waitForOutput(/"event":"worker\.ended"/)
  await someoneAt('127.0.0.1', http.port)
  await broker.process.waitForOutput(/another process listens there/, 20_000)
  const port = await freePort()
  broker.configure({ radius: { workers: 2, deadline: '60s' }, ...PATIENT, http: { ...http, port } })
  broker.process.signal('SIGHUP')
  await broker.process.waitForOutput(/"event":"reload\.(done|refused)"/, 45_000)
  expect(told(broker, 'reload.done')).toHaveLength(1)
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
})

describe('where a worker is killed in the midst of a reload', () => {
  const start = () =>
    workersWith({ workers: 2, enrolled: false }, { ...ONE_FACTOR, lockout: NO_LOCKOUTS }, 'alice')

  test('the first new one: it is refused, and no login is lost', async () => {
    const [broker] = await start()
    const pids = pidsOf(broker)
    const load = steadyLogins(broker, 'alice')
    const next = nextWorker(broker)
    broker.process.signal('SIGHUP')
    process.kill(await next, 'SIGKILL')
    await expect.poll(() => told(broker, 'reload.refused').length, { timeout: 20_000 }).toBe(1)
    await load.end()
    expect(pidsOf(broker)).toEqual(pids)
  })

  test('a later new one: it is tried again, and no login is lost', async () => {
    const [broker] = await start()
    const pids = [...pidsOf(broker).values()]
    const load = steadyLogins(broker, 'alice')
    const first = nextWorker(broker)
    broker.process.signal('SIGHUP')
    await first
    process.kill(await nextWorker(broker), 'SIGKILL')
    await broker.process.waitForOutput(/"event":"reload\.(done|refused)"/, 45_000)
    await load.end()
    expect(told(broker, 'reload.done')).toHaveLength(1)
    expect(told(broker, 'worker.not_started')).toHaveLength(1)
    expect([...pidsOf(broker).values()].filter((pid) => pids.includes(pid))).toEqual([])
  })

  test('the one that is to be replaced: the new one takes its place', async () => {
    const [broker] = await start()
    const pids = pidsOf(broker)
    const next = nextWorker(broker)
    broker.process.signal('SIGHUP')
    const first = await next
    process.kill(pids.get(0) ?? expect.unreachable(), 'SIGKILL')
    await broker.process.waitForOutput(/"event":"reload\.(done|refused)"/, 45_000)
    expect(told(broker, 'reload.done')).toHaveLength(1)
    expect(pidsOf(broker).get(0)).toBe(first)
    const codes = await codesOf(broker, 20, () =>
      loginRequest({ secret: broker.secret, user: 'alice', password: PASSWORD }),
    )
    expect(codes).toEqual({ 'Access-Accept': 20 })
  })
})

describe('a reload that some workers cannot follow yet', () => {
  /** The first has followed it, the second cannot read its key. */
  async function halfDone() {
    const [broker] = await workersWith({ workers: 2, enrolled: false }, ONE_FACTOR, 'alice')
    const pids = [...pidsOf(broker).values()]
    const served = () => told(broker, 'worker.serving').length
    const key = readFileSync(broker.keyFile)
    const first = nextWorker(broker)
    broker.process.signal('SIGHUP')
    await first
    await expect.poll(served, { timeout: 20_000, interval: 1 }).toBe(3)
    writeFileSync(broker.keyFile, 'not a key\n')
    await broker.process.waitForOutput(/"event":"worker\.not_started"/, 20_000)
    const mend = async () => {
      writeFileSync(broker.keyFile, key)
      await broker.process.waitForOutput(/"event":"reload\.done"/, 30_000)
      expect([...pidsOf(broker).values()].filter((pid) => pids.includes(pid))).toEqual([])
      // The first has followed already.
      expect(served()).toBe(4)
    }
    const refusal = () => broker.process.waitForOutput(/"event":"reload\.refused"/, 20_000)
    return { broker, refusal, mend }
  }

  test('goes on beside a file that is refused', async () => {
    const { broker, refusal, mend } = await halfDone()
    const good = readFileSync(broker.configFile, 'utf8')
    writeFileSync(broker.configFile, good.replace('"workers"', '"wrokers"'))
    broker.process.signal('SIGHUP')
    await refusal()
    await mend()
  })

  test('goes on after one that no worker can follow', async () => {
    const { broker, refusal, mend } = await halfDone()
    broker.process.signal('SIGHUP')
    await refusal()
    await mend()
  })
})

test('workers that are told to stop in the midst of a reload answer every login', async () => {
  const [broker] = await workersWith(
    { workers: 2, enrolled: false },
    { ...ONE_FACTOR, lockout: NO_LOCKOUTS, passwords: { parallel: 2, waiting: 4000 } },
    'alice',
  )
  const next = nextWorker(broker)
  broker.process.signal('SIGHUP')
  await next
  const logins = Array.from({ length: 150 }, () =>
    askedOnce(broker, loginRequest({ secret: broker.secret, user: 'alice', password: PASSWORD })),
  )
  // What the first was still checking is to be answered through the one that follows it.
  await expect.poll(() => told(broker, 'worker.serving').length, { timeout: 20_000, interval: 1 }).toBe(3)
  broker.process.signal('SIGTERM')
  expect(counted((await Promise.all(logins)).map((reply) => reply?.code))).toEqual({ 'Access-Accept': 150 })
  expect(await broker.process.finished).toMatchObject({ code: 0, signal: null })
})

test('workers that are told to stop answer every login whose password is being checked', async () => {
  const names = Array.from({ length: 24 }, (_, number) => `user${number}`)
  const [broker] = await workersWith(
    { workers: 2, enrolled: false },
    { ...ONE_FACTOR, passwords: { parallel: 1, waiting: 100 } },
    ...names,
  )
  const waiting = await Promise.all(
    names.map(async (user) => {
      const socket = await radiusSocket(broker.authPort)
      onTestFinished(socket.close)
      const request = loginRequest({ secret: broker.secret, user, password: PASSWORD })
      socket.send(request.octets)
      return { request, octets: socket.next(15_000) }
    }),
  )
  await Promise.race(waiting.map(({ octets }) => octets))
  broker.process.signal('SIGTERM')
  const replies = await Promise.all(
    waiting.map(async ({ request, octets }) => {
      const reply = await octets
      return reply === undefined ? undefined : believed(reply, request).code
    }),
  )
  expect(counted(replies)).toEqual({ 'Access-Accept': 24 })
  expect(await broker.process.finished).toMatchObject({ code: 0, signal: null })
})

describeWith(['redis-server'], 'workers that share Redis with other brokers', () => {
  test('take a code once and keep to the limits together, and to their part of them while Redis is away', async () => {
    const redis = await startRedis()
    onTestFinished(redis.stop)
    const [broker, alice] = await workersWith(
      { workers: 2 },
      {
        second_factor: { mode: 'append' },
        lockout: { after: 6 },
        redis: { url: `redis://127.0.0.1:${redis.port}`, brokers: 2 },
      },
      ...['alice', 'bob', 'carol'],
    )
    const password = PASSWORD + generateSync({ secret: alice?.key ?? '' })
    const uses = await codesOf(broker, 100, (number) =>
      loginRequest({ secret: broker.secret, user: 'alice', password, from: `198.51.100.${number}` }),
    )
    expect(uses['Access-Accept'], 'of 100 uses of one code').toBe(1)
    const guess = (user: string) => (number: number) =>
      loginRequest({ secret: broker.secret, user, password: `guess number ${number}` })
    await codesOf(broker, 60, guess('bob'))
    expect(eventsOf(broker, 'bob').bad_credentials, 'with Redis').toBe(6)
    await redis.kill()
    await codesOf(broker, 60, guess('carol'))
    // Both workers count in their parent, so the limit is divided among brokers alone.
    expect(eventsOf(broker, 'carol').bad_credentials, 'without Redis: half of it').toBe(3)
  })
})
