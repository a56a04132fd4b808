import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Installation, install } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { thisMachine } from '../real/process.ts'
import {
  ADMIN,
  ADMIN_PASSWORD,
  GROUPS,
  group,
  PEOPLE,
  person,
  personDn,
  SLAPD_NEEDS,
  startSlapd,
} from '../real/slapd.ts'

const PEOPLE_COUNT = 100_000
const MEBIBYTE = 1024 * 1024
/** Above what a list of five users takes: pages that wait for the garbage collector. */
const MAX_GROWTH_MIB = 60
const RESOURCES = new AsyncDisposableStack()
let broker: Installation

function name(number: number): string {
  return `user${String(number).padStart(6, '0')}`
}

interface Listed {
  readonly name: string
  readonly store?: string
  readonly groups?: readonly string[]
  readonly mail?: string
  readonly barred?: string
  readonly enrolledAt?: string
  readonly invitedUntil?: string
}

async function listed(...args: readonly string[]): Promise<readonly Listed[]> {
  return (await broker.ocbroker(['enrolment', 'list', ...args])) as Listed[]
}

describeWith(SLAPD_NEEDS, 'ocbroker enrolment list over a directory of 100,000', () => {
  beforeAll(async () => {
    const slapd = await startSlapd({
      entries: [
        ...Array.from({ length: PEOPLE_COUNT }, (_, number) =>
          person(name(number), 'pw', { mail: `${name(number)}@example.org` }),
        ),
        group(
          'staff',
          Array.from({ length: 7 }, (_, number) => personDn(name(number * 1000))),
        ),
      ],
      // The list may be longer than what one search gives.
      config: {
        database: [
          `limits dn.exact="${personDn(name(1))}" size=500 size.prtotal=600`,
          'access to * by * read',
        ],
      },
    })
    RESOURCES.defer(slapd.stop)
    const corp = {
      ...{
        type: 'ldap',
        urls: [slapd.url],
        bind_dn: ADMIN,
        bind_password: ADMIN_PASSWORD,
        user_base: PEOPLE,
      },
      ...{ realms: ['corp.example'], groups: { sources: [{ kind: 'memberOf' }] } },
    }
    broker = await install({
      sections: {
        identity: {
          order: ['local', 'corp', 'searched', 'short', 'host'],
          corp,
          searched: {
            ...corp,
            user_filter: '(&(uid={user})(uid=user00000*))',
            realms: ['s.example'],
            groups: { sources: [{ kind: 'members', base: GROUPS }] },
          },
          short: { ...corp, realms: ['short.example'], bind_dn: personDn(name(1)), bind_password: 'pw' },
          host: { type: 'pam', socket: '/run/nobody', realms: ['host.example'] },
        },
      },
    })
    RESOURCES.defer(broker.remove)
    const password = 'correct horse battery'
    await addPeople(broker, [
      { name: 'anna', password, groups: ['staff'] },
      { name: 'ben', password, groups: ['staff'], enrolled: false },
    ])
  }, 180_000)

  afterAll(() => RESOURCES.disposeAsync())

  test('names every user once, in memory that does not grow with the directory', async () => {
    const small = await peakMiB('--store', 'local')
    expect(small.lines).toBe(2)
    const whole = await peakMiB('--store', 'corp')
    expect(whole.lines).toBe(PEOPLE_COUNT)
    console.info(`peak ${small.mib} MiB for 2 users, ${whole.mib} MiB for ${PEOPLE_COUNT}`)
    expect(whole.mib - small.mib).toBeLessThan(MAX_GROWTH_MIB)
  })

  test('finds the members of a group as a login does, and invites those without an authenticator', async () => {
    const staff = await listed('--group', 'staff', '--missing', '--store', 'corp')
    expect(staff).toHaveLength(7)
    expect(staff[3]).toEqual({
      ...{ name: `${name(3000)}@corp.example`, store: 'corp', groups: ['staff'] },
      mail: `${name(3000)}@example.org`,
    })
    const searched = await listed('--group', 'staff', '--store', 'searched')
    expect(searched.map((each) => each.name)).toEqual([`${name(0)}@s.example`])
  })

  test('says that a directory gives only a part, and which limit is to be raised', async () => {
    const run = await broker.run(['enrolment', 'list', '--store', 'short', '--json'])
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(/only a part of the users below .*size\.prtotal/)
  })

  test('says which identity stores cannot list their users', async () => {
    const run = await broker.run(['enrolment', 'list', '--store', 'host'])
    expect([run.code, run.stderr]).toEqual([1, '--store: host cannot list its users; name them one by one\n'])
  })
})

/** Of the whole process, as the system counts it. */
async function peakMiB(...args: readonly string[]) {
  const [program, words] = broker.words('enrolment', 'list', '--csv', ...args)
  const tell = 'process.on("exit",()=>console.error("peak",process.resourceUsage().maxRSS))'
  const { code, stdout, stderr } = await thisMachine.run('env', [
    // On a busy machine the garbage collector would wait longer, for a larger heap.
    `NODE_OPTIONS=--max-old-space-size=64 --max-semi-space-size=2 --import=data:text/javascript,${encodeURIComponent(tell)}`,
    ...['sh', '-c', '"$@" | wc -l', 'sh', program, ...words],
  ])
  expect([code, stderr.replace(/peak \d+\n/, '')]).toEqual([0, ''])
  const kibibytes = Number(/peak (\d+)/.exec(stderr)?.[1])
  return { lines: Number(stdout) - 1, mib: Math.round((kibibytes * 1024) / MEBIBYTE) }
}
