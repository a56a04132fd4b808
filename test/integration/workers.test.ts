import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSync } from 'otplib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { type Broker, type Sections, startBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import {
  accountingRequest,
  ask,
  believed,
  loginRequest,
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

/** Processes that serve when so many have begun to, by the number of their place. */
async function pidsOf(broker: Broker, begun: number): Promise<ReadonlyMap<number, number>> {
  const lines = await broker.logUntil('worker.serving', {}, begun)
  const serving = lines.filter(({ event }) => event === 'worker.serving')
  return new Map(serving.map((line) => [Number(line.worker), Number(line.pid)]))
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
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
    expect((await pidsOf(broker, 4)).size).toBe(4)

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
    const places = (await broker.logUntil('broker.listening')).at(-1)?.listening as {
      service: string
      port: number
    }[]
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

    const pids = [...(await pidsOf(broker, 4)).values()]
    await broker.kill()
    await expect.poll(() => pids.filter(isRunning), { timeout: 15_000 }).toEqual([])
  })

  test('do not start beside another broker, say why, and leave nothing behind', async () => {
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
  for (const pid of (await pidsOf(broker, 2)).values()) process.kill(pid, 'SIGKILL')
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
      // As many as a machine that others keep busy answers, too.
      await sleep(100)
    }
  })()
  await sleep(500)
  const victims = [...(await pidsOf(broker, 3)).values()].slice(1, 3)
  for (const pid of victims) process.kill(pid, 'SIGKILL')
  expect([...(await pidsOf(broker, 5)).values()].filter(isRunning)).toHaveLength(3)
  await sleep(300)
  until.abort()
  await load
  expect(counted(await Promise.all(logins))).toEqual({
    'Access-Accept': logins.length / 2,
    'Accounting-Response': logins.length / 2,
  })
  await broker.process.stop()
  expect((await broker.log()).filter(({ event }) => event === 'worker.ended')).toHaveLength(2)
  const kept = (await broker.ocbroker(['session', 'list', '--all'])) as { acctSession?: string }[]
  expect(new Set(kept.map(({ acctSession }) => acctSession))).toEqual(
    new Set([
      ...acknowledged,
      ...kept.filter(({ acctSession }) => acctSession === undefined).map(() => undefined),
    ]),
  )
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
