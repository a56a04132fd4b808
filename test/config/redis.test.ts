import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { TemporaryFolder } from '../real/folder.ts'
import { configOf, faultOf, GATEWAY, load, warningsOf } from './loading.ts'

const withRedis = (section: string) => `${GATEWAY}redis: ${section}\n`
const redisOf = async (section: string) => (await configOf(withRedis(section))).redis
const LOCAL = 'redis://127.0.0.1'

const PEM = '-----BEGIN CERTIFICATE-----\n'

function writeFiles(folder: TemporaryFolder): void {
  writeFileSync(folder.file('redis.password'), 'let-me-in\n', { mode: 0o600 })
  writeFileSync(folder.file('sentinel.password'), 'me-too\n', { mode: 0o600 })
  writeFileSync(folder.file('ca.pem'), PEM)
}

describe('the section redis', () => {
  test('is absent by default', async () => {
    expect((await configOf(GATEWAY)).redis).toBeUndefined()
  })

  test.each([
    [`{ url: ${LOCAL} }`, { host: '127.0.0.1', port: 6379 }, 0],
    ['{ url: "redis://[::1]:7000/3" }', { host: '::1', port: 7000 }, 3],
    ['{ url: unix:///run/redis/redis.sock }', { path: '/run/redis/redis.sock' }, 0],
    ['{ url: "unix:///run/my%20redis.sock?db=3" }', { path: '/run/my redis.sock' }, 3],
    ['{ url: [redis://localhost/] }', { host: 'localhost', port: 6379 }, 0],
  ])('%s is one server', async (section, server, database) => {
    expect(await redisOf(section)).toEqual({
      servers: { kind: 'single', server, database },
      prefix: 'ocbroker',
      brokers: 2,
    })
  })

  test('names Sentinels and the nodes of a Cluster by a list, each with its usual port', async () => {
    expect(await redisOf(`{ url: [${LOCAL}/1, ${LOCAL}:5/1], kind: sentinel, master: m }`)).toMatchObject({
      servers: {
        kind: 'sentinel',
        name: 'm',
        database: 1,
        sentinels: [
          { host: '127.0.0.1', port: 26_379 },
          { host: '127.0.0.1', port: 5 },
        ],
      },
    })
    expect(
      await redisOf(`{ url: [${LOCAL}:7000, ${LOCAL}], kind: cluster, key_prefix: vpn, brokers: 3 }`),
    ).toMatchObject({
      servers: { kind: 'cluster', nodes: [{ port: 7000 }, { port: 6379 }] },
      prefix: 'vpn',
      brokers: 3,
    })
  })

  test('takes passwords and authorities from files', async () => {
    const section = `
redis:
  url: rediss://redis.example.org
  kind: sentinel
  master: m
  username: broker
  password_file: redis.password
  sentinel_password_file: sentinel.password
  tls: { ca_file: ca.pem, server_name: redis }
`
    const loaded = await load(GATEWAY + section, writeFiles)
    if (!('config' in loaded)) return expect.unreachable(JSON.stringify(loaded.faults))
    const { redis } = loaded.config
    expect(loaded.warnings).toEqual([])
    expect(redis?.password?.reveal()).toBe('let-me-in')
    expect(redis?.servers.kind === 'sentinel' && redis.servers.sentinelPassword?.reveal()).toBe('me-too')
    expect(redis).toMatchObject({ username: 'broker', tls: { authorities: PEM, serverName: 'redis' } })
    expect(JSON.stringify(redis)).not.toContain('let-me-in')
  })

  test.each([
    ['{}', 'redis.url', 'is missing'],
    ['{ url: localhost }', 'redis.url', 'is not an address'],
    ['{ url: http://localhost }', 'redis.url', 'is not an address'],
    [`{ url: ${LOCAL}/0/1 }`, 'redis.url', 'is not an address'],
    [`{ url: ${LOCAL}/?x=1 }`, 'redis.url', 'holds more than'],
    ['{ url: unix://redis.sock }', 'redis.url', 'is not a path'],
    ['{ url: "unix:///run/r.sock?password=x" }', 'redis.url', 'is not a path'],
    ['{ url: unix:///run/r.sock, kind: cluster }', 'redis.url', 'names a Unix socket'],
    ['{ url: redis://:geheim@localhost }', 'redis.url', 'holds a password'],
    [`{ url: [${LOCAL}, ${LOCAL}:2] }`, 'redis.url', 'several servers'],
    [`{ url: [${LOCAL}, rediss://localhost], kind: cluster }`, 'redis.url', 'with TLS and without'],
    [`{ url: ${LOCAL}/1, kind: cluster }`, 'redis.url', 'no databases'],
    [`{ url: [${LOCAL}/1, ${LOCAL}], kind: sentinel, master: m }`, 'redis.url', 'more than one database'],
    [`{ url: ${LOCAL}, kind: sentinel }`, 'redis', 'has no master'],
    [`{ url: ${LOCAL}, master: m }`, 'redis.master', 'has no meaning with kind: server'],
    [`{ url: ${LOCAL}, username: u }`, 'redis.username', 'has no password'],
    [`{ url: ${LOCAL}, tls: {} }`, 'redis.tls', 'has no meaning with redis://'],
    [`{ url: ${LOCAL}, key_prefix: "{a}" }`, 'redis.key_prefix', 'is not a prefix'],
    [`{ url: ${LOCAL}, password_file: none }`, 'redis.password_file', 'cannot be read'],
    ['{ url: rediss://localhost, tls: { ca_file: none } }', 'redis.tls.ca_file', 'cannot be read'],
    ['{ url: rediss://localhost, tls: { ca_file: broker.yaml } }', 'redis.tls.ca_file', 'no certificate'],
  ])('with %s has a fault at %s', async (section, path, problem) => {
    const fault = await faultOf(withRedis(section))
    expect(fault.path.replace('[0]', '')).toBe(path)
    expect(fault.problem).toContain(problem)
    expect(JSON.stringify(fault)).not.toContain('geheim')
  })

  test('warns of a remote server without a password or without TLS', async () => {
    const problems = async (section: string) =>
      (await warningsOf(withRedis(section)))
        .map(({ path }) => path)
        .filter((path) => path.startsWith('redis'))
    expect(await problems(`{ url: ${LOCAL} }`)).toEqual([])
    expect(await problems('{ url: redis://192.0.2.7 }')).toEqual(['redis.url', 'redis'])
    expect(await problems('{ url: rediss://192.0.2.7 }')).toEqual(['redis'])
  })
})

describe('settings that lockouts and codes share among brokers', () => {
  test('are off by default', async () => {
    const { lockout, secondFactor } = await configOf(GATEWAY)
    expect(lockout.exempt).toEqual([])
    expect(secondFactor.sameAnswerWithinMs).toBe(0)
  })

  test('take networks and a time', async () => {
    const { lockout, secondFactor } = await configOf(
      `${GATEWAY}lockout: { exempt: [192.0.2.0/24] }\nsecond_factor: { same_answer_within: 15s }\n`,
    )
    expect(lockout.exempt.map(({ text }) => text)).toEqual(['192.0.2.0/24'])
    expect(secondFactor.sameAnswerWithinMs).toBe(15_000)
    expect(await faultOf(`${GATEWAY}second_factor: { same_answer_within: 5m }`)).toMatchObject({
      path: 'second_factor.same_answer_within',
    })
  })

  test('warn if everybody is exempt', async () => {
    expect(await warningsOf(`${GATEWAY}lockout: { exempt: [0.0.0.0/0] }`)).toContainEqual(
      expect.objectContaining({ path: 'lockout.exempt[0]' }),
    )
  })
})
