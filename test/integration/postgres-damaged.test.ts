import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { ConnectionPool } from '../../src/store/postgres/pool.ts'
import { mutations } from '../real/mutations.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { POSTGRES_NEEDS, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'
import { startRecordingProxy } from '../real/recording-proxy.ts'

const PASSWORD = 'correct horse'
const DAMAGED_LOGINS = 60

/** What is wrong with a DataRow that says it holds more columns, or a longer one, than it does. */
const DATA_ROW = 'D'.charCodeAt(0)

describeWith(POSTGRES_NEEDS, 'a PostgreSQL whose messages are damaged', () => {
  test('costs the broker its connections, and neither its process nor a login afterwards', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    const mutate = mutations(20_260_829)
    let isDamaging = false
    const proxy = await startRecordingProxy({
      target: server.port,
      change: (piece) => (isDamaging && piece.length > 0 ? mutate(piece) : piece),
    })
    onTestFinished(() => proxy.stop())
    const url = new URL(await server.newDatabase())
    url.port = String(proxy.port)
    const broker = await installOnPostgres({
      url: url.href,
      sections: {
        limits: { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' },
        second_factor: { required: false },
      },
      postgres: { statement_timeout: '500ms' },
    })
    onTestFinished(broker.remove)
    await addPeople(broker, [{ name: 'bob', password: PASSWORD, enrolled: false }])
    const running = await broker.serve()
    onTestFinished(running.stop)
    const login = (password: string, from: string) =>
      ask(broker.authPort, loginRequest({ secret: broker.secret, user: 'bob', password, from }), { tries: 1 })
    expect(await login(PASSWORD, '198.51.100.1')).toMatchObject({ code: 'Access-Accept' })

    isDamaging = true
    for (let count = 0; count < DAMAGED_LOGINS; count++) {
      const reply = await login('wrong', `198.51.100.${count + 1}`)
      expect(reply?.code).not.toBe('Access-Accept')
    }
    isDamaging = false

    const since = performance.now()
    while ((await login(PASSWORD, '192.0.2.1'))?.code !== 'Access-Accept') {
      expect(performance.now() - since).toBeLessThan(20_000)
      await sleep(100)
    }
    expect(running.process.isRunning()).toBe(true)
  })

  test('makes a statement fail as an outage, whatever its row claims to hold', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    let change = (piece: Buffer) => piece
    const proxy = await startRecordingProxy({ target: server.port, change: (piece) => change(piece) })
    onTestFinished(() => proxy.stop())
    const url = new URL(await server.newDatabase())
    url.port = String(proxy.port)
    const pool = new ConnectionPool({
      server: {
        host: url.hostname,
        port: Number(url.port),
        user: url.username,
        password: new Secret(url.password),
        database: url.pathname.slice(1),
      },
      size: 1,
      statementMs: 1000,
      connectMs: 2000,
    })
    onTestFinished(() => pool.end())
    const connection = await pool.connect()
    // The count of columns of the row, far beyond its end.
    change = (piece) => {
      const row = piece.indexOf(DATA_ROW)
      return row < 0
        ? piece
        : Buffer.concat([piece.subarray(0, row + 5), Buffer.from([0x7f, 0xff]), piece.subarray(row + 7)])
    }
    await expect(connection.query('select 1 as one', [])).rejects.toThrow(
      /storage: PostgreSQL: .*message that cannot be read/,
    )
    connection.release()
    change = (piece) => piece
    const next = await pool.connect()
    expect((await next.query('select 1 as one', [])).rows).toEqual([{ one: 1 }])
    next.release()
  })
})
