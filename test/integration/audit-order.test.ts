import { writeFileSync } from 'node:fs'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { TRAIL_START } from '../../src/domain/audit.ts'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'
import { startWebhookReceiver } from '../real/webhook-receiver.ts'
import { opening } from '../store/postgres.ts'
import { eventOf, unique } from '../store/samples.ts'

describeWith(POSTGRES_NEEDS, 'the order of the audit trail in PostgreSQL', () => {
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  async function records(url: string) {
    const store = await opening(url)
    onTestFinished(store.close)
    return store.records
  }

  async function connected(url: string): Promise<Client> {
    const client = new Client({ connectionString: url })
    await client.connect()
    onTestFinished(() => client.end())
    return client
  }

  const insert = (client: Client, { id, at, kind, user }: ReturnType<typeof eventOf>) =>
    client.query('insert into audit_events (id, at, kind, user_name) values ($1, $2, $3, $4)', [
      id,
      at,
      kind,
      user,
    ])

  test('shows no event while an earlier one may still come, and then both', async () => {
    const url = await server.newDatabase()
    const { audit, sinks } = await records(url)
    const slow = await connected(url)
    const [early, late] = [eventOf(unique('user')), eventOf(unique('user'))]
    const turn = { name: 'siem', holder: 'one', now: 0, until: 60_000 }
    await slow.query('begin')
    await insert(slow, early)
    // A receiver that is new in this moment gets both, too.
    const begun = (await sinks.take(turn))?.position ?? TRAIL_START
    await audit.append(late)
    for (const after of [TRAIL_START, begun])
      expect((await audit.tail({ after, limit: 9 })).events).toEqual([])
    await slow.query('commit')
    for (const after of [TRAIL_START, begun])
      await expect.poll(async () => (await audit.tail({ after, limit: 9 })).events).toEqual([early, late])
  })

  test('waits for no transaction that is taken back', async () => {
    const url = await server.newDatabase()
    const { audit } = await records(url)
    const slow = await connected(url)
    await slow.query('begin')
    await insert(slow, eventOf(unique('user')))
    const event = eventOf(unique('user'))
    await audit.append(event)
    await slow.query('rollback')
    await expect
      .poll(async () => (await audit.tail({ after: TRAIL_START, limit: 9 })).events)
      .toEqual([event])
  })

  test('loses and repeats nothing under writers at once, whatever the size of a page', {
    timeout: 60_000,
  }, async () => {
    const url = await server.newDatabase()
    const { audit } = await records(url)
    const clients = await Promise.all(Array.from({ length: 6 }, () => connected(url)))
    const written: string[] = []
    const writing = clients.map(async (client, number) => {
      for (let round = 0; round < 40; round += 1) {
        const event = eventOf(`user-${number}`)
        await client.query('begin')
        await insert(client, event)
        // Transactions end in another order than they began.
        await client.query(`select pg_sleep(${((number * 7 + round) % 5) / 500})`)
        await client.query(round % 9 === 8 ? 'rollback' : 'commit')
        if (round % 9 !== 8) written.push(event.id)
      }
    })
    const seen: string[] = []
    let after = TRAIL_START
    let isWriting = true
    const ended = Promise.all(writing).then(() => {
      isWriting = false
    })
    for (let idle = 0; idle < 20; ) {
      const { events, end } = await audit.tail({ after, limit: 3 })
      seen.push(...events.map(({ id }) => id))
      after = end
      idle = isWriting || events.length > 0 ? 0 : idle + 1
    }
    await ended
    expect(seen.toSorted()).toEqual(written.toSorted())
  })

  test('goes on in records that came from a server that was further', async () => {
    const url = await server.newDatabase()
    const before = await records(url)
    const client = await connected(url)
    const [one, two, three] = [eventOf(unique('user')), eventOf(unique('user')), eventOf(unique('user'))]
    await before.audit.append(two)
    await before.audit.append(one)
    const turn = { name: 'siem', holder: 'one', now: 0, until: 60_000 }
    await before.sinks.take(turn)
    const position = await before.audit.positionOf(two.id)
    if (position === undefined) throw new Error('it is not there')
    await before.sinks.advance(turn, position)
    await client.query('update audit_events set written = written + 1000000000')
    await client.query('update audit_sinks set written = written + 1000000000')
    const { audit, sinks } = await records(url)
    await audit.append(three)
    const [sink] = await sinks.list()
    const tail = async () => (await audit.tail({ after: sink?.position ?? TRAIL_START, limit: 9 })).events
    await expect.poll(tail).toEqual([one, three])
  })

  test('holds at two brokers: what either stores is sent once, and nothing is lost with the one that sends', {
    timeout: 120_000,
  }, async () => {
    const url = await server.newDatabase()
    const receiver = await startWebhookReceiver()
    onTestFinished(receiver.stop)
    const sections = {
      limits: { user: '10000/1s', address: '10000/1s' },
      lockout: { after: 1000, user_after: 1000, address_after: 1000, hard_after: 1000 },
      audit: { webhook: [{ name: 'soc', url: receiver.url, secret_file: 'webhook.key', batch: 5 }] },
    }
    const serving = async () => {
      const broker = await installOnPostgres({ url, sections })
      onTestFinished(broker.remove)
      writeFileSync(broker.folder.file('webhook.key'), receiver.secret, { mode: 0o600 })
      const running = await broker.serve()
      onTestFinished(running.stop)
      return { ...broker, ...running }
    }
    const brokers = [await serving(), await serving()] as const
    const guess = ({ authPort, secret }: (typeof brokers)[number], user: string) =>
      ask(authPort, loginRequest({ secret, user, password: 'wrong' }))
    const guesses = (of: readonly (typeof brokers)[number][], what: string) =>
      Promise.all(
        of.map(async (broker, number) => {
          for (let round = 0; round < 15; round += 1) await guess(broker, `${what}-${number}-${round}`)
        }),
      )
    const { audit, sinks } = await records(url)
    const trail = async () =>
      (await audit.tail({ after: TRAIL_START, limit: 1000 })).events.map(({ id }) => id)
    const received = () => receiver.events.map(({ id }) => id)
    await guesses(brokers, 'both')
    await expect.poll(received, SETTLED).toHaveLength(30)
    expect(received()).toEqual(await trail())

    // The one that is left sends what both have stored.
    const [first, second] = brokers
    const beforeKill = guesses([second], 'second')
    await first.kill()
    await beforeKill
    await expect.poll(async () => new Set(received()).size, SETTLED).toBe(45)
    const again = await first.serve()
    onTestFinished(again.stop)
    const beforeNext = guesses([first], 'first')
    await second.kill()
    await beforeNext
    await expect.poll(async () => new Set(received()).size, SETTLED).toBe(60)
    expect([...new Set(received())]).toEqual(await trail())
    expect((await sinks.list()).map(({ name, dropped }) => [name, dropped])).toEqual([
      ['log', 0],
      ['soc', 0],
    ])
  })
})

const SETTLED = { timeout: 60_000, interval: 200 }
