import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isShortSeed } from '../../src/domain/seed-text.ts'
import { readAuthenticatorFile, readHomes } from '../../src/identity/import/authenticator-files.ts'
import { parseFreeIpa } from '../../src/identity/import/freeipa.ts'
import { parseGoogleAuthenticator } from '../../src/identity/import/google-authenticator.ts'
import { parseOathCsv } from '../../src/identity/import/oath-csv.ts'
import { parseOtpauth } from '../../src/identity/import/otpauth.ts'
import { anyCharacter } from '../any-character.ts'
import { describeWith } from '../real/needs.ts'
import { written } from '../real/password-tools.ts'

const SEED = '12345678901234567890'
const BASE32 = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const HEX = Buffer.from(SEED).toString('hex')
const USUAL = { kind: 'totp', digits: 6, period: 30, algorithm: 'sha1', lastStep: -1 }

async function folderOfHomes(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ocbroker-homes-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

const parsedFile = (...lines: string[]) =>
  parseGoogleAuthenticator([{ user: 'Bob', line: 1, content: `${lines.join('\n')}\n` }])

describe('a file of google-authenticator', () => {
  it('holds a seed, options and scratch codes', () => {
    const { entries, faults } = parsedFile(
      'gezd gnbv-GY3TQOJQ GEZDGNBVGY3TQOJQ====',
      '" RATE_LIMIT 3 30 1700000000',
      '" WINDOW_SIZE 17',
      '" STEP_SIZE 60',
      '" TIME_SKEW -2',
      '" DISALLOW_REUSE 56666666',
      '" TOTP_AUTH',
      '54404531',
      '92481448',
    )
    expect(faults).toEqual([])
    expect(entries).toMatchObject([
      { name: 'bob', ...USUAL, period: 60, driftMs: -120_000, scratchCodes: ['54404531', '92481448'] },
    ])
    expect(entries[0]?.seed.reveal()).toBe(SEED)
  })

  it('counts, the counter in the file being the next one', () => {
    expect(parsedFile(BASE32, '" HOTP_COUNTER 5').entries).toMatchObject([{ kind: 'hotp', lastStep: 4 }])
  })

  it.each([
    ['there is neither TOTP_AUTH nor HOTP_COUNTER', [BASE32]],
    ['not written in base32', ['GEZDGNBV0', '" TOTP_AUTH']],
    ['not written in base32', ['', '" TOTP_AUTH']],
    ['the seed is cut short', [BASE32.slice(0, 17), '" TOTP_AUTH']],
    ['the seed has 40 bits', [BASE32.slice(0, 8), '" TOTP_AUTH']],
    ['the period', [BASE32, '" TOTP_AUTH', '" STEP_SIZE 0']],
    ['the counter', [BASE32, '" HOTP_COUNTER x']],
    ['TIME_SKEW', [BASE32, '" TOTP_AUTH', '" TIME_SKEW 1e9']],
  ])('has a fault: %s', (problem, lines) => {
    const { entries, faults } = parsedFile(...lines)
    expect(entries).toEqual([])
    expect(faults).toEqual([{ line: 1, problem: expect.stringContaining(problem) }])
    expect(faults[0]?.problem).not.toContain('GEZDGNBV')
  })

  it('tells seeds under 128 bits', () => {
    const short = parsedFile(BASE32.slice(0, 24), '" TOTP_AUTH').entries
    expect(short.map(({ seed }) => isShortSeed(seed))).toEqual([true])
    expect(
      parsedFile(BASE32.slice(0, 26), '" TOTP_AUTH').entries.map(({ seed }) => isShortSeed(seed)),
    ).toEqual([false])
  })

  it('is read from a file, but not through a symbolic link', async () => {
    const folder = await folderOfHomes()
    const [file, link] = [join(folder, 'file'), join(folder, 'link')]
    writeFileSync(file, 'text', { mode: 0o600 })
    symlinkSync(file, link)
    expect(await readAuthenticatorFile(file, 'bob')).toMatchObject({ user: 'bob', content: 'text' })
    for (const path of [link, join(folder, 'none'), folder])
      expect(await readAuthenticatorFile(path, 'bob')).toMatchObject({ content: expect.any(Error) })
  })
})

describeWith(['root'], 'a folder of homes', () => {
  const TEXT = `${BASE32}\n" TOTP_AUTH\n`
  const FILE = '.google_authenticator'

  function home(folder: string, name: string, owner: number): string {
    const path = join(folder, name)
    mkdirSync(path)
    chownSync(path, owner, owner)
    return path
  }

  function fileIn(path: string, owner: number, mode = 0o400): void {
    writeFileSync(join(path, FILE), TEXT)
    chownSync(join(path, FILE), owner, owner)
    chmodSync(join(path, FILE), mode)
  }

  it('is read by the names of the homes, without those that have no file', async () => {
    const folder = await folderOfHomes()
    writeFileSync(join(folder, 'a-file'), '')
    home(folder, 'nobody', 4001)
    for (const [name, owner] of [
      ['bob', 4002],
      ['alice', 4003],
    ] as const)
      fileIn(home(folder, name, owner), owner)
    expect(await readHomes(folder)).toEqual([
      { user: 'alice', line: 1, place: join(folder, 'alice', FILE), content: TEXT },
      { user: 'bob', line: 2, place: join(folder, 'bob', FILE), content: TEXT },
    ])
  })

  it('never leads to a file that is not the user’s own', async () => {
    const folder = await folderOfHomes()
    const victim = home(folder, 'a-victim', 4001)
    fileIn(victim, 4001)
    symlinkSync(join(victim, FILE), join(home(folder, 'linked', 4002), FILE))
    symlinkSync(victim, join(folder, 'linked-home'))
    fileIn(home(folder, 'of-another', 4003), 4001)
    fileIn(home(folder, 'open', 4004), 4004, 0o666)
    mkdirSync(join(home(folder, 'folder', 4005), FILE))
    written('mkfifo', [join(home(folder, 'pipe', 4006), FILE)])
    writeFileSync(join(home(folder, 'large', 4007), FILE), 'A'.repeat(100_000), { mode: 0o400 })
    chownSync(join(folder, 'large', FILE), 4007, 4007)
    const read = parseGoogleAuthenticator(await readHomes(folder))
    expect(read.entries.map(({ name }) => name)).toEqual(['a-victim'])
    expect(read.faults.map(({ place = '', problem }) => [place.split('/').at(-2), problem])).toEqual([
      ['folder', 'it is not a regular file'],
      ['large', 'it has over 65536 octets'],
      ['linked', 'a symbolic link is not followed'],
      ['linked-home', 'a symbolic link is not followed'],
      ['of-another', 'it belongs to another account than the home'],
      ['open', 'accounts other than its owner may write it'],
      ['pipe', 'it is not a regular file'],
    ])
  })
})

describeWith(['google-authenticator'], 'what google-authenticator itself writes', () => {
  it.each([
    [['-t', '-d', '-r', '3', '-R', '30', '-w', '17'], { ...USUAL, driftMs: 0 }],
    [['-t', '-D', '-S', '60', '-u', '-W'], { ...USUAL, period: 60 }],
    [['-c', '-u', '-w', '3'], { ...USUAL, kind: 'hotp', lastStep: 0 }],
  ])('is taken: %j', async (options, token) => {
    const file = join(await folderOfHomes(), 'file')
    written('google-authenticator', [...options, '-f', '-q', '-e', '4', '-s', file])
    const { entries, faults } = parseGoogleAuthenticator([await readAuthenticatorFile(file, 'bob')])
    expect(faults).toEqual([])
    expect(entries).toMatchObject([token])
    const codes = readFileSync(file, 'utf8').match(/^\d{8}$/gm)
    expect(codes).toHaveLength(4)
    expect(entries[0]?.scratchCodes).toEqual(codes)
  })
})

describe('a file of URIs', () => {
  it('names user, seed and shape, the issuer before the name or not', () => {
    const { entries, faults } = parseOtpauth(
      [
        `otpauth://totp/Example%20Inc:Bob?secret=${BASE32.toLowerCase()}&issuer=Example%20Inc`,
        '# a comment',
        `otpauth://totp/alice%40corp.example?secret=${BASE32}&algorithm=SHA256&digits=8&period=60`,
        `OTPAUTH://HOTP/Example%3A%20carol?secret=${BASE32}&counter=7`,
      ].join('\n'),
    )
    expect(faults).toEqual([])
    expect(entries).toMatchObject([
      { line: 1, name: 'bob', ...USUAL },
      { line: 3, name: 'alice@corp.example', ...USUAL, algorithm: 'sha256', digits: 8, period: 60 },
      { line: 4, name: 'carol', ...USUAL, kind: 'hotp', lastStep: 6 },
    ])
    for (const { seed } of entries) expect(seed.reveal()).toBe(SEED)
  })

  it.each([
    ['not of the form otpauth', 'https://example.org/'],
    ['not of the form otpauth', 'nonsense'],
    ['neither totp nor hotp', `otpauth://steam/bob?secret=${BASE32}`],
    ['not written in base32', 'otpauth://totp/bob'],
    ['there is no counter', `otpauth://hotp/bob?secret=${BASE32}`],
    ['the number of digits', `otpauth://totp/bob?secret=${BASE32}&digits=9`],
    ['the algorithm', `otpauth://totp/bob?secret=${BASE32}&algorithm=MD5`],
    ['there is no name', `otpauth://totp/?secret=${BASE32}`],
    ['followed by what is no octet', `otpauth://totp/%zz?secret=${BASE32}`],
    ['not written in base64', 'otpauth-migration://offline?data=*'],
    ['cut short', 'otpauth-migration://offline?data=Ckg'],
    ['holds no account', 'otpauth-migration://offline?data=EAE%3D'],
  ])('has a fault: %s', (problem, line) => {
    const { entries, faults } = parseOtpauth(line)
    expect(entries).toEqual([])
    expect(faults).toEqual([{ line: 1, problem: expect.stringContaining(problem) }])
    expect(faults[0]?.problem).not.toContain('GEZDGNBV')
  })
})

describe('an export of Google Authenticator', () => {
  const field = (number: number, value: string | number) =>
    typeof value === 'number'
      ? Buffer.from([number * 8, value])
      : Buffer.concat([Buffer.from([number * 8 + 2, value.length]), Buffer.from(value)])
  const account = (...fields: Buffer[]) => field(1, Buffer.concat(fields).toString('latin1'))
  const line = (...parts: Buffer[]) =>
    `otpauth-migration://offline?data=${encodeURIComponent(Buffer.concat(parts).toString('base64'))}`

  it('holds several accounts in one line', () => {
    const bob = account(
      field(1, SEED),
      field(2, 'VPN:bob'),
      field(3, 'VPN'),
      field(4, 1),
      field(5, 1),
      field(6, 2),
    )
    const carol = account(
      field(1, SEED),
      field(2, 'carol'),
      field(4, 2),
      field(5, 2),
      field(6, 1),
      field(7, 9),
    )
    const { entries, faults } = parseOtpauth(line(bob, carol, field(2, 1), field(3, 1)))
    expect(faults).toEqual([])
    expect(entries).toMatchObject([
      { name: 'bob', ...USUAL, place: 'line 1, account 1' },
      { name: 'carol', ...USUAL, kind: 'hotp', algorithm: 'sha256', digits: 8, lastStep: 8 },
    ])
    for (const { seed } of entries) expect(seed.reveal()).toBe(SEED)
    expect(parseOtpauth(line(bob, bob)).faults).toEqual([
      { line: 1, place: 'line 1, account 2', problem: 'bob is already in line 1, account 1' },
    ])
  })

  it('is any octets: entries or faults, and no other error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (octets) => {
        const { entries, faults } = parseOtpauth(line(Buffer.from(octets)))
        expect(entries.length + faults.length).toBeGreaterThan(0)
      }),
    )
  })
})

describe('a table of authenticators', () => {
  it('may name its columns', () => {
    const { entries, faults } = parseOathCsv(
      [
        'upn,serial number,secret key,time interval,manufacturer,model',
        `bob@corp.example,1234567,${BASE32},60,Example,"T 1"`,
        `"alice@corp.example",1234568,${HEX},,Example,T1`,
      ].join('\n'),
    )
    expect(faults).toEqual([])
    expect(entries).toMatchObject([
      { line: 2, name: 'bob@corp.example', ...USUAL, period: 60 },
      { line: 3, name: 'alice@corp.example', ...USUAL },
    ])
    for (const { seed } of entries) expect(seed.reveal()).toBe(SEED)
  })

  it('has the usual columns without a head, between semicolons too', () => {
    expect(parseOathCsv(`bob;${HEX};totp;8;60\ncarol;${HEX};hotp;6`).entries).toMatchObject([
      { name: 'bob', ...USUAL, digits: 8, period: 60 },
      { name: 'carol', ...USUAL, kind: 'hotp' },
    ])
    const counted = parseOathCsv(`User,Type,Counter,Seed,Algorithm\ndave,HOTP,7,${HEX},sha-512`)
    expect(counted.entries).toMatchObject([{ ...USUAL, kind: 'hotp', lastStep: 6, algorithm: 'sha512' }])
  })

  it.each([
    ['fewer than two fields', 'bob'],
    ['neither totp nor hotp', `bob,${HEX},ocra`],
    ['the number of digits', `bob,${HEX},totp,5`],
    ['the period', `bob,${HEX},totp,6,9999`],
    ['not written in base32', 'bob,018'],
    ['there is no name', `,${HEX}`],
    ['the head names no column user', `serial,secret\n1,${HEX}`],
  ])('has a fault: %s', (problem, text) => {
    const { entries, faults } = parseOathCsv(text)
    expect(entries).toEqual([])
    expect(faults).toEqual([{ line: 1, problem: expect.stringContaining(problem) }])
  })
})

describe("FreeIPA's tokens in LDIF", () => {
  const entry = (...lines: string[]) =>
    [
      'dn: ipatokenuniqueid=1,cn=otp,dc=example',
      'ipatokenOwner: uid=bob,cn=users,dc=example',
      ...lines,
      '',
    ].join('\n')
  const KEY = `ipatokenOTPkey:: ${Buffer.from(SEED).toString('base64')}`
  const STEP = 'ipatokenTOTPtimeStep: 30'

  it('are by clock or counter, in lines that may be folded', () => {
    const { entries, faults } = parseFreeIpa(
      [
        '# extended LDIF',
        'dn: cn=otp,dc=example\nobjectClass: nsContainer\n',
        entry(
          'objectClass: ipatokentotp',
          `${KEY.slice(0, 30)}\n ${KEY.slice(30)}`,
          'ipatokenTOTPtimeStep: 60',
          'ipatokenTOTPclockOffset: -90',
          'ipatokenOTPalgorithm: sha256',
          'ipatokenOTPdigits: 8',
        ),
        entry(`ipatokenOTPkey: ${SEED}`, 'ipatokenHOTPcounter: 3').replace('uid=bob', 'uid=carol'),
      ].join('\n'),
    )
    expect(faults).toEqual([])
    expect(entries).toMatchObject([
      { line: 5, name: 'bob', ...USUAL, period: 60, driftMs: -90_000, algorithm: 'sha256', digits: 8 },
      { name: 'carol', ...USUAL, kind: 'hotp', lastStep: 2 },
    ])
    for (const { seed } of entries) expect(seed.reveal()).toBe(SEED)
  })

  it.each([
    ['the token is disabled', entry(KEY, STEP, 'ipatokenDisabled: TRUE')],
    ['no ipatokenOwner', entry(KEY, STEP).replace('ipatokenOwner', 'description')],
    ['neither ipatokenTOTPtimeStep', entry(KEY)],
    ['the seed has 24 bits', entry('ipatokenOTPkey: abc', STEP)],
    ['not a number of seconds', entry(KEY, STEP, 'ipatokenTOTPclockOffset: x')],
  ])('have a fault: %s', (problem, text) => {
    const { entries, faults } = parseFreeIpa(text)
    expect(entries).toEqual([])
    expect(faults).toEqual([{ line: 1, problem: expect.stringContaining(problem) }])
  })
})

it.each([parseOtpauth, parseOathCsv, parseFreeIpa])('any text is entries and faults: %o', (parse) => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (text) => {
      const { entries, faults } = parse(text)
      expect(entries.length + faults.length).toBeLessThanOrEqual(text.split('\n').length)
    }),
  )
})
