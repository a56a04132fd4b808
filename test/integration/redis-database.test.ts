import { chmodSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { type Installation, install } from '../real/broker.ts'
import { temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { POSTGRES_NEEDS, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'
import { type RealRedis, startRedis } from '../real/redis.ts'
import { userOfFewRights } from '../redis/connected.ts'

const PASSWORD = 'let-me-in'

describeWith(['redis-server', 'redis-cli'], 'a database of Redis other than the first', () => {
  async function site(user: string): Promise<{ broker: Installation; redis: RealRedis }> {
    const redis = await startRedis({ config: [user] })
    onTestFinished(redis.stop)
    const broker = await install({
      sections: {
        second_factor: { required: false },
        redis: {
          url: `redis://127.0.0.1:${redis.port}/3`,
          username: 'ocbroker',
          password_file: 'redis.password',
        },
      },
    })
    onTestFinished(broker.remove)
    writeFileSync(broker.folder.file('redis.password'), PASSWORD, { mode: 0o600 })
    await addPeople(broker, [{ name: 'alice', password: 'correct horse', enrolled: false }])
    return { broker, redis }
  }
  const login = ({ authPort, secret }: Installation) =>
    ask(authPort, loginRequest({ secret, user: 'alice', password: 'wrong' }))
  const keysIn = ({ cli }: RealRedis, database: number) => cli('-n', String(database), 'dbsize')

  test('is used with the rights of the documentation', async () => {
    const { broker, redis } = await site(userOfFewRights(PASSWORD))
    const running = await broker.serve()
    onTestFinished(running.stop)
    expect((await login(broker))?.code).toBe('Access-Reject')
    expect(await keysIn(redis, 3)).not.toBe('0')
    expect(await keysIn(redis, 0)).toBe('0')
  })

  test('is no connection where the user may not choose it: nothing goes to the first, and doctor says why', async () => {
    const { broker, redis } = await site(userOfFewRights(PASSWORD).replace(' +select', ''))
    const running = await broker.serve()
    onTestFinished(running.stop)
    await running.logUntil('redis.lost')
    expect((await login(broker))?.code).toBe('Access-Reject')
    await running.logUntil('limits.alone')
    // As long as it takes to connect several times.
    await sleep(1000)
    expect(await keysIn(redis, 0)).toBe('0')
    const lost = (await running.log()).filter(({ event }) => event.startsWith('redis.'))
    expect(lost).toMatchObject([
      { event: 'redis.lost', error: { message: expect.stringMatching(/NOPERM.*right \+select/) } },
    ])
    const { code, stdout } = await broker.run(['doctor'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^FAULT {4}redis: .*redis\.url cannot be used.*\+select$/m)
  })
})

describeWith([...POSTGRES_NEEDS, 'redis-server', 'redis-cli'], 'Unix sockets', () => {
  test('lead to Redis and to PostgreSQL', async () => {
    const folder = temporaryFolder('sockets')
    onTestFinished(folder.remove)
    // PostgreSQL makes its socket there under an account of its own.
    chmodSync(folder.path, 0o777)
    const redis = await startRedis({ config: [`unixsocket ${folder.file('redis.sock')}`] })
    onTestFinished(redis.stop)
    const postgres = await startPostgres({ settings: { unix_socket_directories: folder.path } })
    onTestFinished(postgres.stop)
    const url = new URL(await postgres.newDatabase())
    const place = `${encodeURIComponent(folder.path)}:${url.port}`
    const broker = await installOnPostgres({
      url: `postgresql://${url.username}:${url.password}@${place}${url.pathname}`,
      sections: {
        second_factor: { required: false },
        redis: { url: `unix://${folder.file('redis.sock')}?db=2` },
      },
    })
    onTestFinished(broker.remove)
    await addPeople(broker, [{ name: 'alice', password: 'correct horse', enrolled: false }])
    const running = await broker.serve()
    onTestFinished(running.stop)
    const request = loginRequest({ secret: broker.secret, user: 'alice', password: 'correct horse' })
    expect((await ask(broker.authPort, request))?.code).toBe('Access-Accept')
    expect(await redis.cli('-n', '2', 'dbsize')).not.toBe('0')
    const connections = await postgres.ask(
      "select client_addr from pg_stat_activity where application_name = 'ocbroker'",
    )
    expect(connections.length).toBeGreaterThan(0)
    expect(connections.every(({ client_addr }) => client_addr === null)).toBe(true)
    expect((await broker.run(['doctor'])).stdout).not.toContain('FAULT')
  })
})
