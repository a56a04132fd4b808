import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSync } from 'otplib'
import { expect, onTestFinished, test } from 'vitest'
import { type Broker, type Installation, install, startBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { opensslPasswd, written } from '../real/password-tools.ts'
import { addPeople } from '../real/people.ts'
import { ask, loginRequest, type Reply } from '../real/radius-socket.ts'

const PASSWORD = 'Grüße, 密码 :$5$'
const SEED = '12345678901234567890'
const HEX = Buffer.from(SEED).toString('hex')
/** As liboath leaves a line after a login with counter 7. */
const HOTP_LINE = `HOTP\tbob\t-\t${HEX}\t7\t162583\t2026-11-23T09:30:17L`

interface Imported {
  readonly imported: readonly string[]
  readonly faults: readonly { readonly line: number; readonly problem: string }[]
}

async function installed(): Promise<Installation> {
  const installation = await install()
  onTestFinished(installation.remove)
  return installation
}

/** Writes a file beside the configuration. */
function fileWith(installation: Installation, name: string, text: string): string {
  const file = installation.folder.file(name)
  writeFileSync(file, text)
  return file
}

function importInto(installation: Installation, file: string, format: string, ...more: string[]) {
  return installation.run(['user', 'import', file, '--format', format, ...more])
}

function storedHash({ database }: Installation, user: string): string {
  const db = new DatabaseSync(database, { readOnly: true })
  try {
    const row = db.prepare('select password_hash as hash from users where name = ?').get(user)
    return String(row?.hash)
  } finally {
    db.close()
  }
}

async function namesOf(installation: Installation): Promise<string[]> {
  const users = (await installation.ocbroker(['user', 'list'])) as { name: string }[]
  return users.map(({ name }) => name)
}

async function eventsOf(installation: Installation, user: string): Promise<unknown> {
  return installation.ocbroker(['audit', '--user', user])
}

describeWith(['ocpasswd', 'openssl', 'google-authenticator', 'oathtool'], 'user import', () => {
  async function running(): Promise<Broker> {
    const broker = await startBroker({ sections: { second_factor: { required: false } } })
    onTestFinished(broker.stop)
    return broker
  }

  const login = ({ authPort, secret }: Broker, user: string, password: string, state?: Buffer) =>
    ask(authPort, loginRequest({ secret, user, password, state })) as Promise<Reply>

  test('takes over a file of ocpasswd, whose users log in and have argon2id hashes afterwards', async () => {
    const broker = await running()
    const file = broker.folder.file('ocpasswd')
    written('ocpasswd', ['-c', file, '-g', 'staff,admins', 'alice'], `${PASSWORD}\n${PASSWORD}\n`)
    const line = `bob:*:${opensslPasswd('-5', PASSWORD)}\ncarol:*:!${opensslPasswd('-6', PASSWORD)}\n`
    writeFileSync(file, `${readFileSync(file, 'utf8')}${line}`)

    const { code, stdout, stderr } = await importInto(broker, file, 'ocpasswd', '--group', 'vpn')
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Imported 3 users.\n' })
    expect(stderr).toBe('checking lines: 3 of 3\n')
    expect(await broker.ocbroker(['user', 'list'])).toMatchObject([
      { name: 'alice', enabled: true, groups: ['staff', 'admins', 'vpn'] },
      { name: 'bob', enabled: true, groups: ['vpn'] },
      { name: 'carol', enabled: false, groups: ['vpn'] },
    ])
    expect(await eventsOf(broker, 'bob')).toMatchObject([
      {
        kind: 'user.added',
        actor: expect.stringContaining('(command line)'),
        detail: `imported from ${file} (ocpasswd)`,
      },
    ])

    expect(storedHash(broker, 'bob')).toMatch(/^\$5\$/)
    expect(await login(broker, 'bob', 'wrong')).toMatchObject({ code: 'Access-Reject' })
    expect(storedHash(broker, 'bob')).toMatch(/^\$5\$/)
    for (const user of ['alice', 'bob']) {
      expect(await login(broker, user, PASSWORD), user).toMatchObject({ code: 'Access-Accept' })
      await expect.poll(() => storedHash(broker, user)).toMatch(/^\$argon2id\$/)
      expect(await login(broker, user, PASSWORD), user).toMatchObject({ code: 'Access-Accept' })
      expect(await login(broker, user, 'wrong'), user).toMatchObject({ code: 'Access-Reject' })
    }
    expect(await login(broker, 'carol', PASSWORD)).toMatchObject({ code: 'Access-Reject' })
  })

  test('takes over authenticators of liboath, whose next code logs in, once', async () => {
    const broker = await running()
    await addPeople(broker, [{ name: 'bob', password: PASSWORD, enrolled: false }])
    const file = fileWith(broker, 'users.oath', `${HOTP_LINE}\n`)
    const { code, stdout, stderr } = await importInto(broker, file, 'oath')
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'Imported 1 authenticator.\n',
      stderr: 'checking lines: 1 of 1\n',
    })
    expect(await eventsOf(broker, 'bob')).toMatchObject([
      { kind: 'enrolment.made', detail: `imported from ${file} (oath)` },
    ])
    const answered = async (counter: number) => {
      const { code: asked, state } = await login(broker, 'bob', PASSWORD)
      expect(asked).toBe('Access-Challenge')
      const code = generateSync({ strategy: 'hotp', secret: Buffer.from(SEED), counter })
      return login(broker, 'bob', code, state)
    }
    expect(await answered(7), 'used at the other program').toMatchObject({ code: 'Access-Challenge' })
    expect(await answered(9)).toMatchObject({ code: 'Access-Accept' })
    expect(await answered(9), 'a second time').toMatchObject({ code: 'Access-Challenge' })
    expect(await answered(8), 'from before').toMatchObject({ code: 'Access-Challenge' })
  })

  test('takes over homes with files of google-authenticator: codes and scratch codes go on working', async () => {
    const broker = await running()
    const names = ['alice', 'bob']
    await addPeople(
      broker,
      names.map((name) => ({ name, password: PASSWORD, enrolled: false })),
    )
    const homes = broker.folder.file('home')
    const fileOf = (name: string) => join(homes, name, '.google_authenticator')
    const kinds = { alice: ['-t', '-d', '-S', '45'], bob: ['-c'] }
    for (const [name, kind] of Object.entries(kinds)) {
      mkdirSync(join(homes, name), { recursive: true })
      written('google-authenticator', [...kind, '-f', '-q', '-u', '-w', '3', '-s', fileOf(name)])
    }
    const textOf = (name: string) => readFileSync(fileOf(name), 'utf8')
    const seedOf = (name: string) => textOf(name).split('\n')[0] ?? ''
    symlinkSync(join(homes, 'alice'), join(homes, 'eve'))

    const stopped = await importInto(broker, homes, 'google-authenticator')
    expect(stopped).toMatchObject({
      code: 1,
      stdout: `${fileOf('eve')}: a symbolic link is not followed\nNothing was imported, because of 1 file; --skip-bad leaves it out.\n`,
    })
    expect(await eventsOf(broker, 'alice')).toEqual([])
    rmSync(join(homes, 'eve'))
    expect(await importInto(broker, homes, 'google-authenticator')).toMatchObject({
      code: 0,
      stdout: 'Imported 2 authenticators.\n',
      stderr: 'checking lines: 2 of 2\n',
    })

    const answered = async (name: string, code: string) => {
      const { code: asked, state } = await login(broker, name, PASSWORD)
      expect(asked).toBe('Access-Challenge')
      return (await login(broker, name, code.trim(), state)).code
    }
    const totp = () => written('oathtool', ['--totp', '--time-step-size=45s', '--base32', seedOf('alice')])
    expect(await answered('alice', totp())).toBe('Access-Accept')
    const hotp = written('oathtool', ['--hotp', '--counter=1', '--base32', seedOf('bob')])
    expect(await answered('bob', hotp)).toBe('Access-Accept')
    expect(await answered('bob', hotp), 'a second time').toBe('Access-Challenge')
    const [scratch = '', other = ''] = textOf('bob').match(/^\d{8}$/gm) ?? []
    expect(await answered('alice', other), "another user's").toBe('Access-Challenge')
    expect(await answered('bob', scratch)).toBe('Access-Accept')
    expect(await answered('bob', scratch), 'a second time').toBe('Access-Challenge')
    expect(await answered('bob', other)).toBe('Access-Accept')

    const one = ['--user', 'bob', '--json']
    const again = await importInto(broker, fileOf('bob'), 'google-authenticator', ...one)
    expect(JSON.parse(again.stdout)).toMatchObject({
      imported: [],
      faults: [{ line: 1, problem: 'bob has an authenticator already; --replace takes its place' }],
    })
    const replaced = await importInto(broker, fileOf('bob'), 'google-authenticator', ...one, '--replace')
    expect(JSON.parse(replaced.stdout)).toMatchObject({ imported: ['bob'], faults: [], warnings: [] })
    expect(await answered('bob', scratch), 'which the file still has').toBe('Access-Accept')
    const unnamed = await importInto(broker, fileOf('bob'), 'google-authenticator')
    expect(unnamed.stderr).toContain('--user NAME')
  })

  test('warns of seeds under 128 bits, and takes them', async () => {
    const broker = await running()
    await addPeople(broker, [{ name: 'bob', password: PASSWORD, enrolled: false }])
    const file = fileWith(broker, 'uris', 'otpauth://totp/VPN:bob?secret=gezd+gnbv+gy3t+qojq\n')
    const { code, stdout } = await importInto(broker, file, 'otpauth')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout:
        'Imported 1 authenticator.\nWarning: the seed of bob has under 128 bits (RFC 4226 §4); let the user enrol again.\n',
    })
    const keys = fileWith(broker, 'keys.xml', '<KeyContainer/>')
    const [whole, cut] = [HEX.slice(0, 32), HEX.slice(0, 30)].map((hex) => fileWith(broker, hex, hex))
    const pskc = (keyFile = '') => importInto(broker, keys, 'pskc', '--key-file', keyFile)
    expect((await pskc(whole)).stdout).toContain('line 1: this is not a key container of RFC 6030')
    expect((await pskc(cut)).stderr).toBe(`${cut} holds no key of 128, 192 or 256 bits in hexadecimal\n`)
  })

  test('takes tokens by serial number with a list of owners, and complains of keys and lists', async () => {
    const installation = await installed()
    await addPeople(installation, [{ name: 'bob', password: PASSWORD, enrolled: false }])
    const tokens = fileWith(installation, 'tokens.csv', `TOTP1,${HEX},totp,6,60\n`)
    const owners = fileWith(installation, 'owners.csv', 'serial,user\nTOTP1,bob\n')
    const wrong = fileWith(installation, 'wrong.csv', 'serial,user\n,bob\nTOTP1,bob\nTOTP1,eve\n')
    expect((await importInto(installation, tokens, 'oath-csv', '--owners', wrong)).stderr).toBe(
      `${wrong}: line 2: there is no serial number\n${wrong}: line 4: TOTP1 is already in line 3\n`,
    )
    expect((await importInto(installation, tokens, 'otpauth', '--owners', owners)).stderr).toBe(
      '--owners: the file itself names the users of otpauth\n',
    )
    const key = ['--key-file', owners]
    expect((await importInto(installation, tokens, 'privacyidea', ...key)).stderr).toContain(
      `${owners} holds no key of privacyIDEA`,
    )
    expect(await importInto(installation, tokens, 'oath-csv', '--owners', owners)).toMatchObject({
      code: 0,
      stdout: 'Imported 1 authenticator.\n',
    })
  })

  test('takes over users of htpasswd', async () => {
    const installation = await installed()
    const text = 'bob:$2y$05$abcdefghijklmnopqrstuuHIrMEWpUCQe2YqFR3sXwQ75u4od..9q\n'
    const { code } = await importInto(installation, fileWith(installation, 'htpasswd', text), 'htpasswd')
    expect(code).toBe(0)
    expect(await namesOf(installation)).toEqual(['bob'])
  })

  test('imports nothing where one line is bad, and tells each with its number and no hash', async () => {
    const installation = await installed()
    const apr1 = '$apr1$abcdefgh$IQtUouv7y7Q9dRWkQEPCc.'
    const file = fileWith(
      installation,
      'htpasswd',
      [`bob:${opensslPasswd('-6', PASSWORD)}`, `eve:${apr1}`, '', 'nonsense', 'tom:clear text'].join('\n'),
    )
    const { code, stdout, stderr } = await importInto(installation, file, 'htpasswd')
    expect(code).toBe(1)
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^line 2: the hash is Apache's MD5 \(\$apr1\$\)/),
      'line 4: the line is not of the form name:hash',
      expect.stringMatching(/^line 5: the hash is of a kind that is not known/),
      'Nothing was imported, because of 3 lines; --skip-bad leaves them out.',
      '',
    ])
    expect(stdout + stderr).not.toMatch(/IQtUouv|clear text\b.*tom|PASSWORD/)
    expect(await namesOf(installation)).toEqual([])

    const skipping = await importInto(installation, file, 'htpasswd', '--skip-bad', '--json')
    expect(skipping.code).toBe(0)
    expect(skipping.stderr).toBe('')
    const { imported, faults } = JSON.parse(skipping.stdout) as Imported
    expect(imported).toEqual(['bob'])
    expect(faults.map(({ line }) => line)).toEqual([2, 4, 5])
    expect(await namesOf(installation)).toEqual(['bob'])

    const again = await importInto(installation, file, 'htpasswd', '--skip-bad')
    expect(again.code, 'nothing was left to import').toBe(1)
    expect(again.stdout).toContain('line 1: there is a user bob already')
  })

  test('looks at everything and writes nothing in a dry run', async () => {
    const installation = await installed()
    const file = fileWith(installation, 'ocpasswd', `bob:*:${opensslPasswd('-5', PASSWORD)}\n`)
    const { code, stdout } = await importInto(installation, file, 'ocpasswd', '--dry-run')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1 user would be imported.\n' })
    expect(await namesOf(installation)).toEqual([])
    expect(await eventsOf(installation, 'bob')).toEqual([])
    const tokens = fileWith(installation, 'users.oath', `${HOTP_LINE}\n`)
    const oath = await importInto(installation, tokens, 'oath', '--dry-run', '--json')
    expect(oath.code).toBe(1)
    expect(JSON.parse(oath.stdout)).toMatchObject({
      dryRun: true,
      imported: [],
      faults: [{ line: 1, problem: 'there is no user bob' }],
    })
  })

  test('takes thousands of users in the order of the file, and none where it is killed before', async () => {
    const installation = await installed()
    await namesOf(installation)
    const hash = opensslPasswd('-5', PASSWORD)
    const names = Array.from({ length: 3000 }, (_, at) => `user${String(at).padStart(4, '0')}`)
    const file = fileWith(installation, 'ocpasswd', names.map((name) => `${name}:*:${hash}`).join('\n'))
    const counts = () => {
      const db = new DatabaseSync(installation.database, { readOnly: true })
      const count = (table: string) => db.prepare(`select count(*) as count from ${table}`).get()?.count
      try {
        return [count('users'), count("audit_events where kind = 'user.added'")]
      } finally {
        db.close()
      }
    }
    for (let delayMs = 300; counts()[0] === 0; delayMs *= 1.7) {
      const running = installation.start(['user', 'import', file, '--format', 'ocpasswd', '--json'])
      const ended = await Promise.race([running.finished, sleep(delayMs)])
      if (ended !== undefined) break
      await running.stop({ signal: 'SIGKILL' })
      expect([
        [0, 0],
        [3000, 3000],
      ]).toContainEqual(counts())
    }
    const again = await importInto(installation, file, 'ocpasswd', '--json')
    expect((JSON.parse(again.stdout) as Imported).faults).toHaveLength(3000)
    expect(await namesOf(installation)).toEqual(names)
    expect(counts()).toEqual([3000, 3000])
  })

  test('complains of a file that it cannot use', async () => {
    const installation = await installed()
    const said = async (file: string, ...more: string[]) => {
      const { code, stderr } = await importInto(installation, file, 'ocpasswd', ...more)
      expect(code).toBe(1)
      expect(stderr).not.toMatch(/\n\s+at /)
      return stderr
    }
    expect(await said('/nonexistent/file')).toMatch(/^\/nonexistent\/file cannot be read: ENOENT/)
    const empty = fileWith(installation, 'empty', '# nobody\n')
    expect(await said(empty)).toBe(`${empty} holds nothing to import\n`)
    const latin1 = installation.folder.file('latin1')
    writeFileSync(latin1, Buffer.from('Jos\xe9:*:$5$', 'latin1'))
    expect(await said(latin1)).toBe(`${latin1} is not written in UTF-8\n`)
    const { code, stderr } = await installation.run(['user', 'import', empty])
    expect(code).toBe(1)
    expect(stderr).toContain('--format')
  })
})
