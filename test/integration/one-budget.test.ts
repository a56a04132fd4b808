import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditEvent } from '../../src/domain/audit.ts'
import type { Lockout } from '../../src/domain/lockout.ts'
import { type Installation, install, type RunningBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'
import { startRedis } from '../real/redis.ts'
import { PEOPLE, person, SLAPD_NEEDS, type Slapd, startSlapd } from '../real/slapd.ts'

type Broker = Installation & RunningBroker

const PASSWORD = 'right password'
const GUESSES = 90
const AFTER = 5
const HARD_AFTER = 12
/** The user names of one entry: its uid, its mail address and its principal name. */
const namesOf = (uid: string) => [uid, `mail.${uid}@example.org`, `${uid}.upn@corp.example`]

function entry(uid: string) {
  const [, mail = '', userPrincipalName = ''] = namesOf(uid)
  const account = { objectClass: 'user', sAMAccountName: uid, objectCategory: 'person' }
  return person(uid, PASSWORD, { ...account, mail, userPrincipalName })
}

describeWith(SLAPD_NEEDS, 'a directory user with a uid, a mail address and a principal name', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd

  beforeAll(async () => {
    slapd = await startSlapd({ activeDirectory: true, entries: ['ann', 'bea', 'cid'].map(entry) })
    resources.defer(slapd.stop)
  })

  afterAll(() => resources.disposeAsync())

  const sections = () => ({
    radius: { deadline: '60s' },
    limits: { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' },
    lockout: { after: AFTER, user_after: 1000, address_after: 1000, hard_after: HARD_AFTER },
    second_factor: { required: false },
    identity: {
      order: ['corp'],
      corp: {
        type: 'ldap',
        urls: [slapd.url],
        user_base: PEOPLE,
        user_attributes: ['uid', 'mail', 'userPrincipalName'],
      },
    },
  })

  describe('at a broker with four workers', () => {
    hasOneBudget(async () => {
      const own = sections()
      const broker = await install({ sections: { ...own, radius: { ...own.radius, workers: 4 } } })
      return serving([broker], new AsyncDisposableStack())
    })
  })

  describeWith(
    [...POSTGRES_NEEDS, 'redis-server'],
    'at two brokers with one PostgreSQL and one Redis',
    () => {
      hasOneBudget(async () => {
        const servers = new AsyncDisposableStack()
        const redis = await startRedis()
        servers.defer(redis.stop)
        const postgres = await startPostgres()
        servers.defer(postgres.stop)
        const url = await postgres.newDatabase()
        const shared = { ...sections(), redis: { url: `redis://127.0.0.1:${redis.port}`, brokers: 2 } }
        const brokers = [1, 2].map(() => installOnPostgres({ url, sections: shared }))
        return serving(await Promise.all(brokers), servers)
      })
    },
  )
})

async function serving(installations: readonly Installation[], servers: AsyncDisposableStack) {
  for (const { remove } of installations) servers.defer(remove)
  const brokers: Broker[] = []
  for (const installation of installations) {
    const running = await installation.serve()
    servers.defer(running.stop)
    brokers.push({ ...installation, ...running })
  }
  return { brokers, stop: () => servers.disposeAsync() }
}

function hasOneBudget(start: () => Promise<{ brokers: readonly Broker[]; stop(): Promise<void> }>): void {
  let brokers: readonly Broker[]
  let stop: () => Promise<void>

  beforeAll(async () => {
    ;({ brokers, stop } = await start())
  })

  afterAll(() => stop())

  const at = (index: number) => brokers[index % brokers.length] ?? expect.unreachable()
  /** One login, by turns at each broker. */
  const login = async (index: number, user: string, password: string, from: string) => {
    const { authPort, secret } = at(index)
    const reply = await ask(authPort, loginRequest({ secret, user, password, from, signed: true }), {
      tries: 9,
    })
    return reply?.code
  }
  const nameOf = (uid: string, index: number) => namesOf(uid)[index % 3] ?? uid
  const lockoutsOf = (uid: string) => at(0).ocbroker(['lockout', 'list', '--user', uid]) as Promise<Lockout[]>

  test('has one budget of guesses, however many come at once by all names', async () => {
    const from = '198.51.100.9'
    const guesses = Array.from({ length: GUESSES }, (_, index) =>
      login(index, nameOf('ann', index), `guess ${index}`, from),
    )
    expect(new Set(await Promise.all(guesses))).toEqual(new Set(['Access-Reject']))
    const events = (await at(0).ocbroker(['audit', '--limit', '500'])) as AuditEvent[]
    const checked = events.filter(({ reason, address }) => reason === 'bad_credentials' && address === from)
    expect(checked).toHaveLength(AFTER)
    expect(await lockoutsOf('ann')).toMatchObject([{ scope: 'user_address', user: 'ann', address: from }])
    for (const [index, name] of namesOf('ann').entries()) {
      expect(await login(index, name, PASSWORD, from), name).toBe('Access-Reject')
      expect(await login(index, name, PASSWORD, '198.51.100.10'), name).toBe('Access-Accept')
    }
    await at(1).run(['lockout', 'release', 'ann', '--reason', 'a test'])
    for (const [index, name] of namesOf('ann').entries())
      expect(await login(index, name, PASSWORD, from), name).toBe('Access-Accept')
  })

  test('has one count towards the hard limit, which leaves known addresses open to every name', async () => {
    const home = '203.0.113.1'
    const fail = (index: number) => login(index, nameOf('bea', index), 'wrong', `2001:db8:${index}::1`)
    for (let index = 0; index < HARD_AFTER - 1; index++) await fail(index)
    expect(await login(0, nameOf('bea', 1), PASSWORD, home)).toBe('Access-Accept')
    for (let index = 0; index < HARD_AFTER - 1; index++) await fail(index)
    expect(await lockoutsOf('bea')).toEqual([])
    await fail(0)
    expect(await lockoutsOf('bea')).toMatchObject([{ scope: 'user', cause: 'hard_limit', user: 'bea' }])
    for (const [index, name] of namesOf('bea').entries()) {
      expect(await login(index, name, PASSWORD, '203.0.113.2'), name).toBe('Access-Reject')
      expect(await login(index, name, PASSWORD, home), name).toBe('Access-Accept')
    }
    expect(await at(0).ocbroker(['explain', nameOf('bea', 2)])).toMatchObject({
      outcome: { kind: 'would_be_refused', reason: 'locked' },
    })
    expect(await at(0).ocbroker(['explain', nameOf('bea', 2), '--from', home])).toMatchObject({
      outcome: { kind: 'would_pass' },
    })
  })

  test('shares no budget with another user', async () => {
    for (let index = 0; index < AFTER; index++)
      await login(index, nameOf('cid', index), 'wrong', '198.51.100.20')
    expect(await login(0, 'cid', PASSWORD, '198.51.100.20')).toBe('Access-Reject')
    expect(await login(0, 'bea', PASSWORD, '203.0.113.1')).toBe('Access-Accept')
  })
}
