import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkSpool } from '../../src/doctor/accounting-spool.ts'
import { checkCertificate } from '../../src/doctor/certificate.ts'
import { checkClock } from '../../src/doctor/clock-in-step.ts'
import { checkDependencies } from '../../src/doctor/dependencies.ts'
import { checkDiskSpace } from '../../src/doctor/disk-space.ts'
import { checkRedisSettings } from '../../src/doctor/redis-settings.ts'
import { checkSignedGateways } from '../../src/doctor/signed-gateways.ts'
import { checkUnenrolled } from '../../src/doctor/unenrolled-users.ts'
import type { Gateway } from '../../src/domain/gateway.ts'
import { Unavailable } from '../../src/domain/person.ts'
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

test('a dependency that cannot be asked is a fault with its cause', async () => {
  const dependencies = [
    { name: 'storage', checkReady: async () => {} },
    { name: 'redis', checkReady: () => Promise.reject(new Unavailable('redis', 'nobody listens')) },
  ]
  expect(await checkDependencies(dependencies, clockAt(0), 100)()).toMatchObject([
    { about: 'storage', level: 'good' },
    { about: 'redis', level: 'fault', says: 'redis: nobody listens' },
  ])
})

test('the disk is looked at where a folder is still to be made', async () => {
  const [finding, ...others] = await checkDiskSpace([folder.file('a/b/broker.db'), folder.file('spool')])()
  expect(finding?.about).toBe(`disk of ${folder.path}`)
  expect(others).toEqual([])
  expect(existsSync(folder.file('a'))).toBe(false)
})

describeWith(['openssl'], 'a certificate', () => {
  test.each([
    [1, 'good'],
    [80, 'warning'],
    [91, 'fault'],
    [-1, 'fault'],
  ])('of 90 days seen on day %i is %s', async (day, level) => {
    const [key, certificate] = [folder.file('key.pem'), folder.file('cert.pem')]
    const make = ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-subj', '/CN=localhost', '-days', '90']
    written('openssl', [...make, '-keyout', key, '-out', certificate])
    const check = checkCertificate(certificate, clockAt(Date.now() + day * DAY))
    expect(await check()).toMatchObject([{ level }])
  })

  test('that is none is a fault', async () => {
    writeFileSync(folder.file('cert.pem'), 'no certificate')
    expect(await checkCertificate(folder.file('cert.pem'), clockAt(0))()).toMatchObject([{ level: 'fault' }])
    expect(await checkCertificate(folder.file('none'), clockAt(0))()).toMatchObject([{ level: 'fault' }])
  })
})

test('a gateway that need not sign is warned of, until it has shown that it does', async () => {
  const gateway = (name: string, messageAuthenticator: Gateway['messageAuthenticator']): Gateway => ({
    ...{ name, networks: [], secret: new Secret('x'), messageAuthenticator, onOutage: 'reject' },
  })
  const gateways = [gateway('a', 'require'), gateway('b', 'off'), gateway('c', 'auto'), gateway('d', 'auto')]
  const memory = { authenticating: async () => ['d 192.0.2.1', 'dd 192.0.2.2'] }
  const levels = (await checkSignedGateways(gateways, memory)()).map(({ level }) => level)
  expect(levels).toEqual(['good', 'warning', 'warning', 'good'])
})

test('what waits in the spool and what was refused is told', async () => {
  expect(await checkSpool(folder.file('accounting'))()).toEqual([])
  mkdirSync(folder.file('accounting'))
  expect(await checkSpool(folder.file('accounting'))()).toMatchObject([{ level: 'good' }])
  writeFileSync(folder.file('accounting/accounting.waiting'), 'a line\n')
  writeFileSync(folder.file('accounting/accounting.refused'), 'another\n')
  expect(await checkSpool(folder.file('accounting'))()).toMatchObject([
    { level: 'warning', says: '7 octets wait for the database' },
    { level: 'warning', says: '8 octets could not be used' },
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
    ...{ id: subject, subject, digits: 6, period: 30, algorithm: 'sha1' as const, createdAt: 0 },
    ...{ used: true, recoveryCodesLeft: 10 },
  })
  const users = paged(names.map(user), ({ name }) => name)
  const register = paged(names.slice(0, 1198).map(enrolment), ({ subject }) => subject)
  expect(await checkUnenrolled(users, register)()).toMatchObject([
    { level: 'warning', says: '4 have no authenticator yet (user1198, user1199, user1200, …)' },
  ])
})

test('what Redis should be set to is told, and an outage is left to the question whether it is there', async () => {
  const check = checkRedisSettings(async (log) => {
    log.warn('redis.evicts', { consequence: 'it forgets', change: 'maxmemory-policy noeviction' })
    throw new Unavailable('redis', 'gone')
  })
  expect(await check()).toEqual([
    { about: 'redis', level: 'warning', says: 'it forgets', advice: 'set: maxmemory-policy noeviction' },
  ])
})

describe('the clock', () => {
  test.each([
    ['yes', [{ level: 'good' }]],
    ['no', [{ level: 'warning' }]],
  ])('of which the system says %s', async (answer, expected) => {
    writeFileSync(folder.file('timedatectl'), `#!/bin/sh\necho ${answer}\n`, { mode: 0o755 })
    expect(await checkClock(folder.file('timedatectl'))()).toMatchObject(expected)
  })

  test('of which nobody knows is left alone', async () => {
    expect(await checkClock(folder.file('none'))()).toEqual([])
  })
})
