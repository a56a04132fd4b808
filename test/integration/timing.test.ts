import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { replyRules } from '../../src/app/reply-rules.ts'
import { openStore } from '../../src/app/storage.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { type Broker, type Sections, startBroker } from '../real/broker.ts'
import { startFreeradius } from '../real/freeradius.ts'
import { describeWith } from '../real/needs.ts'
import { crypt } from '../real/password-tools.ts'
import { addPeople } from '../real/people.ts'
import { believed, loginRequest, radiusSocket } from '../real/radius-socket.ts'
import { SASLAUTHD_NEEDS, startSaslauthd } from '../real/saslauthd.ts'
import { ADMIN, ADMIN_PASSWORD, PEOPLE, person, SLAPD_NEEDS, type Slapd, startSlapd } from '../real/slapd.ts'

const PASSWORD = 'right'
/** Of each kind of refusal. */
const TRIES = 250
/** Not counted: the broker has seen no refusal yet, and nothing is compiled. */
const WARM_UP = 20
/** Logins in flight. */
const LANES = 2
/** How far the medians of two kinds may be apart: a check of a password takes several times as long here. */
const TOLERANCE_MS = 3
const TOLERANCE_PART = 0.12
/** So that a bind costs the directory some milliseconds, as those of most do. */
const SLOW_HASH = crypt(PASSWORD, '$6$rounds=5000$saltsalt')
/** Longer than any login takes. */
const PATIENCE_MS = 10_000

/** The user and the password of a login: `NEW` stands for a password that was never tried before. */
interface Kind {
  readonly user: string
  readonly password: string
}

const NEW = ''
const UNKNOWN: Kind = { user: 'nobody', password: NEW }

describeWith([...SLAPD_NEEDS, 'perl'], 'how long a refusal takes tells nothing', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd

  beforeAll(async () => {
    const entry = (name: string, more = {}) =>
      person(name, `{CRYPT}${SLOW_HASH}`, {
        sAMAccountName: name,
        objectCategory: 'person',
        objectClass: 'user',
        ...more,
      })
    slapd = await startSlapd({
      activeDirectory: true,
      entries: [entry('dora'), entry('dirk', { userAccountControl: 514 }), entry('dlocked')],
    })
    resources.defer(slapd.stop)
  })

  afterAll(() => resources.disposeAsync())

  const corp = (): Sections => ({
    type: 'ldap',
    urls: [slapd.url],
    bind_dn: ADMIN,
    bind_password: ADMIN_PASSWORD,
    user_base: PEOPLE,
    active_directory: {},
  })

  for (const [title, order, kinds] of [
    [
      'of the broker’s own users',
      ['local'],
      {
        unknown: UNKNOWN,
        wrong: { user: 'lena', password: NEW },
        disabled: { user: 'lutz', password: PASSWORD },
        locked: { user: 'llocked', password: PASSWORD },
      },
    ],
    [
      'of a directory',
      ['corp'],
      {
        unknown: UNKNOWN,
        wrong: { user: 'dora', password: NEW },
        'wrong as before, so that the directory is not asked': { user: 'dora', password: 'as before' },
        disabled: { user: 'dirk', password: PASSWORD },
        locked: { user: 'dlocked', password: PASSWORD },
      },
    ],
    [
      'of both, asked in turn',
      ['local', 'corp'],
      {
        unknown: UNKNOWN,
        'wrong in the first': { user: 'lena', password: NEW },
        'wrong in the second': { user: 'dora', password: NEW },
      },
    ],
  ] as const satisfies readonly (readonly [string, readonly string[], Readonly<Record<string, Kind>>])[]) {
    test(title, { timeout: 400_000 }, async () => {
      const broker = await brokerOver({
        order,
        ...((order as readonly string[]).includes('corp') && { corp: corp() }),
      })
      await expectAlike(broker, kinds)
    })
  }
})

describeWith(SASLAUTHD_NEEDS, 'how long a refusal of a system account takes tells nothing', () => {
  test('by PAM', { timeout: 400_000 }, async () => {
    // Both are in every Debian's /etc/passwd, where the broker looks whether it knows a name.
    const daemon = await startSaslauthd([
      { name: 'games', password: PASSWORD },
      { name: 'news', password: PASSWORD, expired: true },
    ])
    onTestFinished(daemon.stop)
    const system = { type: 'pam', socket: daemon.socket, service: daemon.service }
    await expectAlike(await brokerOver({ order: ['system'], system }), {
      unknown: UNKNOWN,
      wrong: { user: 'games', password: NEW },
      disabled: { user: 'news', password: PASSWORD },
      locked: { user: 'dlocked', password: PASSWORD },
    })
  })
})

describeWith(['freeradius'], 'how long a refusal of another RADIUS server takes tells nothing', () => {
  test('by FreeRADIUS', { timeout: 400_000 }, async () => {
    const secret = 'between broker and upstream'
    const upstream = await startFreeradius({
      secret,
      signsReplies: true,
      users: [{ name: 'pia', password: PASSWORD }],
    })
    onTestFinished(upstream.stop)
    const partner = { type: 'radius', servers: [{ host: '127.0.0.1', port: upstream.authPort, secret }] }
    await expectAlike(await brokerOver({ order: ['partner'], partner }), {
      unknown: UNKNOWN,
      wrong: { user: 'pia', password: NEW },
      locked: { user: 'dlocked', password: PASSWORD },
    })
  })
})

async function brokerOver(identity: Sections & { order: readonly string[] }): Promise<Broker> {
  const rates = { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' }
  const broker = await startBroker({
    sections: {
      identity,
      radius: { deadline: '30s' },
      limits: rates,
      lockout: {
        after: 99_999,
        user_after: 99_999,
        address_after: 99_999,
        hard_after: 99_999,
        tell_user: false,
      },
      second_factor: { required: false },
    },
  })
  onTestFinished(broker.stop)
  if (identity.order.includes('local')) {
    const local = (name: string) => ({ name, password: PASSWORD, enrolled: false })
    await addPeople(broker, [local('lena'), local('lutz'), local('llocked')])
    await broker.ocbroker(['user', 'disable', 'lutz'])
  }
  await lock(broker, ['llocked', 'dlocked'])
  return broker
}

async function expectAlike(broker: Broker, kinds: Readonly<Record<string, Kind>>): Promise<void> {
  const { medians, answers } = await refuseMany(broker, kinds)
  expect(answers).toEqual(new Set(['Access-Reject: Login failed.']))
  const slowest = Math.max(...Object.values(medians))
  const tolerance = Math.max(TOLERANCE_MS, slowest * TOLERANCE_PART)
  for (const [kind, median] of Object.entries(medians))
    expect(slowest - median, `${kind}: ${JSON.stringify(medians)}`).toBeLessThan(tolerance)
}

/** Users who may not log in for an hour. */
async function lock({ configFile }: Broker, users: readonly string[]): Promise<void> {
  const loaded = await loadConfig(configFile, {}, replyRules)
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
  const { records, close } = await openStore(loaded.config)
  const since = Date.now()
  const until = since + 3_600_000
  for (const user of users) {
    const id = systemRandom.id()
    await records.lockouts.lock({ id, scope: 'user', user, reason: 'a test', by: 'a test', since, until })
  }
  await close()
}

/** Tries the kinds in turn, so that other work on the machine affects all of them alike. */
async function refuseMany(
  broker: Broker,
  kinds: Readonly<Record<string, Kind>>,
): Promise<{ medians: Readonly<Record<string, number>>; answers: ReadonlySet<string> }> {
  const took = new Map<string, number[]>(Object.keys(kinds).map((kind) => [kind, []]))
  const answers = new Set<string>()
  let round = 0
  const lane = async () => {
    while (round < WARM_UP + TRIES) {
      const now = round++
      for (const [kind, { user, password }] of shuffled(Object.entries(kinds))) {
        const typed = password === NEW ? `${kind} ${now}` : password
        const { ms, answer } = await timedLogin(broker, user, typed)
        answers.add(answer)
        if (now >= WARM_UP) took.get(kind)?.push(ms)
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  const medians = [...took].map(([kind, all]) => [kind, Math.round(medianOf(all) * 100) / 100] as const)
  return { medians: Object.fromEntries(medians), answers }
}

async function timedLogin(
  broker: Broker,
  user: string,
  password: string,
): Promise<{ ms: number; answer: string }> {
  const request = loginRequest({ secret: broker.secret, user, password })
  const socket = await radiusSocket(broker.authPort)
  try {
    const startedAt = performance.now()
    socket.send(request.octets)
    const octets = await socket.next(PATIENCE_MS)
    const ms = performance.now() - startedAt
    if (octets === undefined) return { ms, answer: 'silence' }
    const { code, message } = believed(octets, request)
    return { ms, answer: `${code}: ${message}` }
  } finally {
    socket.close()
  }
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, rank: Math.random() }))
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ value }) => value)
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN
}
