import { hash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { generateSync } from 'otplib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { type Installation, install, type Sections } from '../real/broker.ts'
import { isFreeForUdp } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { outputOf, thisMachine } from '../real/process.ts'
import { accountingRequest, ask, believed, loginRequest, radiusSocket } from '../real/radius-socket.ts'

const PASSWORD = 'correct horse'

async function installed(sections: Sections = {}): Promise<Installation> {
  const installation = await install({ sections })
  onTestFinished(installation.remove)
  return installation
}

/** Digests of every file of the installation except its configuration. */
function filesOf({ folder }: Installation): Record<string, string> {
  const names = readdirSync(folder.path, { withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    names
      .filter(({ name }) => name !== 'broker.yaml')
      .map(({ name }) => [name, hash('sha256', readFileSync(folder.file(name)))]),
  )
}

/** Starts a broker that must refuse to start: what it says. Nothing that was there before may be changed. */
async function refusalOf(installation: Installation): Promise<string> {
  const before = filesOf(installation)
  const { code, signal, stdout, stderr } = await installation.run(['serve'])
  expect({ code, signal }, stderr).toEqual({ code: 1, signal: null })
  expect(stdout, 'what the log says').not.toContain('broker.listening')
  expect(stderr, 'no stack for what the operator can mend').not.toMatch(/\n\s+at /)
  expect(filesOf(installation), 'the files').toMatchObject(before)
  return stderr
}

describe('a broker refuses to start, and touches nothing', () => {
  test('with a filter that finds one entry under many names, behind a directory that it has opened', async () => {
    const directory = { type: 'ldap', urls: ['ldaps://127.0.0.1:1'], user_base: 'dc=x', required: false }
    const installation = await installed({
      identity: { order: ['a', 'b'], a: directory, b: { ...directory, user_filter: '(uid={user}*)' } },
    })
    expect(await refusalOf(installation)).toContain('identity b: user_filter compares no attribute')
    const { code, stdout } = await installation.run(['check'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^FAULT {4}identity: identity b: user_filter compares no attribute/)
    expect(stdout).not.toContain('is sound')
  })

  test('with ten faults in its configuration, all of which it tells', async () => {
    const installation = await installed()
    installation.configure({
      radius: { auth_port: 99_999, locale: 'klingon', deadine: '5s' },
      gateways: [
        { name: 'gw', address: '127.0.0.300', secret: 'long-enough-to-be-good' },
        { name: 'gw', address: '127.0.0.1', secret: 'short' },
      ],
      second_factor: { mode: 'apend', totp: { digits: 5 } },
      limits: { user: 'often' },
      lockout: { for: '5' },
    })
    const said = await refusalOf(installation)
    expect(said).toContain(`${installation.configFile}: 10 faults\n`)
    for (const place of [
      'radius.auth_port',
      'radius.locale',
      'radius.deadine',
      'gateways[0].address',
      'gateways[1].name',
      'gateways[1].secret',
      'second_factor.mode',
      'second_factor.totp.digits',
      'limits.user',
      'lockout.for',
    ]) {
      expect(said).toMatch(new RegExp(`line \\d+, ${place.replaceAll(/[.[\]]/g, '\\$&')}: `))
    }
    expect(said).toContain('deadline')
    expect(said).toContain('append')
    expect(filesOf(installation), 'neither records nor keys were made').toEqual({})

    const { code, stdout } = await installation.run(['check', '--json'])
    expect(code).toBe(1)
    expect((JSON.parse(stdout) as { faults: unknown[] }).faults).toHaveLength(10)
  })

  test('without its configuration', async () => {
    const installation = await installed()
    rmSync(installation.configFile)
    expect(await refusalOf(installation)).toContain(`${installation.configFile} cannot be read`)
  })

  for (const [what, spoil] of [
    ['that is something else', () => Buffer.from('Dear diary,\n')],
    ['whose pages are damaged', (octets: Buffer) => octets.fill(0xa5, octets.length / 2)],
    ['that was cut off', (octets: Buffer) => octets.subarray(0, octets.length / 2)],
  ] as const) {
    test(`with a database file ${what}`, async () => {
      const installation = await installed()
      await installation.ocbroker(['user', 'list'])
      writeFileSync(installation.database, spoil(readFileSync(installation.database)))
      const said = await refusalOf(installation)
      expect(said).toContain(`${installation.database} is `)
      expect(said).toContain('Nothing was changed')
      const { code, stderr } = await installation.run(['user', 'list'])
      expect({ code, stderr }).toEqual({ code: 1, stderr: said })
    })
  }

  test("with another program's database", async () => {
    const installation = await installed()
    const other = new DatabaseSync(installation.database)
    other.exec('create table recipes (name text)')
    other.close()
    expect(await refusalOf(installation)).toContain('is the database of another program')
  })

  test('with a key file that others can read, and starts with all that was stored once it is closed', async () => {
    const installation = await installed()
    const [alice] = await addPeople(installation, [{ name: 'alice', password: PASSWORD }])
    for (const mode of [0o644, 0o640, 0o660]) {
      chmodSync(installation.keyFile, mode)
      const said = await refusalOf(installation)
      expect(said).toContain(`${installation.keyFile} is open to other users`)
      expect(said).toContain(`chmod 600 ${installation.keyFile}`)
    }
    chmodSync(installation.keyFile, 0o600)
    const running = await installation.serve()
    onTestFinished(running.stop)
    const login = { secret: installation.secret, user: 'alice' }
    const first = await ask(installation.authPort, loginRequest({ ...login, password: PASSWORD }))
    const second = await ask(
      installation.authPort,
      loginRequest({ ...login, password: generateSync({ secret: alice?.key ?? '' }), state: first?.state }),
    )
    expect(second).toMatchObject({ code: 'Access-Accept' })
  })

  test('with a key file that holds something else', async () => {
    const installation = await installed()
    await installation.ocbroker(['user', 'list'])
    writeFileSync(installation.keyFile, 'not a key\n')
    expect(await refusalOf(installation)).toContain(`the key file ${installation.keyFile} cannot be used`)
  })

  for (const [what, make, words] of [
    ['that is not there', () => {}, 'cannot be read'],
    [
      'that everybody can read',
      (path: string) => writeFileSync(path, 'a-secret-to-be-read', { mode: 0o644 }),
      'chmod o=',
    ],
    ['that is a folder', (path: string) => mkdirSync(path), 'is not a file'],
    ['that is empty', (path: string) => writeFileSync(path, '', { mode: 0o600 }), 'is empty'],
  ] as const) {
    test(`with a secret file ${what}`, async () => {
      const installation = await installed({
        gateways: [{ name: 'gw', address: '127.0.0.1', secret_file: 'gw.secret' }],
      })
      make(installation.folder.file('gw.secret'))
      const said = await refusalOf(installation)
      expect(said).toContain('gateways[0].secret_file')
      expect(said).toContain(words)
    })
  }

  test('with a log file that cannot be written', async () => {
    const installation = await installed({ log: { file: 'seed.key/broker.log' } })
    writeFileSync(installation.keyFile, '', { mode: 0o600 })
    const file = installation.folder.file('seed.key/broker.log')
    expect(await refusalOf(installation)).toContain(`the log file ${file} cannot be written`)
  })

  test('on a port that is taken, and names the process that holds it', async () => {
    const installation = await installed()
    const holder = createSocket('udp4').bind(installation.acctPort, '127.0.0.1')
    onTestFinished(() => void holder.close())
    await once(holder, 'listening')
    const said = await refusalOf(installation)
    expect(said).toContain(`cannot listen on 127.0.0.1:${installation.acctPort} (acct)`)
    expect(said).toContain(`(pid ${process.pid}) holds the port`)
    expect(await isFreeForUdp(installation.authPort), 'the other port').toBe(true)
  })

  test('beside another broker on the same ports, which it names and leaves in peace', async () => {
    const installation = await installed()
    const running = await installation.serve()
    onTestFinished(running.stop)
    const { code, stderr } = await installation.run(['serve'])
    expect(code).toBe(1)
    expect(stderr).toContain(`(pid ${running.process.pid}) holds the port`)
    expect(running.process.isRunning()).toBe(true)
  })

  test.each([1, 2])('with %i workers in the accounting folder of a broker that runs', async (workers) => {
    const [one, other] = [await installed(), await installed()]
    const running = await one.serve()
    onTestFinished(running.stop)
    const spool = one.folder.file('accounting')
    other.configure({
      radius: { workers },
      storage: { sqlite: other.database, key_file: other.keyFile, spool },
    })
    expect(await refusalOf(other)).toContain(`accounting waits in ${spool}, which another broker uses`)
    await running.stop()
    const later = await other.serve()
    await later.stop()
  })

  test('on an address that this machine does not have', async () => {
    const installation = await installed()
    installation.configure({ radius: { address: '203.0.113.9' } })
    expect(await refusalOf(installation)).toContain('this machine has no address 203.0.113.9')
  })
})

describe('a broker that is told to stop', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`by ${signal} ends well`, async () => {
      const installation = await installed()
      const running = await installation.serve()
      running.process.signal(signal)
      expect(await running.process.finished).toMatchObject({ code: 0, signal: null })
      expect((await running.log()).at(-1)).toMatchObject({ event: 'broker.stopped' })
      expect(await isFreeForUdp(installation.authPort)).toBe(true)
    })
  }

  test('while it is starting ends well, too', async () => {
    const installation = await installed()
    const starting = installation.start(['serve'])
    onTestFinished(() => starting.stop())
    await expect.poll(() => existsSync(installation.keyFile), { timeout: 10_000, interval: 5 }).toBe(true)
    starting.signal('SIGTERM')
    expect(await starting.finished).toMatchObject({ code: 0, signal: null })
  })

  test('answers every login whose password is being checked, and takes no more', async () => {
    const installation = await installed({
      passwords: { parallel: 1 },
      second_factor: { required: false },
      limits: { user: '1000/1s', address: '1000/1s' },
    })
    const names = Array.from({ length: 12 }, (_, number) => `user${number}`)
    await addPeople(
      installation,
      names.map((name) => ({ name, password: PASSWORD, enrolled: false })),
    )
    const running = await installation.serve()
    onTestFinished(running.stop)
    const login = (user: string) => loginRequest({ secret: installation.secret, user, password: PASSWORD })
    const waiting = await Promise.all(
      names.map(async (name) => {
        const socket = await radiusSocket(installation.authPort)
        onTestFinished(socket.close)
        const request = login(name)
        socket.send(request.octets)
        const octets = socket.next(10_000)
        return { request, octets, socket }
      }),
    )
    await Promise.race(waiting.map(({ octets }) => octets))
    const signalledAt = performance.now()
    running.process.signal('SIGTERM')
    const replies = await Promise.all(
      waiting.map(async ({ request, octets }) => {
        const reply = await octets
        return reply === undefined ? 'no answer' : believed(reply, request).code
      }),
    )
    expect(replies).toEqual(names.map(() => 'Access-Accept'))
    expect(await running.process.finished).toMatchObject({ code: 0, signal: null })
    expect(performance.now() - signalledAt, 'within radius.deadline').toBeLessThan(5000)
    expect(await installation.ocbroker(['session', 'list'])).toHaveLength(names.length)
  })

  test('keeps the accounting that it acknowledges last', async () => {
    const installation = await installed()
    const running = await installation.serve()
    onTestFinished(running.stop)
    const sessions = Array.from({ length: 20 }, (_, number) => `session ${number}`)
    const replies = Promise.all(
      sessions.map((session) =>
        ask(
          installation.acctPort,
          accountingRequest(installation.secret, [
            encodeAttribute('Acct-Status-Type', 2),
            encodeAttribute('User-Name', 'alice'),
            encodeAttribute('Acct-Session-Id', session),
          ]),
          { tries: 1 },
        ).then((reply) => (reply === undefined ? [] : [session])),
      ),
    )
    running.process.signal('SIGTERM')
    const acknowledged = (await replies).flat()
    expect(await running.process.finished).toMatchObject({ code: 0, signal: null })
    const kept = (await installation.ocbroker(['session', 'list', '--all'])) as { acctSession: string }[]
    expect(kept.map(({ acctSession }) => acctSession)).toEqual(expect.arrayContaining(acknowledged))
  })
})

describeWith(['/dev/full'], 'a broker whose log cannot be written any more', () => {
  test('goes on without it', async () => {
    const installation = await installed({ log: { file: '/dev/full' } })
    const starting = installation.start(['serve'])
    onTestFinished(() => starting.stop())
    await starting.waitForOutput(/Accounting \(RADIUS\)/)
    for (let login = 0; login < 3; login++) {
      const request = loginRequest({ secret: installation.secret, user: 'alice', password: PASSWORD })
      expect(await ask(installation.authPort, request)).toMatchObject({ code: 'Access-Reject' })
    }
    starting.signal('SIGTERM')
    expect(await starting.finished).toMatchObject({ code: 0 })
  })
})

describeWith(
  ['root', 'perl'],
  'a broker that is sent a datagram from port 0, to which nothing can be sent',
  () => {
    test('drops it and answers the next', async () => {
      const installation = await installed()
      const running = await installation.serve()
      onTestFinished(running.stop)
      const { octets } = loginRequest({ secret: installation.secret, user: 'alice', password: PASSWORD })
      for (const port of [installation.authPort, installation.acctPort]) {
        await outputOf(thisMachine, 'perl', ['-e', FROM_PORT_0, String(port), octets.toString('hex')])
      }
      await running.logUntil('datagram.dropped', { reason: 'no_source_port' })
      const request = loginRequest({ secret: installation.secret, user: 'alice', password: PASSWORD })
      expect(await ask(installation.authPort, request)).toMatchObject({ code: 'Access-Reject' })
    })
  },
)

/** A packet with headers of its own: no socket sends from port 0. */
const FROM_PORT_0 = `
use Socket;
my ($port, $octets) = ($ARGV[0], pack 'H*', $ARGV[1]);
my $here = inet_aton('127.0.0.1');
socket(my $raw, PF_INET, SOCK_RAW, 255) or die $!;
my $udp = pack('nnnn', 0, $port, 8 + length $octets, 0) . $octets;
my $ip = pack('CCnnnCCna4a4', 0x45, 0, 20 + length $udp, 1, 0, 64, 17, 0, $here, $here);
send($raw, $ip . $udp, 0, pack_sockaddr_in($port, $here)) or die $!;
`
