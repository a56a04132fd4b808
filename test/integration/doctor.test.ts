import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { type Installation, install, type RunningBroker } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { accountingRequest, loginRequest, type Request, radiusSocket } from '../real/radius-socket.ts'

interface Finding {
  readonly id: string
  readonly about: string
  readonly verdict: string
  readonly cause: string
  readonly remedy?: string
}

async function examine(broker: Installation, ...more: readonly string[]): Promise<readonly Finding[]> {
  const { stdout, stderr } = await broker.run(['doctor', '--json', ...more])
  if (stdout === '') throw new Error(stderr)
  return (JSON.parse(stdout) as { findings: Finding[] }).findings
}

const loud = (findings: readonly Finding[]) =>
  findings.filter(({ verdict }) => verdict === 'fault' || verdict === 'warning')

const SECRET = 'between-gateway-and-broker'
const UNSIGNED = { secret: SECRET, user: 'una', password: 'correct horse battery staple' }
const SIGNED = { ...UNSIGNED, signed: true }
const INTERIM = [
  encodeAttribute('Acct-Status-Type', 3),
  encodeAttribute('User-Name', 'una'),
  encodeAttribute('Acct-Session-Id', 's1'),
]

describe('ocbroker doctor on what gateways send', () => {
  const resources = new AsyncDisposableStack()
  let broker: Installation
  let running: RunningBroker

  const gateway = (name: string, last: number, more = {}) => ({
    ...{ name, address: `127.0.0.${last}`, secret: SECRET },
    ...more,
  })

  beforeAll(async () => {
    broker = await install({
      sections: {
        gateways: [
          gateway('here', 1),
          gateway('sound', 2),
          gateway('strict', 3, { message_authenticator: 'require' }),
          gateway('named', 4, { nas_identifier: 'fra' }),
          gateway('secret', 5),
          gateway('books', 6),
          gateway('ports', 7),
          gateway('mixed', 8),
        ],
        second_factor: { required: false },
      },
    })
    resources.defer(broker.remove)
    running = await broker.serve()
    resources.defer(running.stop)
    await broker.ocbroker(['user', 'add', 'una', '--password-stdin'], {
      input: 'correct horse battery staple\n',
    })
  })
  afterAll(() => resources.disposeAsync())

  async function send(request: Request, last: number, port = broker.authPort): Promise<void> {
    const socket = await radiusSocket(port, `127.0.0.${last}`)
    socket.send(request.octets)
    socket.send(request.octets)
    onTestFinished(() => socket.close())
  }

  test('finds nothing wrong with a sound one', async () => {
    await send(loginRequest(UNSIGNED), 2)
    await expect
      .poll(() => examine(broker), { timeout: 30_000, interval: 500 })
      .toContainEqual(
        expect.objectContaining({
          about: 'gateway sound',
          verdict: 'ok',
          cause: expect.stringMatching(/^asked/),
        }),
      )
    const findings = await examine(broker)
    expect(loud(findings)).toEqual([])
    const verdictOf = (about: string) => findings.find((finding) => finding.about.includes(about))?.verdict
    expect(
      ['authentication port', 'accounting port', 'storage', 'accounting in', 'disk of'].map(verdictOf),
    ).toEqual(Array(5).fill('ok'))
  })

  test('names what is wrong with each of the others, by the check of drops alone; the log has the remedies', async () => {
    const wrong = 'another-secret-of-a-gateway'
    const { authPort, acctPort } = broker
    await send(loginRequest(UNSIGNED), 3)
    await send(loginRequest(UNSIGNED), 4)
    await send(loginRequest({ ...SIGNED, secret: wrong }), 5)
    await send(accountingRequest(wrong, INTERIM), 6, acctPort)
    await send(loginRequest(UNSIGNED), 7, acctPort)
    await send(accountingRequest(SECRET, INTERIM), 8, authPort)
    await send(loginRequest(UNSIGNED), 99)
    const expected = [
      ['gateway books', 'every accounting report', /wrong secret/, /secret differs.* books;/],
      ['gateway mixed', 'every accounting report', /wrong port/, /swapped/],
      ['gateway ports', 'every login', /wrong port/, /swapped/],
      ['gateway secret', 'every login', /wrong secret/, /secret differs.* secret;/],
      ['gateway strict', 'every login', /not signed/, /message_authenticator: off/],
      ['sender 127.0.0.4', '', /unknown gateway: no NAS-Identifier/, /nas_identifier/],
      ['sender 127.0.0.99', '', /unknown gateway/, /address: 127\.0\.0\.99, /],
    ] as const
    const found = async () =>
      loud(await examine(broker)).toSorted((one, other) => (one.about < other.about ? -1 : 1))
    await expect.poll(found, { timeout: 60_000, interval: 500 }).toEqual(
      expected.map(([about, what, cause, remedy]) => ({
        ...{ id: 'drops', about },
        verdict: about.startsWith('gateway') ? 'fault' : 'warning',
        cause: expect.stringMatching(new RegExp(`^${what}.*${cause.source}`)),
        remedy: expect.stringMatching(remedy),
      })),
    )
    const lines = (await running.log()).filter(({ event }) => event === 'datagram.dropped')
    expect(lines).toHaveLength(expected.length)
    for (const { remedy } of lines) expect(expected.some((each) => each[3].test(String(remedy)))).toBe(true)
  })

  test('is content again when a gateway is', async () => {
    await send(loginRequest(SIGNED), 3)
    const ofStrict = async () =>
      (await examine(broker, '--only', 'drops', 'signed-gateways')).filter(
        ({ about }) => about === 'gateway strict',
      )
    await expect.poll(async () => loud(await ofStrict()), { timeout: 40_000, interval: 500 }).toEqual([])
  })
})

test('ocbroker doctor finds nothing wrong with a broker whose gateways are all elsewhere', async () => {
  const gateways = [{ name: 'far', address: '192.0.2.1', secret: SECRET }]
  const own = { gateways, second_factor: { required: false } }
  const broker = await install({ sections: { ...own, radius: { address: '0.0.0.0' } } })
  onTestFinished(broker.remove)
  const running = await broker.serve()
  onTestFinished(running.stop)
  expect(loud(await examine(broker))).toEqual([])
  await running.stop()
  expect(loud(await examine(broker))).toMatchObject([
    { id: 'running', about: 'authentication port', cause: 'no broker of this configuration runs' },
    { id: 'running', about: 'accounting port' },
  ])
})

test('ocbroker doctor names a broker that hangs, and the program that has the ports', async () => {
  const broker = await install()
  onTestFinished(broker.remove)
  const running = await broker.serve()
  onTestFinished(running.stop)
  running.process.signal('SIGSTOP')
  onTestFinished(() => running.process.signal('SIGCONT'))
  const { code, stdout } = await broker.run(['doctor', '--json', '--only', 'running'])
  expect(code).toBe(1)
  const cause = expect.stringMatching(/no answer .*; \S+ \(pid \d+\) holds the port$/)
  expect((JSON.parse(stdout) as { findings: Finding[] }).findings).toMatchObject([
    { id: 'running', about: 'authentication port', verdict: 'fault', cause },
    { id: 'running', about: 'accounting port', verdict: 'fault', cause },
  ])
  expect(await broker.run(['doctor', '--only', 'runing'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no check runing'),
  })
})

describe('ocbroker doctor where no broker runs', () => {
  test('says so for people', async () => {
    const broker = await install()
    onTestFinished(broker.remove)
    const { code, stdout } = await broker.run(['doctor'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^FAULT {4}authentication port: .*nobody listens there/m)
    const chinese = await broker.run(['doctor', '--lang', 'zh-CN'])
    expect(chinese.code).toBe(1)
    expect(chinese.stdout).toMatch(/^故障 {5}认证端口：127\.0\.0\.1:\d+：没有程序监听/m)
    const untold = chinese.stdout.split('\n').filter((line) => !/\p{Script=Han}/u.test(line.slice(9)))
    expect(untold).toEqual([''])
    const [english, translated] = [await examine(broker), await examine(broker, '--lang=zh-CN')]
    const named = (findings: readonly Finding[]) => findings.map(({ id, verdict }) => ({ id, verdict }))
    expect(named(translated)).toEqual(named(english))
  })

  test('tells the faults of the configuration as findings', async () => {
    const broker = await install({ sections: { radius: { deadlin: '5s' }, gateways: [] } })
    onTestFinished(broker.remove)
    const found = await examine(broker)
    expect(found.length).toBeGreaterThan(1)
    for (const finding of found) expect(finding).toMatchObject({ id: 'configuration', verdict: 'fault' })
  })

  test('ends within 10 s though the directory, Redis and PostgreSQL accept connections and never answer', async () => {
    const ports = [await freePort(), await freePort(), await freePort()]
    for (const port of ports) {
      const silent = createServer(() => {}).listen(port, '127.0.0.1')
      onTestFinished(() => void silent.close())
    }
    const corp = {
      type: 'ldap',
      urls: [`ldap://127.0.0.1:${ports[0]}`],
      bind_dn: 'cn=broker',
      bind_password: 'secret',
      user_base: 'dc=example,dc=org',
    }
    const broker = await install({
      sections: {
        identity: { order: ['local', 'corp'], corp },
        redis: { url: `redis://127.0.0.1:${ports[1]}` },
        storage: {
          postgres: { url: `postgres://ocbroker@127.0.0.1:${ports[2]}/records` },
          key_file: 'seed.key',
        },
      },
    })
    onTestFinished(broker.remove)
    writeFileSync(broker.keyFile, `k1:${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 })
    const startedAt = performance.now()
    const found = await examine(broker)
    const seconds = (performance.now() - startedAt) / 1000
    const faults = found.filter(({ verdict }) => verdict === 'fault').map(({ about }) => about)
    expect(faults).toEqual(expect.arrayContaining(['identity corp', 'redis', 'storage']))
    // Other tests use the same processors.
    expect(seconds).toBeLessThan(10)
  })
})
