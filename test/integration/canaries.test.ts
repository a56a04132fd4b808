import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { generateSync } from 'otplib'
import { expect, onTestFinished, test } from 'vitest'
import { replyRules } from '../../src/app/reply-rules.ts'
import { describeFaults } from '../../src/config/describe-faults.ts'
import { loadConfig } from '../../src/config/load.ts'
import { Attr } from '../../src/radius/codes.ts'
import { type Broker, type CommandRun, install, startBroker } from '../real/broker.ts'
import { Canaries, CANARY_DIGITS as DIGITS, Listener } from '../real/canaries.ts'
import { temporaryFolder } from '../real/folder.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { ask, type LoginRequest, loginRequest, type Reply, radiusSocket } from '../real/radius-socket.ts'
import { startWebhookReceiver } from '../real/webhook-receiver.ts'

const TOTP = { digits: DIGITS }
/** Every reason for which a login can be refused here: a path that no canary took has not been looked at. */
const REASONS = [
  'bad_credentials',
  'barred',
  'challenge_expired',
  'challenge_mismatch',
  'code_used',
  'locked',
  'malformed_request',
  'no_policy',
  'no_second_factor',
  'rate_limited',
  'unavailable',
  'wrong_code',
]
const FAULTS = ['login.fault', 'datagram.dropped']

test('no password, code, seed or secret is in a log line, in an error message or in the database', {
  timeout: 180_000,
}, async () => {
  const canaries = new Canaries()
  const heard = new Listener()
  const secret = canaries.password('shared secret')
  const webhook = await startWebhookReceiver()
  onTestFinished(webhook.stop)
  const key = temporaryFolder('webhook')
  onTestFinished(key.remove)
  writeFileSync(key.file('key'), canaries.made('key of the webhook', webhook.secret), { mode: 0o600 })
  const broker = await startBroker({
    sections: {
      audit: { webhook: [{ name: 'soc', url: webhook.url, secret_file: key.file('key') }] },
      gateways: [{ name: 'gw', address: '127.0.0.1', secret }],
      second_factor: { mode: 'challenge', totp: TOTP },
      limits: { user: '12/1m', address: '1000/1m' },
      lockout: { after: 5 },
      policies: [{ name: 'staff', when: { groups: ['staff'] }, reply: {} }],
      log: { level: 'trace' },
    },
  })
  onTestFinished(broker.stop)
  const run = (args: readonly string[], input?: string) => spoken(heard, broker.run(args, { input }))

  await byTheCommand(broker, canaries, heard, run)
  await byLogins(broker, secret, canaries)
  await byDatagrams(broker, canaries, secret)
  await byFaults(broker, secret, canaries)

  const lines = await broker.log()
  const reasons = new Set([...lines.map(({ reason }) => reason), ...reasonsIn(broker)])
  expect(
    REASONS.filter((reason) => !reasons.has(reason)),
    'paths that were not taken',
  ).toEqual([])
  const events = new Set(lines.map(({ event }) => event))
  expect(
    FAULTS.filter((event) => !events.has(event)),
    'faults that were not met',
  ).toEqual([])

  canaries.code('sealing key', /:(\S+)$/m.exec(readFileSync(broker.keyFile, 'utf8'))?.[1])
  // Once while the last writes are only in the write-ahead log, and once after they have been moved into the file.
  expect(canaries.foundIn(databaseOf(broker)), 'stored').toEqual([])
  await broker.process.stop()
  expect(canaries.foundIn(databaseOf(broker)), 'stored').toEqual([])
  heard.hear((await broker.process.finished).output)
  expect(canaries.foundIn(heard.all()), 'said or logged').toEqual([])
  expect(webhook.events.length).toBeGreaterThan(REASONS.length)
  const sent = Buffer.from(webhook.bodies.join('') + JSON.stringify(webhook.headers))
  expect(canaries.foundIn(sent), 'sent elsewhere').toEqual([])
})

test('no code that is typed behind a password, or alone, is in a log line', async () => {
  const canaries = new Canaries()
  for (const mode of ['append', 'either', 'only'] as const) {
    const broker = await startBroker({
      sections: {
        second_factor: { mode, totp: TOTP },
        log: { level: 'trace' },
        limits: { user: '100/1m' },
      },
    })
    onTestFinished(broker.stop)
    const password = canaries.password(`password in ${mode} mode`)
    const [person] = await addPeople(broker, [{ name: 'alice', password }])
    const { key, recoveryCodes } = canaries.person(person as TestPerson)
    const right = canaries.code(`right code in ${mode} mode`, codeOf(key))
    const [recovery = ''] = recoveryCodes
    const wrong = canaries.code(`wrong code in ${mode} mode`)
    const behind = mode === 'only' ? '' : password
    for (const typed of [
      behind + wrong,
      behind + right,
      behind + right,
      behind + recovery,
      behind + recovery,
      password,
    ]) {
      await login(broker, { user: 'alice', password: typed })
    }
    expect((await broker.log()).map(({ event }) => event)).toEqual(
      expect.arrayContaining(['login.refused', 'login.accepted']),
    )
    await broker.process.stop()
    expect(canaries.foundIn(Buffer.from((await broker.process.finished).output)), mode).toEqual([])
    expect(canaries.foundIn(databaseOf(broker)), mode).toEqual([])
  }
})

test('no secret of a configuration is in what is said about its faults', async () => {
  const canaries = new Canaries()
  const heard = new Listener()
  const installation = await install()
  onTestFinished(installation.remove)
  const secret = () => canaries.password('shared secret')
  const short = canaries.code('short shared secret', 'cnry7#!')
  const gateways = (...items: readonly string[]) =>
    `gateways:\n${items.map((item) => `  - ${item}\n`).join('')}`
  const policies = 'policies: [{ name: everyone, reply: {} }]\n'
  const texts = [
    gateways(`{ name: gw, address: 127.0.0.1, secret: "${short}" }`) + policies,
    gateways(`{ name: gw, address: 127.0.0.1, secret: [${secret()}] }`) + policies,
    gateways(`{ name: gw, address: 127.0.0.1, secret: { ${secret()}: 1 } }`) + policies,
    gateways(`{ name: gw, address: 127.0.0.1, secret: ${secret()}, secret_file: x }`) + policies,
    gateways(`{ name: gw, address: 127.0.0.1, sceret: ${secret()} }`) + policies,
    gateways(`{ name: gw, address: no/where, secret: ${secret()} }`) + policies,
    gateways(`{ name: gw, address: 127.0.0.1, secret: "${secret()} }`) + policies,
    gateways(`{ name: gw, address: 127.0.0.1, secret: *${secret()} }`) + policies,
    gateways(`{ name: gw, address: 127.0.0.1, secret: !${secret()} }`) + policies,
    gateways(`{ name: gw, address: 127.0.0.1, secret: @${secret()} }`) + policies,
    `${gateways(`{ name: gw, address: 127.0.0.1, secret: ${secret()} }`)}    secret: ${secret()}\n${policies}`,
  ]
  for (const [number, text] of texts.entries()) {
    writeFileSync(installation.configFile, text, { mode: 0o600 })
    const loaded = await loadConfig(installation.configFile, {}, replyRules)
    const faults = 'faults' in loaded ? loaded.faults : expect.unreachable(text)
    heard.hear(describeFaults('broker.yaml', [...faults, ...loaded.warnings]))
    // The commands say the same, each in its way.
    const verbs = number % 4 === 0 ? [['check', '--json'], ['serve']] : []
    const runs = verbs.map((args) => spoken(heard, installation.run(args)))
    for (const said of await Promise.all(runs))
      expect(said.code, `${text}${said.stdout}${said.stderr}`).toBe(1)
  }
  writeFileSync(installation.folder.file('two.lines'), `${secret()}\n${secret()}\n`, { mode: 0o600 })
  installation.configure({ gateways: [{ name: 'gw', address: '127.0.0.1', secret_file: 'two.lines' }] })
  await spoken(heard, installation.run(['check']))
  expect(heard.all().toString()).toContain('two.lines holds more than one line')
  expect(canaries.foundIn(heard.all())).toEqual([])
})

/** Users are made, changed and logged in by the command, rightly and wrongly. */
async function byTheCommand(
  broker: Broker,
  canaries: Canaries,
  heard: Listener,
  run: (args: readonly string[], input?: string) => Promise<CommandRun>,
): Promise<void> {
  const given = (where: string) => `${canaries.password(where)}\n`
  const password = canaries.password('user add')
  await run(['user', 'add', 'anna', '--group', 'staff', '--password-stdin'], `${password}\n`)
  const tooShort = `${canaries.code('too short', 'cnry7#')}\n`
  const tooLong = `${canaries.password('too long').repeat(9)}\n`
  const inVain: readonly (readonly [args: readonly string[], input?: string])[] = [
    [['user', 'add', 'anna', '--password-stdin'], given('user add of one who is there')],
    [['user', 'add', 'a@b@c', '--password-stdin'], given('user add with a bad name')],
    [['user', 'add', 'other', '--ipv4', 'x', '--password-stdin'], given('user add with a bad address')],
    [['user', 'add', 'other', '--password-stdin'], tooShort],
    [['user', 'add', 'other', '--password-stdin'], tooLong],
    [['user', 'add', 'other', canaries.password('as an argument')], given('beside an argument')],
    [['user', 'add', 'other', `--password=${canaries.password('as an option')}`], ''],
    [['user', 'passwd', 'nobody', '--password-stdin'], given('passwd of nobody')],
  ]
  await Promise.all(inVain.map(async (call) => expect((await run(...call)).code).toBe(1)))
  await run(['user', 'list'])
  await run(['user', 'list', '--json'])

  const first = await broker.run(['totp', 'enrol', 'anna', '--json'])
  heard.hear(first.stderr) // its output is what must be shown, this once
  const enrolled = JSON.parse(first.stdout) as { key: string; recoveryCodes: string[] }
  canaries.person({ name: 'anna', password, ...enrolled })
  await run(['totp', 'enrol', 'anna'])
  const wrong = canaries.code('wrong code at ocbroker login')
  const right = canaries.code('right code at ocbroker login', codeOf(enrolled.key))
  await run(['login', 'anna', '--password-stdin'], `${password}\n${wrong}\n${right}\n`)
  await run(['login', 'anna', '--password-stdin', '--json'], `${password}\n${right}\n`)
  await run(['login', 'anna', '--password-stdin'], given('wrong password at ocbroker login'))
  await run(['login', '', '--password-stdin'], given('ocbroker login without a name'))
  await run(['login', 'anna', '--password-stdin'], `${canaries.password('too long to send').repeat(9)}\n`)
  await run(['user', 'passwd', 'anna', '--password-stdin'], given('passwd'))
  await run(['totp', 'revoke', 'anna'])
  await run(['session', 'list', '--all', '--json'])
}

/** Logins that are right, wrong, late, locked, too many, and of those who may not. */
async function byLogins(broker: Broker, secret: string, canaries: Canaries): Promise<void> {
  const people = await addPeople(
    broker,
    ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'].map((name) => ({
      name,
      password: canaries.password(`password of ${name}`),
      groups: name === 'dave' ? [] : ['staff'],
      enrolled: name !== 'erin',
      // A reply that cannot be coded.
      attributes: name === 'frank' ? { attributes: { 'No-Such-Attribute': 'x' } } : {},
    })),
  )
  const [alice, bob, carol, dave, erin, frank] = people.map((person) => canaries.person(person)) as [
    TestPerson,
    ...TestPerson[],
  ]
  const enter = (user: string, password: string, state?: Buffer) =>
    login(broker, { secret, user, password, state })
  const right = canaries.code('right code', codeOf(alice.key))

  const first = await enter('alice', alice.password)
  const second = await enter('alice', canaries.code('wrong code'), first?.state)
  expect(second).toMatchObject({ code: 'Access-Challenge' })
  expect(await enter('alice', right, second?.state)).toMatchObject({ code: 'Access-Accept' })
  const again = await enter('alice', alice.password)
  await enter('alice', right, again?.state)
  await enter('alice', right, again?.state)
  await enter('alice', canaries.password('code that is none'), (await enter('alice', alice.password))?.state)
  const recovery = await enter(
    'alice',
    alice.recoveryCodes[0] ?? '',
    (await enter('alice', alice.password))?.state,
  )
  expect(recovery).toMatchObject({ code: 'Access-Accept' })
  await enter('alice', alice.recoveryCodes[0] ?? '', (await enter('alice', alice.password))?.state)
  const unknown = canaries.recoveryCode('unknown recovery code', 'cnry-abcd-efgh-jkmn')
  await enter('alice', unknown, (await enter('alice', alice.password))?.state)

  const ofBob = await enter('bob', bob?.password ?? '')
  await enter('carol', canaries.code("code for another's challenge"), ofBob?.state)
  for (let count = 0; count < 7; count++) await enter('carol', canaries.password('wrong password'))
  await enter('carol', carol?.password ?? '')
  for (let count = 0; count < 8; count++) {
    await enter('bob', canaries.code('wrong code of many'), (await enter('bob', bob?.password ?? ''))?.state)
  }
  const ofDave = await enter('dave', dave?.password ?? '')
  await enter('dave', canaries.code('code without a policy', codeOf(dave?.key ?? '')), ofDave?.state)
  await enter('erin', erin?.password ?? '')
  const ofFrank = await enter('frank', frank?.password ?? '')
  await enter('frank', canaries.code('code before a bad reply', codeOf(frank?.key ?? '')), ofFrank?.state)
  await broker.ocbroker(['user', 'disable', 'dave'])
  await enter('dave', dave?.password ?? '')
  for (let count = 0; count < 8; count++) {
    const password = canaries.password('of an unknown user')
    // From everywhere, so that the limit of the user comes before a lockout.
    await login(broker, { secret, user: 'nobody', password, from: `198.51.100.${count}` })
  }
}

/** Requests that are no logins, and some that are nothing at all. */
async function byDatagrams(broker: Broker, canaries: Canaries, secret: string): Promise<void> {
  const socket = await radiusSocket(broker.authPort)
  onTestFinished(socket.close)
  const base = { secret, user: 'zoe' }
  const octets = (login: Partial<LoginRequest>) =>
    loginRequest({ ...base, password: canaries.password('in a spoilt request'), ...login }).octets
  const requests = [
    octets({ secret: canaries.password("client's own secret") }),
    octets({ password: `${canaries.password('with control characters')}\u0001` }),
    octets({ more: [{ type: Attr.UserPassword, value: Buffer.alloc(16, 'x') }] }),
    octets({ more: [{ type: Attr.ChapPassword, value: Buffer.from(canaries.password('CHAP')) }] }),
    octets({ user: ' ' }),
    octets({ signed: true }).fill(0xff, 24, 30),
    octets({}).subarray(0, 40),
    octets({}).fill(0, 20),
  ]
  for (const request of requests) {
    socket.send(request)
    await socket.next(300)
  }
}

/** What goes wrong inside, while a login is on its way. */
async function byFaults(broker: Broker, secret: string, canaries: Canaries): Promise<void> {
  const [gina, hugo] = (
    await addPeople(
      broker,
      ['gina', 'hugo'].map((name) => ({
        name,
        password: canaries.password(`password of ${name}`),
        groups: ['staff'],
      })),
    )
  ).map((person) => canaries.person(person))
  const enter = (user: string, password: string, state?: Buffer) =>
    login(broker, { secret, user, password, state })
  const database = new DatabaseSync(broker.database, { timeout: 5000 })
  try {
    // Sealed by a key that nobody has.
    const challenge = await enter('gina', gina?.password ?? '')
    database.exec("update enrolments set sealed_seed = 'lost' || sealed_seed where subject = 'gina'")
    await enter('gina', canaries.code('code without its key', codeOf(gina?.key ?? '')), challenge?.state)
    // No table to look into.
    const unlucky = await enter('hugo', hugo?.password ?? '')
    database.exec('alter table enrolments rename to elsewhere')
    const code = canaries.code('code without its table', codeOf(hugo?.key ?? ''))
    expect(await enter('hugo', code, unlucky?.state)).toMatchObject({ code: 'Access-Reject' })
    await enter('hugo', hugo?.password ?? '')
  } finally {
    database.close()
  }
}

async function spoken(heard: Listener, running: Promise<CommandRun>): Promise<CommandRun> {
  const run = await running
  heard.hear(run.stdout)
  heard.hear(run.stderr)
  return run
}

function login(
  broker: Broker,
  request: Omit<LoginRequest, 'secret'> & { readonly secret?: string },
): Promise<Reply | undefined> {
  return ask(broker.authPort, loginRequest({ secret: broker.secret, ...request }))
}

function codeOf(key: string): string {
  return generateSync({ secret: key, digits: DIGITS })
}

/** Why logins were refused, by the audit trail: a wrong code that is asked for again is no refusal in the log. */
function reasonsIn({ database }: Pick<Broker, 'database'>): unknown[] {
  const db = new DatabaseSync(database, { readOnly: true })
  try {
    return db
      .prepare('select distinct reason from audit_events')
      .all()
      .map(({ reason }) => reason)
  } finally {
    db.close()
  }
}

/** The database with whatever lies beside it. */
function databaseOf({ folder }: Pick<Broker, 'folder'>): Buffer {
  const names = readdirSync(folder.path).filter((name) => name.startsWith('broker.db'))
  expect(names).toContain('broker.db')
  return Buffer.concat(names.map((name) => readFileSync(folder.file(name))))
}
