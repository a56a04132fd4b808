import { readFileSync } from 'node:fs'
import { generateSync } from 'otplib'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { AuditEvent, AuditKind } from '../../src/domain/audit.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { Parsed } from '../../src/identity/import/file-lines.ts'
import { parseHtpasswd } from '../../src/identity/import/htpasswd.ts'
import { importTokens } from '../../src/identity/import/import-tokens.ts'
import { importUsers } from '../../src/identity/import/import-users.ts'
import type { ImportedToken } from '../../src/identity/import/imported-token.ts'
import type { ImportedUser } from '../../src/identity/import/imported-user.ts'
import { parseOathCsv } from '../../src/identity/import/oath-csv.ts'
import { parseOcpasswd } from '../../src/identity/import/ocpasswd.ts'
import { parseUsersOath } from '../../src/identity/import/users-oath.ts'
import { PasswordHashes } from '../../src/identity/local/password-hashes.ts'
import { localIdentity } from '../../src/identity/local/provider.ts'
import type { Decision } from '../../src/login/flow.ts'
import { createLoginFixture } from '../login/fixture.ts'
import { temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { crypt, written } from '../real/password-tools.ts'
import { findProgram } from '../real/programs.ts'

const PASSWORD = 'Grüße, 密码 :$5$'
const SEED = '12345678901234567890'
const hashes = new PasswordHashes({ parallel: 2, waiting: 100 })

function eventFor(kind: AuditKind): (user: string) => AuditEvent {
  return (user) => ({ id: systemRandom.id(), at: 1, kind, actor: 'tests', user })
}

/** The broker's login over users who were imported, with nothing else in it. */
async function broker() {
  const fixture = await createLoginFixture({ required: false })
  const { users, enrolments } = fixture.records
  // Deadlines are times of the fixture's clock.
  const clock = { ...systemClock, monotonic: () => fixture.time.monotonic }
  fixture.people.store = localIdentity({ users, hashes, clock, checkReady: async () => {} })
  const tokensFrom = (parsed: Parsed<ImportedToken>, skipBad = false) =>
    importTokens(parsed, {
      enrolments,
      keys: fixture.keys,
      clock,
      random: systemRandom,
      skipBad,
      replace: false,
      eventOf: eventFor('enrolment.made'),
      subjectOf: async (name) => (await users.find(name))?.name,
    })

  return {
    ...fixture,
    users,
    enrolments,
    importUsers: (parsed: Parsed<ImportedUser>, skipBad = false) =>
      importUsers(parsed, {
        ...{ users, clock, skipBad, isOthersName: () => false },
        eventOf: eventFor('user.added'),
      }),
    importMany: (table: string) => tokensFrom(parseOathCsv(table)),
    importTokens: (text: string, skipBad = false) => tokensFrom(parseUsersOath(text), skipBad),
    log: (user: string, typed: string, state?: string) => fixture.login(typed, { user, state }),
  }
}

function reasonOf(decision: Decision): string {
  return decision.kind === 'refusal' ? decision.reason : decision.kind
}

function stateOf(decision: Decision): string {
  return decision.kind === 'challenge'
    ? decision.state
    : expect.unreachable(`${decision.kind} is no challenge`)
}

describeWith(['ocpasswd'], "users of ocserv's own password file", () => {
  function ocpasswd() {
    const folder = temporaryFolder('ocpasswd')
    onTestFinished(folder.remove)
    const file = folder.file('ocpasswd')
    return {
      run: (args: readonly string[], password = PASSWORD) =>
        written('ocpasswd', ['-c', file, ...args], `${password}\n${password}\n`),
      text: () => readFileSync(file, 'utf8'),
    }
  }

  test('log in with the passwords that they had, and have argon2id hashes afterwards', async () => {
    const file = ocpasswd()
    file.run(['alice'])
    file.run(['-g', 'staff,admins', 'bob'])
    const { importUsers, log, users } = await broker()
    expect(await importUsers(parseOcpasswd(file.text()))).toEqual({ imported: ['alice', 'bob'], faults: [] })
    expect(await users.find('bob')).toMatchObject({
      enabled: true,
      groups: ['staff', 'admins'],
      passwordHash: expect.stringMatching(/^\$[156]\$/),
    })
    expect(reasonOf(await log('bob', 'wrong'))).toBe('bad_credentials')
    expect(reasonOf(await log('bob', PASSWORD))).toBe('grant')
    await vi.waitFor(async () =>
      expect(await users.find('bob')).toMatchObject({ passwordHash: expect.stringMatching(/^\$argon2id\$/) }),
    )
    expect(reasonOf(await log('bob', PASSWORD))).toBe('grant')
    expect(reasonOf(await log('bob', 'wrong'))).toBe('bad_credentials')
    expect(await users.find('alice')).toMatchObject({ passwordHash: expect.stringMatching(/^\$[156]\$/) })
  })

  test('who were locked are disabled, and get in once they are enabled', async () => {
    const file = ocpasswd()
    file.run(['carol'])
    file.run(['-l', 'carol'])
    file.run(['dave'])
    file.run(['-l', 'dave'])
    file.run(['-u', 'dave'])
    const { importUsers, log, users } = await broker()
    await importUsers(parseOcpasswd(file.text()))
    expect(reasonOf(await log('carol', PASSWORD))).toBe('barred')
    expect(reasonOf(await log('dave', PASSWORD))).toBe('grant')
    await users.change('carol', { enabled: true })
    expect(reasonOf(await log('carol', PASSWORD))).toBe('grant')
  })

  test('with one bad line are not imported at all, unless bad lines are to be left out', async () => {
    const file = ocpasswd()
    file.run(['alice'])
    file.run(['bob'])
    const text = `${file.text()}eve:*:$apr1$abcdefgh$IQtUouv7y7Q9dRWkQEPCc.\n`
    const { importUsers, users } = await broker()
    const fault = { line: 3, problem: expect.stringContaining('$apr1$') }
    expect(await importUsers(parseOcpasswd(text))).toEqual({ imported: [], faults: [fault] })
    expect(await users.list({ limit: 9 })).toEqual([])
    expect(await importUsers(parseOcpasswd(text), true)).toEqual({
      imported: ['alice', 'bob'],
      faults: [fault],
    })
    expect(await users.list({ limit: 9 })).toHaveLength(2)
  })

  test('that the broker knows already stay as they are', async () => {
    const file = ocpasswd()
    file.run(['alice'])
    file.run(['bob'])
    const { importUsers, users } = await broker()
    const known = { name: 'bob', enabled: true, groups: ['mine'], attributes: {}, createdAt: 1 }
    await users.add(known)
    const faults = [{ line: 2, problem: 'there is a user bob already' }]
    expect(await importUsers(parseOcpasswd(file.text()))).toEqual({ imported: [], faults })
    expect(await importUsers(parseOcpasswd(file.text()), true)).toEqual({ imported: ['alice'], faults })
    expect(await users.find('bob')).toEqual(known)
  })
})

describe('users of a file of htpasswd', () => {
  /** By htpasswd where it is installed; the same hash comes from the system's crypt(3), which perl has built in. */
  function htpasswd(name: string): string {
    if (findProgram('htpasswd') !== undefined)
      return written('htpasswd', ['-n', '-i', '-B', '-C', '5', name], PASSWORD)
    return `${name}:${crypt(PASSWORD, '$2y$05$abcdefghijklmnopqrstuu')}\n`
  }

  test('log in with the passwords that they had, and have argon2id hashes afterwards', async () => {
    const { importUsers, log, users } = await broker()
    expect(await importUsers(parseHtpasswd(htpasswd('bob')))).toEqual({ imported: ['bob'], faults: [] })
    expect(reasonOf(await log('bob', 'wrong'))).toBe('bad_credentials')
    expect(reasonOf(await log('bob', PASSWORD))).toBe('grant')
    await vi.waitFor(async () =>
      expect(await users.find('bob')).toMatchObject({ passwordHash: expect.stringMatching(/^\$argon2id\$/) }),
    )
    expect(reasonOf(await log('bob', PASSWORD))).toBe('grant')
  })
})

describe("authenticators of liboath's file of users", () => {
  /** As liboath 2.6.7 left it after bob's login with counter 7. */
  const FILE = `HOTP\tbob\t-\t${Buffer.from(SEED).toString('hex')}\t7\t162583\t2026-11-23T09:30:17L
HOTP/T60/8 eve + ${Buffer.from(SEED).toString('hex')}
`
  const hotp = (counter: number) => generateSync({ strategy: 'hotp', secret: Buffer.from(SEED), counter })

  async function brokerWith(...names: string[]) {
    const fixture = await broker()
    const passwordHash = await hashes.hash(new Secret(PASSWORD))
    for (const name of names)
      await fixture.users.add({ name, passwordHash, enabled: true, groups: [], attributes: {}, createdAt: 0 })
    return fixture
  }

  test('continue after the last used counter, each code once, and allow some ahead', async () => {
    const { importTokens, log } = await brokerWith('bob', 'eve')
    expect(await importTokens(FILE)).toEqual({ imported: ['bob', 'eve'], faults: [] })
    const answer = async (code: string) => log('bob', code, stateOf(await log('bob', PASSWORD)))
    expect(await answer(hotp(7))).toMatchObject({ prompt: { kind: 'used_code' } })
    expect(await answer(hotp(6))).toMatchObject({ prompt: { kind: 'wrong_code' } })
    expect(reasonOf(await answer(hotp(8)))).toBe('grant')
    expect(await answer(hotp(8))).toMatchObject({ prompt: { kind: 'used_code' } })
    expect(reasonOf(await answer(hotp(8 + 11)))).toBe('grant')
    expect(await answer(hotp(9))).toMatchObject({ prompt: { kind: 'wrong_code' } })
    expect(await answer(hotp(19 + 12))).toMatchObject({ prompt: { kind: 'wrong_code' } })
  })

  test('let one of many parallel logins in with one code', async () => {
    const { importTokens, log } = await brokerWith('bob', 'eve')
    await importTokens(FILE)
    const states = await Promise.all(
      Array.from({ length: 4 }, async () => stateOf(await log('bob', PASSWORD))),
    )
    const answers = await Promise.all(states.map((state) => log('bob', hotp(8), state)))
    expect(answers.filter(({ kind }) => kind === 'grant')).toHaveLength(1)
  })

  test('take codes by the clock with their own digits and period', async () => {
    const { importTokens, log, time } = await brokerWith('bob', 'eve')
    await importTokens(FILE)
    const code = generateSync({
      secret: Buffer.from(SEED),
      digits: 8,
      period: 60,
      epoch: Math.floor(time.now / 1000),
    })
    expect(reasonOf(await log('eve', code, stateOf(await log('eve', PASSWORD))))).toBe('grant')
  })

  test('are sealed at rest', async () => {
    const { importTokens, enrolments, keys } = await brokerWith('bob', 'eve')
    await importTokens(FILE)
    const enrolment = (await enrolments.ofSubject('bob'))[0]
    expect(JSON.stringify(enrolment)).not.toMatch(/12345678|31323334/)
    expect(keys.open(enrolment?.sealedSeed ?? '', 'bob').reveal()).toBe(SEED)
  })

  test('may be several of one user, with names, and no more than a user can have', async () => {
    const { importMany, enrolments } = await brokerWith('bob')
    const row = (at: number, label = '') =>
      `bob,totp,${at}${Buffer.from(SEED).toString('hex').slice(1)},${label}`
    const table = (count: number) =>
      [
        'user,type,secret,label',
        ...Array.from({ length: count }, (_, at) => row(at, at < 2 ? 'Phone' : '')),
      ].join('\n')
    const fault = { line: 7, problem: 'bob has 5 authenticators in the file before: no more are kept' }
    expect(await importMany(table(6))).toEqual({ imported: [], faults: [fault] })
    expect(await enrolments.ofSubject('bob')).toEqual([])
    expect(await importMany(table(5))).toEqual({ imported: Array(5).fill('bob'), faults: [] })
    const names = (await enrolments.ofSubject('bob')).map(({ name }) => name)
    expect(names.toSorted()).toEqual(['Phone', 'Phone 2', undefined, undefined, undefined])
    const twice = `${table(1)}\n${row(0)}`
    expect(await importMany(twice)).toEqual({
      imported: [],
      faults: [
        { line: 2, problem: 'bob has an authenticator already; --replace takes its place' },
        { line: 3, problem: 'bob is already in line 2' },
      ],
    })
  })

  test('are not imported for an unknown user, nor in place of an existing authenticator', async () => {
    const { importTokens, enrol, enrolments } = await brokerWith('bob')
    const mine = await enrol('bob')
    const faults = [
      { line: 1, problem: 'bob has an authenticator already; --replace takes its place' },
      { line: 2, problem: 'there is no user eve' },
    ]
    expect(await importTokens(FILE)).toEqual({ imported: [], faults })
    expect(await importTokens(FILE, true)).toEqual({ imported: [], faults })
    expect((await enrolments.ofSubject('bob'))[0]).toEqual(mine)
  })
})
