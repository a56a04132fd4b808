import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkSpool } from '../../src/doctor/accounting-spool.ts'
import { checkCertificate } from '../../src/doctor/certificate.ts'
import type { CertificateFiles } from '../../src/doctor/certificate-files.ts'
import { checkClock } from '../../src/doctor/clock-synchronisation.ts'
import { checkDependencies } from '../../src/doctor/dependencies.ts'
import { checkDiskSpace } from '../../src/doctor/disk-space.ts'
import { checkListeningAddress } from '../../src/doctor/listening-address.ts'
import { checkMachineNetworks } from '../../src/doctor/machine-networks.ts'
import { checkNamesakes } from '../../src/doctor/namesakes.ts'
import { checkPasskeys } from '../../src/doctor/passkeys.ts'
import { checkRedisSettings } from '../../src/doctor/redis-settings.ts'
import { checkSignedGateways } from '../../src/doctor/signed-gateways.ts'
import { checkUnenrolled } from '../../src/doctor/unenrolled-users.ts'
import type { AddressPool } from '../../src/domain/address-pool.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import type { Gateway } from '../../src/domain/gateway.ts'
import { parseNetwork } from '../../src/domain/network.ts'
import { Secret } from '../../src/domain/secret.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { written } from '../real/password-tools.ts'

let folder: TemporaryFolder
beforeEach(() => {
  folder = temporaryFolder('doctor')
})
afterEach(() => folder.remove())

const clockAt = (now: number) => ({ now: () => now, monotonic: () => performance.now() })
const DAY = 86_400_000

test('an unavailable dependency is a fault with its cause', async () => {
  const dependencies = [
    { name: 'storage', checkReady: async () => {} },
    { name: 'redis', checkReady: () => Promise.reject(new Unavailable('redis', 'nobody listens')) },
  ]
  expect(await checkDependencies(dependencies, clockAt(0), 100)()).toMatchObject([
    { about: 'storage', verdict: 'ok' },
    { about: 'redis', verdict: 'fault', cause: 'redis: nobody listens' },
  ])
})

test('the disk is checked at the nearest existing folder', async () => {
  const [finding, ...others] = await checkDiskSpace([folder.file('a/b/broker.db'), folder.file('spool')])()
  expect(finding?.about).toBe(`disk of ${folder.path}`)
  expect(others).toEqual([])
  expect(existsSync(folder.file('a'))).toBe(false)
})

describeWith(['openssl'], 'a certificate', () => {
  const make = (certFile: string, keyFile: string) => {
    const subject = ['-subj', '/CN=vpn.example', '-addext', 'subjectAltName=DNS:vpn.example,IP:192.0.2.1']
    const request = ['req', '-x509', '-newkey', 'ed25519', '-nodes', ...subject, '-days', '90']
    written('openssl', [...request, '-keyout', keyFile, '-out', certFile])
    chmodSync(keyFile, 0o640)
  }
  const check = async (more: Partial<CertificateFiles> = {}, day = 1) => {
    const files = { certFile: folder.file('cert.pem'), keyFile: folder.file('key.pem'), ...more }
    const found = await checkCertificate(files, clockAt(Date.now() + day * DAY))()
    return found.map(({ verdict, about, cause }) => `${verdict} ${basename(about)}: ${cause}`).join('\n')
  }

  test('is judged by its dates, its name and its key', async () => {
    make(folder.file('cert.pem'), folder.file('key.pem'))
    make(folder.file('other.pem'), folder.file('other.key'))
    expect(await check()).toMatch(/^ok cert.pem: [^\n]*$/)
    expect(await check({}, 80)).toBe('warning cert.pem: expires in 9 days')
    expect(await check({}, 91)).toMatch(/^fault cert.pem: expired [^\n]*$/)
    expect(await check({}, -1)).toMatch(/^fault cert.pem: is not valid before [^\n]*$/)
    for (const name of ['vpn.example', '192.0.2.1']) expect(await check({ name })).toMatch(/^ok/)
    for (const name of ['www.example', '192.0.2.2'])
      expect(await check({ name })).toMatch(new RegExp(`^warning cert.pem: is for .*, not for ${name}$`))
    const keyFile = folder.file('other.key')
    expect(await check({ keyFile })).toMatch(/^fault other.key: is not the key of [^\n]*$/)
    expect(await check({ keyFile: folder.file('cert.pem') })).toMatch(/^fault cert.pem: [^\n]*$/)
    expect(await check({ keyFile: folder.file('none') })).toMatch(/^fault none: [^\n]*$/)
    chmodSync(folder.file('key.pem'), 0o644)
    expect(await check()).toBe('warning key.pem: can be read by others than its owner')
  })

  test('that is none is a fault', async () => {
    writeFileSync(folder.file('cert.pem'), 'no certificate')
    expect(await check()).toBe('fault cert.pem: holds no certificate in PEM')
    expect(await check({ certFile: folder.file('none') })).toMatch(/^fault none: [^\n]*$/)
  })
})

describe('networks of this machine', () => {
  const pool = (ipv4: string, ...exclude: string[]): AddressPool => ({
    name: 'staff',
    ipv4: parseNetwork(ipv4) ?? expect.unreachable(),
    exclude: exclude.flatMap((each) => parseNetwork(each) ?? []),
    holdMs: 1,
  })
  const on = (name: string, cidr: string, internal = false) => ({
    [name]: [{ address: cidr.split('/')[0] ?? '', cidr, internal }],
  })
  const check = (one: AddressPool, interfaces: ReturnType<typeof on>) =>
    checkMachineNetworks([one], () => interfaces)()

  test('lie apart from pools, or it is said which address a user may get', async () => {
    expect(await check(pool('10.8.0.0/22'), on('eth0', '192.0.2.1/24'))).toMatchObject([{ verdict: 'ok' }])
    expect(await check(pool('10.8.0.0/22'), on('vpns0', '10.8.0.1/22'))).toMatchObject([{ verdict: 'ok' }])
    expect(await check(pool('10.8.0.0/22'), on('lo', '10.8.0.1/22', true))).toMatchObject([{ verdict: 'ok' }])
    expect(await check(pool('10.8.0.0/22'), on('eth0', '10.8.1.7/24'))).toMatchObject([
      { verdict: 'warning', about: 'pool staff', cause: expect.stringContaining('this machine’s address') },
    ])
    expect(await check(pool('10.8.0.0/22', '10.8.1.7/32'), on('eth0', '10.8.1.7/24'))).toMatchObject([
      { verdict: 'warning', cause: expect.stringContaining('in use') },
    ])
    expect(await check(pool('10.8.0.0/22', '10.8.1.0/24'), on('eth0', '10.8.1.7/24'))).toMatchObject([
      { verdict: 'ok' },
    ])
  })
})

test('a broker on loopback alone hears no gateway on another machine', async () => {
  const at = (name: string, ...networks: string[]) => ({
    name,
    networks: networks.flatMap((each) => parseNetwork(each) ?? []),
    hosts: [],
  })
  const check = async (address: string, ...gateways: ReturnType<typeof at>[]) =>
    (await checkListeningAddress([address], gateways)())[0]?.verdict
  expect(await check('127.0.0.1', at('here', '127.0.0.1'), at('there', '192.0.2.1'))).toBe('warning')
  expect(await check('127.0.0.1', at('here', '127.0.0.1', '192.0.2.1'))).toBe('ok')
  expect(await check('127.0.0.1', at('all', '0.0.0.0/0'))).toBe('ok')
  expect(await check('0.0.0.0', at('there', '192.0.2.1'))).toBe('ok')
})

test('a gateway that need not sign is a hint, unless it has signed before', async () => {
  const gateway = (name: string, messageAuthenticator: Gateway['messageAuthenticator']): Gateway => ({
    name,
    networks: [],
    hosts: [],
    nasIdentifiers: [],
    classForm: 'semicolon' as const,
    secret: new Secret('x'),
    messageAuthenticator,
    onOutage: 'reject',
  })
  const gateways = [
    gateway('a', 'require'),
    gateway('b', 'off'),
    gateway('c', 'auto'),
    gateway('d', 'auto'),
    gateway('e', 'auto'),
  ]
  const signing = [
    { key: 'd 192.0.2.1', unsignedAt: 1 },
    { key: 'dd 192.0.2.2' },
    { key: 'e 192.0.2.3 fra%201', unsignedAt: 9_000_000 },
  ]
  const findings = await checkSignedGateways(
    gateways,
    { signing: async () => signing },
    clockAt(10_000_000),
  )()
  expect(findings.map(({ verdict }) => verdict)).toEqual(['ok', 'hint', 'hint', 'ok', 'fault'])
  expect(findings[4]?.cause).toContain('(192.0.2.3, NAS-Identifier fra 1): its logins are dropped')
})

test('waiting and refused records in the spool are warnings', async () => {
  expect(await checkSpool(folder.file('accounting'))()).toEqual([])
  mkdirSync(folder.file('accounting'))
  expect(await checkSpool(folder.file('accounting'))()).toMatchObject([{ verdict: 'ok' }])
  writeFileSync(folder.file('accounting/accounting.waiting'), 'a line\n')
  writeFileSync(folder.file('accounting/accounting.refused'), 'another\n')
  expect(await checkSpool(folder.file('accounting'))()).toMatchObject([
    { verdict: 'warning', cause: '7 octets wait for the database' },
    { verdict: 'warning', cause: '8 octets could not be used' },
  ])
})

test('users without an authenticator are counted over pages, and a few are named', async () => {
  const names = Array.from({ length: 1203 }, (_, index) => `user${String(index).padStart(4, '0')}`)
  const paged = <T>(items: readonly T[], keyOf: (item: T) => string) => ({
    list: async ({ after, limit }: { after?: string; limit: number }) =>
      items.filter((item) => after === undefined || keyOf(item) > after).slice(0, limit),
  })
  const user = (name: string) => ({
    name,
    enabled: name !== 'user1202',
    groups: [],
    attributes: {},
    createdAt: 0,
  })
  const enrolment = (subject: string) => ({
    id: subject,
    subject,
    digits: 6,
    period: 30,
    algorithm: 'sha1' as const,
    createdAt: 0,
    used: true,
    driftMs: 0,
    recoveryCodesLeft: 10,
  })
  const users = paged(names.map(user), ({ name }) => name)
  const register = paged(names.slice(0, 1198).map(enrolment), ({ subject }) => subject)
  expect(await checkUnenrolled(users, register)()).toMatchObject([
    { verdict: 'warning', cause: '4 have no authenticator yet (user1198, user1199, user1200, …)' },
  ])
})

test('passkeys that no browser offers any more are counted by the name they are for', async () => {
  const passkeys = { countByRpId: async () => ({ 'vpn.example.org': 12, 'example.org': 3 }) }
  expect(await checkPasskeys(passkeys, 'vpn.example.org')()).toMatchObject([
    {
      verdict: 'warning',
      cause: '3 were made for example.org, and cannot be used at vpn.example.org',
      remedy: expect.stringContaining('portal.passkeys.rp_id'),
    },
  ])
  const gone = await checkPasskeys(passkeys)()
  expect(gone.map(({ verdict }) => verdict)).toEqual(['warning', 'warning'])
  expect(gone[0]?.cause).toContain('a portal without an address')
  const own = { countByRpId: async () => ({ 'example.org': 3 }) }
  expect(await checkPasskeys(own, 'example.org')()).toMatchObject([{ verdict: 'ok' }])
})

test('local users whose names other stores have are named', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `user${10 + index}`)
  const all = names.map((name) => ({ name, enabled: true, groups: [], attributes: {}, createdAt: 0 }))
  const users = { list: async () => all }
  const verdict = 'warning'
  const asked: string[] = []
  const check = (told: (name: string) => { knownTo?: string[]; unsure?: string[]; away?: string[] }) =>
    checkNamesakes(users, async (name) => {
      asked.push(name)
      return { knownTo: [], unsure: [], away: [], ...told(name) }
    })()
  expect(await check(() => ({}))).toMatchObject([{ verdict: 'ok' }])
  const known = (name: string) => ({ knownTo: name.endsWith('7') ? ['corp'] : [] })
  const cause = '2 also belong to users of other identity stores: user17 (corp), user27 (corp)'
  expect(await check(known)).toMatchObject([{ verdict, cause }])
  // Beside a store that cannot tell the others are asked for every name.
  expect(await check((name) => ({ ...known(name), unsure: ['partner'] }))).toMatchObject([
    { verdict, cause: 'not compared with partner' },
    { verdict, cause },
  ])
  asked.splice(0)
  expect(await check(() => ({ away: ['corp'] }))).toMatchObject([
    { verdict, cause: 'not compared with corp' },
  ])
  expect(asked.length).toBeLessThan(names.length)
})

test('settings of Redis are warnings, and an outage is left to the dependency check', async () => {
  const check = checkRedisSettings(async (log) => {
    log.warn('redis.evicts', { consequence: 'it forgets', change: 'maxmemory-policy noeviction' })
    throw new Unavailable('redis', 'gone')
  })
  expect(await check()).toEqual([
    { about: 'redis', verdict: 'warning', cause: 'it forgets', remedy: 'set: maxmemory-policy noeviction' },
  ])
})

describe('the clock', () => {
  const sources = () => ({
    chronyc: folder.file('chronyc'),
    timedatectl: folder.file('timedatectl'),
    timesyncd: folder.file('synchronized'),
  })
  const says = (program: 'chronyc' | 'timedatectl', answer: string) =>
    writeFileSync(folder.file(program), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 })
  const tracking = (ahead: string, status: string) =>
    `C0000201,192.0.2.1,3,1780315215.1,${ahead},-0.0001,0.0002,-12.3,0.0,0.1,0.02,0.001,64.3,${status}`

  test.each([
    ['yes', [{ verdict: 'ok' }]],
    ['no', [{ verdict: 'warning' }]],
  ])('that timedatectl reports as %s', async (answer, expected) => {
    says('timedatectl', answer)
    expect(await checkClock(sources())()).toMatchObject(expected)
  })

  test.each([
    ['0.000012345', 'Normal', 'ok', 'is synchronised by chrony'],
    ['-94.2', 'Normal', 'warning', 'is 94.2 s off'],
    ['0.000000000', 'Not synchronised', 'warning', 'reaches no server'],
  ])('that chrony tells, %s s off and %s', async (ahead, status, verdict, cause) => {
    says('chronyc', tracking(ahead, status))
    says('timedatectl', 'no')
    expect(await checkClock(sources())()).toMatchObject([{ verdict, cause: expect.stringContaining(cause) }])
  })

  test('of a machine without systemd’s bus is told by the file of timesyncd, or not at all', async () => {
    expect(await checkClock(sources())()).toMatchObject([{ verdict: 'not_applicable' }])
    writeFileSync(sources().timesyncd, '')
    expect(await checkClock(sources())()).toMatchObject([{ verdict: 'ok' }])
  })
})
