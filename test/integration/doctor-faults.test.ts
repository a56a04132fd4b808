import { chmodSync, renameSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Installation, install, type Sections } from '../real/broker.ts'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { type Freeradius, startFreeradius } from '../real/freeradius.ts'
import { guard } from '../real/guard.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'
import { outputOf, thisMachine } from '../real/process.ts'
import { type RealRedis, startRedis } from '../real/redis.ts'
import {
  ADMIN,
  ADMIN_PASSWORD,
  PEOPLE,
  person,
  personDn,
  SLAPD_NEEDS,
  type Slapd,
  startSlapd,
} from '../real/slapd.ts'

const SOUND: Sections = { second_factor: { required: false } }

interface Finding {
  readonly id: string
  readonly about: string
  readonly verdict: string
  readonly cause: string
}

/** What is loud, each as `verdict id about: cause`. No broker serves, which a check of its own says. */
async function alarms(installation: Installation): Promise<readonly string[]> {
  const { stdout, stderr } = await installation.run(['doctor', '--json'])
  if (stdout === '') throw new Error(stderr)
  return (JSON.parse(stdout) as { findings: Finding[] }).findings
    .filter(({ id, verdict }) => id !== 'running' && (verdict === 'fault' || verdict === 'warning'))
    .map(({ id, about, verdict, cause }) => `${verdict} ${id} ${about}: ${cause}`)
}

async function installed(sections: Sections): Promise<Installation> {
  const installation = await install({ sections: { ...SOUND, ...sections } })
  onTestFinished(installation.remove)
  return installation
}

describeWith([...SLAPD_NEEDS, 'freeradius'], 'doctor on an identity store', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd
  let upstream: Freeradius
  let nothing: number

  beforeAll(async () => {
    const rights = `access to dn.subtree="${PEOPLE}" by dn.exact="${personDn('blind')}" auth by * read`
    slapd = await startSlapd({
      tls: true,
      entries: [person('blind', 'right')],
      config: { database: [rights] },
    })
    resources.defer(slapd.stop)
    upstream = await startFreeradius({ secret: 'the right secret', signsReplies: true, users: [] })
    resources.defer(upstream.stop)
    nothing = await freePort()
  })
  afterAll(() => resources.disposeAsync())

  const directory = (more: Sections = {}) => ({
    type: 'ldap',
    urls: [slapd.tlsUrl],
    tls: { ca_file: slapd.certificates.authority },
    bind_dn: ADMIN,
    bind_password: ADMIN_PASSWORD,
    user_base: PEOPLE,
    ...more,
  })

  test('names what is wrong with each, and finds nothing wrong with a sound one', async () => {
    const upstreamServer = {
      host: '127.0.0.1',
      port: upstream.authPort,
      secret: 'another secret of an upstream',
    }
    const stores: Readonly<Record<string, readonly [Sections, RegExp | undefined]>> = {
      sound: [directory(), undefined],
      down: [directory({ urls: [`ldaps://localhost:${nothing}`] }), /nothing listens/],
      dn: [directory({ bind_dn: 'cn=nobody,dc=example,dc=org' }), /bind_dn cn=nobody/],
      password: [directory({ bind_password: 'another' }), /with this password/],
      base: [directory({ user_base: 'ou=no,dc=example,dc=org' }), /no entry ou=no/],
      filter: [directory({ user_filter: '(nobodyHasIt={user})' }), /nobodyhasit/i],
      rights: [directory({ bind_dn: personDn('blind'), bind_password: 'right' }), /insufficient access/],
      pam: [{ type: 'pam', socket: '/nonexistent/mux' }, /saslauthd at \/nonexistent/],
      upstream: [{ type: 'radius', servers: [upstreamServer] }, /no answer within/],
    }
    const settings = Object.fromEntries(Object.entries(stores).map(([name, [store]]) => [name, store]))
    const found = await alarms(await installed({ identity: { order: Object.keys(stores), ...settings } }))
    // That so many of them differ in how they read a realm is no fault of theirs.
    const ofStores = found.filter((alarm) => !alarm.includes('as for two users'))
    expect(ofStores).toEqual(
      Object.entries(stores).flatMap(([name, [, says]]) =>
        says === undefined
          ? []
          : expect.stringMatching(new RegExp(`^fault dependencies identity ${name}: .*${says.source}`, 'i')),
      ),
    )
  })
})

describeWith(['redis-server', 'redis-cli'], 'doctor on a Redis', () => {
  let redis: RealRedis
  beforeAll(async () => {
    redis = await startRedis({ config: ['maxmemory-policy allkeys-lru'], password: 'right' })
  })
  afterAll(() => redis.stop())

  async function at(password: string): Promise<Installation> {
    const redisSection = { url: `redis://127.0.0.1:${redis.port}`, password_file: 'redis.password' }
    const installation = await installed({ redis: redisSection })
    writeFileSync(installation.folder.file('redis.password'), password, { mode: 0o600 })
    return installation
  }

  test('names what is set wrong, a wrong password, and that it is gone', async () => {
    expect(await alarms(await at('right'))).toEqual([
      expect.stringMatching(/^warning redis-settings redis: when its memory is full/),
      expect.stringMatching(/^warning redis-settings redis: a restart of Redis forgets/),
    ])
    expect(await alarms(await at('wrong'))).toEqual([
      expect.stringMatching(/^fault dependencies redis: .*(WRONGPASS|invalid)/),
    ])
    await redis.kill()
    expect(await alarms(await at('right'))).toEqual([
      expect.stringMatching(/^fault dependencies redis: .*ECONNREFUSED/),
    ])
  })
})

describeWith(POSTGRES_NEEDS, 'doctor on PostgreSQL', () => {
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  test('names one that only reads, and one that is down', async () => {
    const url = await server.newDatabase()
    const installation = await installOnPostgres({ url, sections: SOUND })
    onTestFinished(installation.remove)
    expect(await alarms(installation)).toEqual([])
    await server.ask(
      `alter database ${new URL(url).pathname.slice(1)} set default_transaction_read_only = on`,
    )
    expect(await alarms(installation)).toEqual([expect.stringMatching(/^fault \w+ storage: .*read-only/)])
    await server.kill()
    expect(await alarms(installation)).toEqual([
      expect.stringMatching(/^fault storage storage: .*ECONNREFUSED/),
    ])
  })
})

test('doctor names a lost key file, one that others can read, and users without an authenticator', async () => {
  const installation = await install()
  onTestFinished(installation.remove)
  await addPeople(installation, [{ name: 'alice', password: 'correct horse' }])
  expect(await alarms(installation)).toEqual([])
  chmodSync(installation.keyFile, 0o644)
  expect(await alarms(installation)).toEqual([expect.stringMatching(/^fault storage storage: .*seed\.key/)])
  chmodSync(installation.keyFile, 0o600)
  renameSync(installation.keyFile, `${installation.keyFile}.safe`)
  expect(await alarms(installation)).toEqual([
    expect.stringMatching(/^fault storage storage: the key file .* is missing/),
  ])
  renameSync(`${installation.keyFile}.safe`, installation.keyFile)
  await installation.ocbroker(['user', 'add', 'bob', '--password-stdin'], { input: 'correct horse\n' })
  expect(await alarms(installation)).toEqual([
    'warning unenrolled local users: 1 have no authenticator yet (bob)',
  ])
})

test('doctor names passkeys of an address that the portal has no more', async () => {
  const portal = { public_url: 'https://vpn.example.org' }
  const installation = await installed({ portal })
  await addPeople(installation, [{ name: 'alice', password: 'correct horse' }])
  const records = new DatabaseSync(installation.database)
  const columns = '(id, subject, name, credential, handle, public_key, counter, rp_id, created_at)'
  records.exec(
    `insert into passkeys ${columns} values ('1', 'alice', 'laptop', 'c', 'h', 'k', 0, 'vpn.example.org', 0)`,
  )
  records.close()
  expect(await alarms(installation)).toEqual([])
  installation.configure({ ...SOUND, portal: { public_url: 'https://login.example.org' } })
  expect(await alarms(installation)).toEqual([
    'warning passkeys passkeys: 1 were made for vpn.example.org, and cannot be used at login.example.org',
  ])
})

describeWith(['root', 'mount', 'umount'], 'doctor on a full disk', () => {
  test('names it, and nothing else', async () => {
    const folder = temporaryFolder('disk')
    onTestFinished(folder.remove)
    const unmount = guard('umount -l "$1"', folder.path)
    onTestFinished(unmount)
    await outputOf(thisMachine, 'mount', ['-t', 'tmpfs', '-o', 'size=20m,mode=700', 'tmpfs', folder.path])
    const storage = { sqlite: folder.file('broker.db'), key_file: 'seed.key' }
    const installation = await installed({ storage })
    await installation.ocbroker(['user', 'list'])
    writeFileSync(folder.file('ballast'), Buffer.alloc(15 * 2 ** 20))
    expect(await alarms(installation)).toEqual([
      expect.stringMatching(/^fault disk disk of .*: [0-4] MiB are free/),
    ])
  })
})
