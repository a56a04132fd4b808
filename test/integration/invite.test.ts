import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Installation, install } from '../real/broker.ts'
import { addPeople } from '../real/people.ts'

const resources = new AsyncDisposableStack()
const PORTAL = 'https://vpn.example.org'
const CODE = /^([a-z2-9]{4}-){3}[a-z2-9]{4}$/
let broker: Installation
let folder: string

beforeAll(async () => {
  broker = await install({ sections: { portal: { public_url: PORTAL } } })
  resources.defer(broker.remove)
  folder = broker.folder.path
  const password = 'correct horse battery'
  await addPeople(broker, [
    { name: 'anna', password, groups: ['staff'], enrolled: false },
    { name: 'ben', password, groups: ['staff'] },
    { name: 'cleo', password, groups: ['staff', 'night'], enrolled: false },
    { name: 'dan', password, groups: ['night'], enrolled: false },
    { name: 'gone', password, groups: ['staff'], enrolled: false },
  ])
  await broker.ocbroker(['user', 'disable', 'gone'])
})

afterAll(() => resources.disposeAsync())

interface Made {
  readonly name: string
  readonly link: string
  readonly code: string
}

describe('ocbroker invite', () => {
  test('shows the code of one user', async () => {
    const made = (await broker.ocbroker(['invite', 'Anna', '--for', '2h', '--reason', 'first day'])) as Made
    expect(made).toMatchObject({
      subject: 'anna',
      page: `${PORTAL}/enrol`,
      link: `${PORTAL}/enrol?name=anna`,
    })
    expect(made.code).toMatch(CODE)
    const [event] = (await broker.ocbroker([
      'audit',
      '--kind',
      'invitation.made',
      '--user',
      'anna',
    ])) as object[]
    expect(event).toMatchObject({ user: 'anna', detail: 'first day' })
  })

  test('invites the users of a group who have no authenticator, and says who was not invited', async () => {
    const file = join(folder, 'staff.csv')
    const run = await broker.run(['invite', '--group', 'staff', '--missing', '--csv', file])
    expect(run.code, 'one was not invited').toBe(1)
    expect(run.stderr).toBe('gone: not invited: the account is disabled or has expired\n')
    expect(run.stdout).toBe(`2 users invited: --csv ${file}\n`)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const lines = readFileSync(file, 'utf8').split('\r\n')
    expect(lines[0]).toBe('name,link,code,until,not_invited')
    expect(lines.slice(1).map((line) => line.split(',')[0])).toEqual(['anna', 'cleo', 'gone', ''])
    expect(lines[1]).toMatch(/^anna,https:\/\/vpn\.example\.org\/enrol\?name=anna,[a-z2-9-]{19},20\S+Z,$/)
    expect(lines[3]).toBe('gone,,,,the account is disabled or has expired')
  })

  test('invites whoever is named in a file, each once', async () => {
    const names = join(folder, 'names')
    writeFileSync(names, '# first floor\ncleo\n\nCLEO\nnobody\nben\n')
    const run = await broker.run(['invite', 'dan', '--file', names, '--missing', '--json'])
    const answer = JSON.parse(run.stdout) as { invited: Made[]; notInvited: unknown }
    expect(answer.invited.map(({ name }) => name)).toEqual(['dan', 'cleo'])
    expect(answer.notInvited).toEqual([
      { name: 'nobody', why: 'unknown' },
      { name: 'ben', why: 'enrolled' },
    ])
    expect(run.stderr).toContain('nobody: not invited: no identity store knows this name')
    expect(run.code).toBe(1)
  })

  test('invites nobody where a line is no name, a file is there already, or nobody is meant', async () => {
    const before = await invitations()
    const names = join(folder, 'bad-names')
    writeFileSync(names, 'anna\nan@na@x\nben\na\u200bna\n')
    const taken = join(folder, 'taken.csv')
    writeFileSync(taken, 'codes of yesterday')
    const cases = [
      [
        ['--file', names],
        /line 2: "an@na@x" cannot be a user's name\n.*line 4: the name .*\nNobody was invited/,
      ],
      [['anna', '--csv', taken], /is there already; name another file/],
      [[], /nobody is named: write names, --file, --group or --missing/],
      [['--store', 'corp'], /there is no identity store named corp; there are local/],
      [['--group', 'nobodies', '--csv', join(folder, 'nobodies.csv')], /nobody matches/],
    ] as const
    const runs = cases.map(async ([args, complaint]) => {
      const run = await broker.run(['invite', ...args])
      expect([args, run.code]).toEqual([args, 1])
      expect(run.stderr).toMatch(complaint)
    })
    await Promise.all(runs)
    expect(await invitations()).toBe(before)
    expect(readFileSync(taken, 'utf8')).toBe('codes of yesterday')
    expect(() => statSync(join(folder, 'nobodies.csv'))).toThrow('ENOENT')
  })
})

async function invitations(): Promise<number> {
  const events = await broker.ocbroker(['audit', '--kind', 'invitation.made', '--limit', '1000'])
  return (events as object[]).length
}
