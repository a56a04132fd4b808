import { generateSync } from 'otplib'
import { encode } from 'uqr'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Broker, type CommandRun, install, startBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { thisMachine } from '../real/process.ts'
import { atTerminal } from '../real/terminal.ts'

const PASSWORD = 'correct horse 密码'

const resources = new AsyncDisposableStack()
let broker: Broker

beforeAll(async () => {
  broker = await startBroker({
    sections: {
      lockout: { after: 2 },
      policies: [{ name: 'everyone', reply: { routes: ['10.0.0.0/8'], session_timeout: '1h' } }],
    },
  })
  resources.defer(broker.stop)
})

afterAll(() => resources.disposeAsync())

/** A verb for people: what it printed, where it succeeded. */
async function printed(args: readonly string[], input?: string): Promise<string> {
  const run = await broker.run(args, { input })
  expect(run.code, run.stdout + run.stderr).toBe(0)
  return run.stdout
}

/** A verb that must fail: what it said. */
async function complaint(args: readonly string[], input?: string): Promise<CommandRun> {
  const run = await broker.run(args, { input })
  expect(run.code, run.stdout).toBe(1)
  expect(run.stderr, 'no stack for what the operator can mend').not.toMatch(/\n\s+at /)
  return run
}

interface Enrolled {
  readonly subject: string
  readonly uri: string
  readonly key: string
  readonly recoveryCodes: readonly string[]
}

/** For what is not about making users: these are made without the command, which is quicker. */
async function person(
  name: string,
  more: Partial<Parameters<typeof addPeople>[1][number]> = {},
): Promise<TestPerson> {
  const [made] = await addPeople(broker, [{ ...more, name, password: PASSWORD }])
  if (made === undefined) throw new Error(`${name} was not made`)
  return made
}

/** A login as ocserv would send it. */
async function login(name: string, ...answers: string[]): Promise<readonly Reply[]> {
  const { stdout } = await broker.run(['login', name, '--password-stdin', '--json'], {
    input: answers.map((answer) => `${answer}\n`).join(''),
  })
  return JSON.parse(stdout) as Reply[]
}

interface Reply {
  readonly code: string
  readonly attributes: readonly { readonly name: string; readonly value: string }[]
}

describe.concurrent('ocbroker user', () => {
  test('add keeps the user with everything that was given', async () => {
    const added = await broker.ocbroker(
      ['user', 'add', 'Anna', '--password-stdin', '--group', 'staff', 'admins', '--ipv4', '10.8.0.7'],
      { input: `${PASSWORD}\n` },
    )
    expect(added).toMatchObject({ name: 'anna', groups: ['staff', 'admins'], ipv4: '10.8.0.7' })
    const listed = (await broker.ocbroker(['user', 'list'])) as { name: string }[]
    expect(listed).toContainEqual(
      expect.objectContaining({
        name: 'anna',
        enabled: true,
        hasPassword: true,
        groups: ['staff', 'admins'],
        attributes: { ipv4: '10.8.0.7' },
      }),
    )
    expect(await printed(['user', 'list'])).toMatch(/^anna\s+enabled\s+-\s+10\.8\.0\.7\s+staff admins$/m)
  })

  test('add says what to do next', async () => {
    const said = await printed(['user', 'add', 'next', '--password-stdin'], `${PASSWORD}\n`)
    expect(said).toBe(
      `Added next. Enrol an authenticator: npx ocbroker totp enrol --config ${broker.configFile} next\n`,
    )
  })

  test('add refuses a name, an address or a password that cannot be', async () => {
    await person('taken', { attributes: { ipv4: '10.8.0.9' } })
    const add = (...args: string[]) =>
      complaint(['user', 'add', ...args, '--password-stdin'], `${PASSWORD}\n`)
    expect((await add('taken')).stderr).toBe('there is a user taken already\n')
    expect((await add('TAKEN')).stderr).toBe('there is a user taken already\n')
    expect((await add('other', '--ipv4', '10.8.0.9')).stderr).toContain('another user has this address')
    expect((await add('other', '--ipv4', '10.8.0.999')).stderr).toContain('is no IPv4 address')
    expect((await add('other', '--ipv6', '10.8.0.9')).stderr).toContain('is no IPv6 address')
    expect((await add('other@two@realms')).stderr).toContain('cannot be a user')
    expect((await add('other', '--expires', 'soon')).stderr).toContain('is no date')
    const short = await complaint(['user', 'add', 'other', '--password-stdin'], 'short\n')
    expect(short.stderr).toMatch(
      /^the password has 5 characters, and 8 are the least .*: choose a longer one/,
    )
    const common = await complaint(['user', 'add', 'other', '--password-stdin'], 'Passw0rd\n')
    expect(common.stderr).toMatch(/^the password is one of the most common.*: choose another/)
    const named = await complaint(['user', 'passwd', 'taken', '--password-stdin'], 'taken-2027\n')
    expect(named.stderr).toMatch(/^the password is made of the name of the user/)
    const long = await complaint(['user', 'add', 'other', '--password-stdin'], `${'€'.repeat(40)}\n`)
    expect(long.stderr).toContain('longer than the 112 octets')
    const none = await complaint(['user', 'add', 'other', '--password-stdin'], '')
    expect(none.stderr).toContain('0 characters')
    expect(JSON.stringify(await broker.ocbroker(['user', 'list']))).not.toContain('other')
  })

  test('add takes no password as an argument', async () => {
    for (const args of [
      ['user', 'add', 'other', PASSWORD],
      ['user', 'add', 'other', '--password', PASSWORD],
      ['user', 'add', 'other', '--password-stdin', PASSWORD],
    ]) {
      const { code, stderr } = await broker.run(args, { input: `${PASSWORD}\n` })
      expect(code, stderr).toBe(1)
    }
    expect(JSON.stringify(await broker.ocbroker(['user', 'list']))).not.toContain('other')
  })

  test('passwd gives another password, and the old one is no good any more', async () => {
    const { key } = await person('petra')
    const said = await printed(['user', 'passwd', 'petra', '--password-stdin'], 'another horse\n')
    expect(said).toBe('petra has a new password.\n')
    expect(await login('petra', PASSWORD)).toMatchObject([{ code: 'Access-Reject' }])
    expect(await login('petra', 'another horse', generateSync({ secret: key }))).toMatchObject([
      { code: 'Access-Challenge' },
      { code: 'Access-Accept' },
    ])
    expect(
      await broker.ocbroker(['user', 'passwd', 'petra', '--password-stdin'], { input: 'a third one\n' }),
    ).toEqual({ name: 'petra' })
    expect((await complaint(['user', 'passwd', 'nobody', '--password-stdin'], 'another\n')).stderr).toBe(
      'there is no user nobody\n',
    )
  })

  test('disable and enable decide over the next login', async () => {
    await person('doris')
    expect(await printed(['user', 'disable', 'doris'])).toBe('doris is disabled.\n')
    expect(await printed(['user', 'list'])).toMatch(/^doris\s+disabled/m)
    expect(await login('doris', PASSWORD)).toMatchObject([{ code: 'Access-Reject' }])
    expect(await broker.ocbroker(['user', 'enable', 'doris'])).toEqual({ name: 'doris', enabled: true })
    expect(await login('doris', PASSWORD)).toMatchObject([{ code: 'Access-Challenge' }])
    expect((await complaint(['user', 'enable', 'nobody'])).stderr).toBe('there is no user nobody\n')
  })

  test('remove takes the user away with the authenticator', async () => {
    await person('remy')
    expect(await printed(['user', 'remove', 'remy'])).toBe('remy is removed.\n')
    expect((await complaint(['user', 'remove', 'remy', '--json'])).stderr).toBe('there is no user remy\n')
    expect(JSON.stringify(await broker.ocbroker(['user', 'list']))).not.toContain('remy')
    await person('remy', { enrolled: false })
    expect((await complaint(['totp', 'revoke', 'remy'])).stderr).toBe('remy has no authenticator\n')
  })
})

describe.concurrent('ocbroker totp', () => {
  test('enrol prints a QR code that holds what is written below it', async () => {
    await person('quinn', { enrolled: false })
    const output = await printed(['totp', 'enrol', 'quinn'])
    const uri = /otpauth:\/\/\S+/.exec(output)?.[0] ?? ''
    expect(uri).toMatch(/^otpauth:\/\/totp\/ocbroker:quinn\?secret=[A-Z2-7]{32}&issuer=ocbroker$/)
    const code = output.slice(0, output.indexOf('\n\nScan this'))
    const { data, size } = encode(uri, { border: 2 })
    expect(matrixOf(code).slice(0, size)).toEqual(data)
    const key = /type the key: (.*)/.exec(output)?.[1]?.replaceAll(' ', '')
    expect(uri).toContain(`secret=${key}&`)
    expect(output.match(/^ {2}[a-z2-9]{4}(-[a-z2-9]{4}){3}$/gm)).toHaveLength(10)
    expect(await login('quinn', PASSWORD, generateSync({ secret: key ?? '' }))).toMatchObject([
      {},
      { code: 'Access-Accept' },
    ])
  })

  test('enrol replaces an authenticator only where it is told to', async () => {
    const first = await person('rita')
    expect((await complaint(['totp', 'enrol', 'rita'])).stderr).toBe(
      'rita has an authenticator; --replace takes its place, --add stands beside it\n',
    )
    const second = (await broker.ocbroker(['totp', 'enrol', 'rita', '--replace'])) as Enrolled
    expect(second.key).not.toBe(first.key)
    expect(await login('rita', PASSWORD, generateSync({ secret: first.key }))).toMatchObject([
      {},
      { code: 'Access-Challenge' },
    ])
    expect(await login('rita', PASSWORD, first.recoveryCodes[0] ?? '')).toMatchObject([
      {},
      { code: 'Access-Reject' },
    ])
    await broker.ocbroker(['lockout', 'release', 'rita', '--reason', 'test'])
    expect(await login('rita', PASSWORD, second.recoveryCodes[9] ?? '')).toMatchObject([
      {},
      { code: 'Access-Accept' },
    ])
  })

  test('enrol and revoke know only users that there are', async () => {
    expect((await complaint(['totp', 'enrol', 'nobody'])).stderr).toBe('no identity store knows nobody\n')
    expect((await complaint(['totp', 'revoke', 'nobody'])).stderr).toBe('no identity store knows nobody\n')
  })

  test('revoke takes the authenticator away', async () => {
    const { recoveryCodes } = await person('vera')
    expect(await printed(['totp', 'revoke', 'vera'])).toBe('vera has no authenticator any more.\n')
    expect(await login('vera', PASSWORD, recoveryCodes[0] ?? '')).toMatchObject([
      {
        code: 'Access-Reject',
        attributes: expect.arrayContaining([
          { name: 'Reply-Message', value: 'You have not set up an authenticator. Ask your administrator.' },
        ]),
      },
    ])
    await broker.ocbroker(['totp', 'enrol', 'vera'])
    expect(await broker.ocbroker(['totp', 'revoke', 'vera'])).toEqual({
      subject: 'vera',
      revoked: true,
      left: 0,
    })
  })
})

describe.concurrent('ocbroker lockout', () => {
  test('list shows who is locked and since when, and release lets them in again', async () => {
    expect(await printed(['lockout', 'list', '--user', 'luke'])).toBe('Nobody is locked out.\n')
    const { key } = await person('luke')
    await login('luke', 'wrong')
    await login('luke', 'wrong again')
    const [locked] = await login('luke', PASSWORD)
    expect(locked?.attributes).toContainEqual({
      name: 'Reply-Message',
      value: 'Too many failed logins. Try again in 5 minutes.',
    })
    expect(await printed(['lockout', 'list'])).toMatch(
      /^luke\s+192\.0\.2\.1\s+user_address\s+[\d-]+ [\d:]+\s+[\d-]+ [\d:]+\s+2 failed logins/m,
    )
    expect(await broker.ocbroker(['lockout', 'list', '--user', 'LUKE'])).toMatchObject([
      { user: 'luke', address: '192.0.2.1', scope: 'user_address', cause: 'failures', gateway: 'gw' },
    ])

    const { code } = await broker.run(['lockout', 'release', 'luke'])
    expect(code, 'a release needs a reason').toBe(1)
    expect(await printed(['lockout', 'release', 'luke', '--reason', 'it was him'])).toBe(
      'Released 1 of luke.\n',
    )
    expect(await printed(['lockout', 'release', 'luke', '--reason', 'again'])).toBe(
      'No lockout of luke is in force.\n',
    )
    expect(await broker.ocbroker(['lockout', 'list', '--user', 'luke'])).toEqual([])
    expect(await broker.ocbroker(['lockout', 'list', '--user', 'luke', '--all'])).toMatchObject([
      { releaseReason: 'it was him', releasedBy: expect.stringContaining('(command line)') },
    ])
    expect(await login('luke', PASSWORD, generateSync({ secret: key }))).toMatchObject([
      {},
      { code: 'Access-Accept' },
    ])
  })

  test('release takes identifiers, or a filter', async () => {
    await person('lara')
    await login('lara', 'wrong')
    await login('lara', 'wrong again')
    const filter = ['--reason', 'his phone']
    expect(await printed(['lockout', 'release', 'lara', ...filter, '--hint', 'by_hand'])).toBe(
      'Released 0.\n',
    )
    expect(await printed(['lockout', 'release', 'lara', ...filter, '--address', '192.0.2.9'])).toBe(
      'Released 0.\n',
    )
    const answer = await broker.ocbroker(['lockout', 'release', 'lara', ...filter, '--address', '192.0.2.1'])
    expect(answer).toMatchObject({ released: [{ user: 'lara', releaseReason: 'his phone' }], isMore: false })
    const [{ id = '' } = {}] = (answer as { released: { id: string }[] }).released
    expect(await printed(['lockout', 'release', '--id', id, '--reason', 'x'])).toBe(
      `Released 0.\n${id} is not in force.\n`,
    )
    expect((await broker.run(['lockout', 'release', '--reason', 'whom?'])).code).toBe(1)
  })
})

describe.concurrent('ocbroker login', () => {
  test('shows each reply with its attributes and fails where the last is no Access-Accept', async () => {
    const { key } = await person('lena')
    const input = `${PASSWORD}\n${generateSync({ secret: key })}\n`
    const output = await printed(['login', 'lena', '--password-stdin'], input)
    expect(output).toMatch(/^Access-Challenge\n[\s\S]*Reply-Message = Enter the code[\s\S]*\nAccess-Accept\n/)
    expect(output).toContain('  Framed-Route = 10.0.0.0/8\n  Session-Timeout = 3600\n')
    const again = await broker.run(['login', 'lena', '--password-stdin'], { input: 'wrong\n' })
    expect(again).toMatchObject({
      code: 1,
      stderr: '',
      stdout: expect.stringMatching(/^Access-Reject\n[\s\S]*Reply-Message = Login failed\.\n$/),
    })
  })

  test('shows the replies so far where standard input has no answer left', async () => {
    await person('lars')
    const run = await broker.run(['login', 'lars', '--password-stdin', '--json'], { input: `${PASSWORD}\n` })
    expect(run).toMatchObject({ code: 1, stderr: 'standard input has no answer to: Answer:\n' })
    expect(JSON.parse(run.stdout)).toMatchObject([{ code: 'Access-Challenge' }])
  })

  test('sends no more than RADIUS can carry', async () => {
    const { stderr } = await complaint(['login', 'lena', '--password-stdin'], `${'x'.repeat(129)}\n`)
    expect(stderr).toBe('RADIUS carries 128 octets of a password at most\n')
    for (const name of ['', 'l'.repeat(254)]) {
      expect((await complaint(['login', name, '--password-stdin'], 'x\n')).stderr).toContain(
        'cannot be a user',
      )
    }
    const nowhere = await complaint(['login', 'lena', '--from', 'home', '--password-stdin'], 'x\n')
    expect(nowhere.stderr).toBe('--from: "home" is not an address\n')
  })

  test('says so where no broker answers', async () => {
    const asleep = await install()
    onTestFinished(asleep.remove)
    const run = await asleep.run(['login', 'lena', '--password-stdin'], { input: 'x\n' })
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('is the broker running?') })
  })
})

describe('ocbroker session list', () => {
  test('shows open sessions, and all of them where asked', async () => {
    const { key } = await person('sam', { attributes: { ipv4: '10.8.0.44' } })
    await login('sam', PASSWORD, generateSync({ secret: key }))
    expect(await broker.ocbroker(['session', 'list', '--user', 'sam'])).toMatchObject([
      { user: 'sam', gateway: 'gw', address: '192.0.2.1', policy: 'everyone', ipv4: '10.8.0.44' },
    ])
    expect(await printed(['session', 'list'])).toMatch(
      /^sam\s+gw\s+192\.0\.2\.1\s+10\.8\.0\.44\s+[\d-]+ [\d:]+\s+granted\s+0 B\s+0 B$/m,
    )
    expect(await printed(['session', 'list', '--user', 'nobody'])).toBe('There are no sessions.\n')
    expect(await broker.ocbroker(['session', 'list', '--user', 'nobody', '--all'])).toEqual([])
  })
})

describe('ocbroker check', () => {
  test('finds the configuration sound', async () => {
    expect(await printed(['check'])).toContain(`${broker.configFile} is sound.`)
    expect(await broker.ocbroker(['check'])).toMatchObject({ file: broker.configFile, faults: [] })
  })

  test('writes what is wrong and the remedy on lines of their own', async () => {
    const [program, words] = broker.words('check')
    const { code, stdout } = await thisMachine.run(program, [...words, '--config', '/nowhere/broker.yaml'])
    expect(code).toBe(1)
    expect(stdout.split('\n')).toEqual([
      '/nowhere/broker.yaml: 1 fault',
      expect.stringContaining('  /nowhere/broker.yaml cannot be read'),
      expect.stringContaining('      run: install '),
      '',
    ])
  })
})

describe.concurrent('a verb', () => {
  for (const args of [['user'], ['nonsense'], ['user', 'add'], ['user', 'list', '--nonsense']]) {
    test(`that is called wrongly says how it is called (ocbroker ${args.join(' ')})`, async () => {
      const { code, stderr } = await broker.run(args)
      expect(code).toBe(1)
      expect(stderr).toMatch(/^Usage: ocbroker|\(see --help\)$/m)
    })
  }

  test('explains itself', async () => {
    const { code, stdout } = await broker.run(['lockout', 'release', '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('Usage: ocbroker lockout release')
  })
})

describeWith(['script', 'mkfifo'], 'at a terminal', () => {
  async function verb(...args: string[]) {
    const terminal = await atTerminal(...broker.words(...args))
    onTestFinished(terminal.close)
    return terminal
  }

  test('a password is asked for twice and never shown', async () => {
    const terminal = await verb('user', 'add', 'tina')
    await terminal.process.waitForOutput(/New password: /)
    await terminal.type(`${PASSWORD}X\u007f\r`)
    await terminal.process.waitForOutput(/Once more: /)
    await terminal.type(`${PASSWORD}\r`)
    await terminal.process.waitForOutput(/Added tina/)
    const done = await terminal.process.finished
    expect(done.code).toBe(0)
    expect(done.output).not.toContain('correct')
    expect(await login('tina', PASSWORD)).toMatchObject([
      {
        attributes: expect.arrayContaining([
          expect.objectContaining({ value: expect.stringMatching(/^You have not set up an authenticator/) }),
        ]),
      },
    ])
  })

  test('two passwords that differ are none', async () => {
    const terminal = await verb('user', 'add', 'typo')
    await terminal.process.waitForOutput(/New password: /)
    await terminal.type(`${PASSWORD}\r`)
    await terminal.process.waitForOutput(/Once more: /)
    await terminal.type('correct fixture\r')
    await terminal.process.waitForOutput(/the two differ/)
    expect(await terminal.process.finished).toMatchObject({ code: 1 })
    expect(JSON.stringify(await broker.ocbroker(['user', 'list']))).not.toContain('typo')
  })

  test('Ctrl-C gives up', async () => {
    const terminal = await verb('user', 'passwd', 'anna')
    await terminal.process.waitForOutput(/New password: /)
    await terminal.type('half of\u0003')
    await terminal.process.waitForOutput(/given up/)
    expect(await terminal.process.finished).toMatchObject({ code: 1 })
  })

  test('a login asks for the password and then for what the challenge says', async () => {
    const { key } = await person('uma')
    const terminal = await verb('login', 'uma')
    await terminal.process.waitForOutput(/Password of uma: /)
    await terminal.type(`${PASSWORD}\r`)
    await terminal.process.waitForOutput(/Enter the code[\s\S]*Answer: /)
    const code = generateSync({ secret: key })
    await terminal.type(`${code}\r`)
    await terminal.process.waitForOutput(/Access-Accept/)
    const done = await terminal.process.finished
    expect(done.code).toBe(0)
    expect(done.output).not.toContain(code)
    expect(done.output).not.toContain('correct')
  })

  test('without one, a password must come from standard input', async () => {
    const { stderr } = await complaint(['user', 'add', 'other'])
    expect(stderr).toContain('--password-stdin')
  })
})

/** Two rows of modules to a line of half blocks, dark where a block is not drawn, as a terminal is dark. */
function matrixOf(drawn: string): boolean[][] {
  const halves: Record<string, readonly [upper: boolean, lower: boolean]> = {
    ' ': [true, true],
    '▀': [false, true],
    '▄': [true, false],
    '█': [false, false],
  }
  return drawn.split('\n').flatMap((line) => {
    const modules = [...line].map((sign) => {
      const pair = halves[sign]
      if (pair === undefined) throw new Error(`"${sign}" is no part of a QR code`)
      return pair
    })
    return [modules.map(([upper]) => upper), modules.map(([, lower]) => lower)]
  })
}
