import { chownSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seedIn } from '../../src/domain/seed-text.ts'
import { type Installation, install } from '../real/broker.ts'
import { awayFromTheEdge } from '../real/code-step.ts'
import { describeWith } from '../real/needs.ts'
import { askPam, PAM_NEEDS } from '../real/pam-authenticator.ts'
import { written } from '../real/password-tools.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { thisMachine } from '../real/process.ts'
import { atTerminal } from '../real/terminal.ts'

const PASSWORD = 'correct horse battery'
const HEX_TOKEN = '3132333435363738393031323334353637383930'
const BASE32_TOKEN = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

let site: Installation
let people: readonly TestPerson[]

beforeAll(async () => {
  site = await install()
  people = await addPeople(
    site,
    ['alice', 'bob'].map((name) => ({ name, password: PASSWORD })),
  )
})
afterAll(() => site.remove())

const exported = (format: string, output: string, ...more: readonly string[]) =>
  site.run(['totp', 'export', '--format', format, '--output', site.folder.file(output), ...more])
const textOf = (output: string) => readFileSync(site.folder.file(output), 'utf8')
const events = () =>
  site.ocbroker(['audit', '--kind', 'enrolments.exported']) as Promise<{ detail: string }[]>
const hexOf = (base32: string) => seedIn(base32).bytes().toString('hex')
const oathtool = (...args: readonly string[]) => written('oathtool', ['--totp', ...args]).trim()

/** Takes a file back in the place of what it was made from. */
const taken = (format: string, output: string, ...more: readonly string[]) =>
  site.run(['user', 'import', site.folder.file(output), '--format', format, '--replace', ...more])
const seeds = async () => (await site.run(['totp', 'export', '--format', 'oath-csv'])).stdout

describeWith(['oathtool', 'script', 'openssl'], 'totp export', () => {
  test('writes URIs that only the caller can read, and the audit trail says how many, without seeds', async () => {
    const { code, stdout } = await exported('otpauth', 'uris')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining('authenticators of 2 users'),
    })
    const { mode, uid } = statSync(site.folder.file('uris'))
    expect({ mode: mode & 0o777, uid }).toEqual({ mode: 0o600, uid: process.geteuid?.() })
    const secrets = textOf('uris')
      .trim()
      .split('\n')
      .map((uri) => new URL(uri).searchParams.get('secret') ?? '')
    expect(secrets).toEqual(people.map(({ key }) => key))
    await awayFromTheEdge()
    for (const [at, secret] of secrets.entries())
      expect(oathtool('--base32', secret)).toBe(oathtool('--base32', people[at]?.key ?? ''))
    const trail = await events()
    expect(trail).toMatchObject([
      {
        detail: `2 authenticators of 2 users, otpauth, to ${site.folder.file('uris')}`,
        actor: expect.stringContaining('(command line)'),
      },
    ])
    for (const { key } of people) expect(JSON.stringify(trail) + stdout).not.toContain(key)
  })

  test('writes a table and an encrypted key container that are imported again, with equal seeds', async () => {
    const before = await seeds()
    expect(before).toContain('alice,totp,')
    const key = site.folder.file('key.hex')
    writeFileSync(key, written('openssl', ['rand', '-hex', '32']))
    expect(await exported('pskc', 'keys.xml', '--key-file', key)).toMatchObject({ code: 0 })
    expect(textOf('keys.xml')).not.toContain('<Secret><PlainValue>')
    expect(await taken('pskc', 'keys.xml', '--key-file', key)).toMatchObject({ code: 0 })
    writeFileSync(site.folder.file('tokens.csv'), before)
    expect(await taken('oath-csv', 'tokens.csv')).toMatchObject({ code: 0 })
    expect(await seeds()).toBe(before)
  })

  test('writes those of the users that are named', async () => {
    expect((await exported('oath-csv', 'bob.csv', 'bob')).code).toBe(0)
    expect(textOf('bob.csv').trim().split('\n').slice(1)).toEqual([expect.stringMatching(/^bob,/)])
    expect((await exported('oath-csv', 'nobody.csv', 'nobody')).stderr).toContain('nobody')
    expect(existsSync(site.folder.file('nobody.csv'))).toBe(false)
  })

  test('overwrites nothing, and leaves no trail of what it did not do', async () => {
    writeFileSync(site.folder.file('there'), 'mine')
    const before = (await events()).length
    const { code, stderr } = await exported('otpauth', 'there')
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('is not overwritten') })
    expect(textOf('there')).toBe('mine')
    expect((await exported('google-authenticator', 'there')).stderr).toContain('is not overwritten')
    expect(await events()).toHaveLength(before)
  })

  test('shows no seed on a terminal', async () => {
    const [program, args] = site.words('totp', 'export', '--format', 'otpauth')
    const terminal = await atTerminal(program, args)
    try {
      await terminal.process.finished
      expect(terminal.process.output()).toContain('seeds are not shown on a terminal')
      expect(terminal.process.output()).not.toContain('otpauth://')
    } finally {
      await terminal.close()
    }
  })
})

describeWith(
  ['root', 'setpriv'],
  'totp export by an account that can read the key file, and does not own it',
  () => {
    test('is refused', async () => {
      const place = await install()
      try {
        await addPeople(place, [{ name: 'bob', password: PASSWORD }])
        const [owner, reader] = [4001, 4002]
        for (const path of [place.folder.path, ...readdirSync(place.folder.path).map(place.folder.file)])
          chownSync(path, path === place.keyFile ? owner : reader, reader)
        const [program, args] = place.words('totp', 'export', '--format', 'oath-csv')
        const { code, stdout, stderr } = await thisMachine.run('setpriv', [
          `--reuid=${reader}`,
          `--regid=${reader}`,
          '--clear-groups',
          '--inh-caps=+dac_read_search',
          '--ambient-caps=+dac_read_search',
          program,
          ...args,
        ])
        const problem = `only root and the owner of ${place.keyFile} may export authenticators\n`
        expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: problem })
      } finally {
        await place.remove()
      }
    })
  },
)

describeWith([...PAM_NEEDS, 'oathtool'], 'files of google-authenticator that were exported', () => {
  test('are taken by the PAM module, and imported again', async () => {
    expect(await exported('google-authenticator', 'pam-homes')).toMatchObject({ code: 0 })
    const homes = site.folder.file('pam-homes')
    for (const { name, key } of people) {
      expect(statSync(join(homes, name, '.google_authenticator')).mode & 0o777).toBe(0o600)
      await awayFromTheEdge()
      const code = oathtool('--base32', key)
      expect(await askPam(homes, name, code === '000000' ? '111111' : '000000')).toBe(false)
      expect(await askPam(homes, name, code)).toBe(true)
      expect(await askPam(homes, name, code), 'a second time').toBe(false)
    }
    expect(await taken('google-authenticator', 'pam-homes')).toMatchObject({ code: 0 })
    const kept = await seeds()
    for (const { key } of people) expect(kept).toContain(hexOf(key))
  })
})

describe('totp enrol', () => {
  const enrol = (secret: string, ...more: readonly string[]) =>
    site.run(['totp', 'enrol', 'carol', '--secret-stdin', ...more], { input: `${secret}\n` })
  const seedOf = async () => (await site.run(['totp', 'export', 'carol', '--format', 'oath-csv'])).stdout

  beforeAll(async () => {
    await addPeople(site, [{ name: 'carol', password: PASSWORD, enrolled: false }])
  })

  test('takes a key of one’s own, and does not repeat it', async () => {
    for (const secret of [BASE32_TOKEN.toLowerCase(), HEX_TOKEN]) {
      const { code, stdout, stderr } = await enrol(secret, '--replace')
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain('carol has the authenticator with this key.\n\nRecovery codes')
      expect(stdout.toUpperCase()).not.toMatch(/GEZD|31323334|OTPAUTH/)
      expect(await seedOf()).toContain(`carol,totp,${HEX_TOKEN},6,30,,sha1`)
    }
  })

  test('warns of a key under 128 bits, and refuses one under 80', async () => {
    const short = await enrol(BASE32_TOKEN.slice(0, 16), '--replace', '--json')
    expect(JSON.parse(short.stdout)).toMatchObject({
      subject: 'carol',
      warnings: [expect.stringContaining('under 128 bits (RFC 4226 §4)')],
    })
    expect(short.stdout).not.toContain('GEZD')
    for (const [secret, problem] of [
      ['GEZDGNBV', 'the seed has 40 bits; 80 is the least that is taken'],
      ['', 'the seed is not written in base32'],
    ])
      expect(await enrol(secret ?? '', '--replace')).toMatchObject({
        code: 1,
        stderr: `--secret-stdin: ${problem}\n`,
      })
    expect(await seedOf()).toContain(HEX_TOKEN.slice(0, 20))
  })
})
