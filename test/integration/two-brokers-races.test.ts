import { writeFileSync } from 'node:fs'
import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FormClient, keyOn } from '../http/form-client.ts'
import type { Installation, RunningBroker } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'
import { startRedis } from '../real/redis.ts'

const PASSWORD = 'correct horse'
const SEED = Buffer.from('12345678901234567890')
const HOTP_ROUNDS = 20
/** Each has three recovery codes. */
const CAREFUL = Array.from({ length: 6 }, (_, number) => `careful-${number}`)
const INVITED = Array.from({ length: 8 }, (_, number) => `invited-${number}`)
/** At each broker, at the same moment. */
const TRIES = 4

type Broker = Installation & RunningBroker & { readonly url: string }

describeWith([...POSTGRES_NEEDS, 'redis-server', 'redis-cli'], 'two brokers that race for', () => {
  const resources = new AsyncDisposableStack()
  let postgres: Postgres
  let database: string
  let brokers: readonly Broker[]
  let careful: readonly TestPerson[]

  beforeAll(async () => {
    const redis = await startRedis()
    resources.defer(redis.stop)
    postgres = await startPostgres()
    resources.defer(postgres.stop)
    const records = await postgres.newDatabase()
    database = new URL(records).pathname.slice(1)
    const start = async (): Promise<Broker> => {
      const port = await freePort()
      const url = `http://127.0.0.1:${port}`
      const limit = '100000/1s'
      const installation = await installOnPostgres({
        url: records,
        sections: {
          redis: { url: `redis://127.0.0.1:${redis.port}`, brokers: 2 },
          radius: { deadline: '60s' },
          passwords: { waiting: 1000 },
          limits: { user: limit, address: limit, gateway: limit },
          lockout: { after: 9999, user_after: 9999, address_after: 9999, hard_after: 9999 },
          second_factor: { mode: 'append' },
          http: { port },
          portal: { public_url: url },
        },
      })
      resources.defer(installation.remove)
      const running = await installation.serve()
      resources.defer(running.stop)
      return { ...installation, ...running, url }
    }
    brokers = await Promise.all([start(), start()])
    const [here = expect.unreachable()] = brokers
    const people = (names: readonly string[], enrolled: boolean) =>
      addPeople(
        here,
        names.map((name) => ({ name, password: PASSWORD, enrolled })),
      )
    careful = await people(CAREFUL, true)
    await people(['hal', ...INVITED], false)
    const line = `HOTP\thal\t-\t${SEED.toString('hex')}\t0\n`
    writeFileSync(here.folder.file('users.oath'), line)
    await here.ocbroker(['user', 'import', here.folder.file('users.oath'), '--format', 'oath'])
  })
  afterAll(() => resources.disposeAsync())

  /** The same at both brokers, several times at the same moment. */
  const atBoth = <T>(work: (broker: Broker, number: number) => Promise<T>): Promise<T[]> =>
    Promise.all(
      Array.from({ length: TRIES }, (_, number) => brokers.map((broker) => work(broker, number))).flat(),
    )

  /** How many of the logins with one code are let in. */
  async function letIn(user: string, code: string): Promise<number> {
    const replies = await atBoth(({ authPort, secret }) =>
      ask(authPort, loginRequest({ secret, user, password: PASSWORD + code }), { tries: 20 }),
    )
    expect(replies.filter((reply) => reply === undefined)).toEqual([])
    return replies.filter((reply) => reply?.code === 'Access-Accept').length
  }

  /** Of those that were refused, how many had come as far as the code. */
  async function losers(users: string): Promise<number> {
    const [row] = await postgres.ask(
      `select count(*)::int as lost from audit_events
       where user_name like '${users}' and reason in ('code_used', 'wrong_code')`,
      database,
    )
    return Number(row?.lost)
  }

  test('one HOTP code let one login in, in each of many rounds', { timeout: 120_000 }, async () => {
    for (let counter = 0; counter < HOTP_ROUNDS; counter++) {
      const code = generateSync({ strategy: 'hotp', secret: SEED, counter })
      expect(await letIn('hal', code), `round ${counter}`).toBe(1)
    }
    expect(await losers('hal')).toBeGreaterThan(HOTP_ROUNDS)
  })

  test('one recovery code let one login in, in each of many rounds', { timeout: 120_000 }, async () => {
    for (const { name, recoveryCodes } of careful)
      for (const code of recoveryCodes) expect(await letIn(name, code), name).toBe(1)
    expect(await losers('careful-%')).toBeGreaterThan(CAREFUL.length * 3)
  })

  test('one invitation show one browser a key, which alone enrols', { timeout: 120_000 }, async () => {
    for (const name of INVITED) {
      const [here = expect.unreachable()] = brokers
      const { code } = (await here.ocbroker(['invite', name])) as { readonly code: string }
      const clients = await atBoth(async ({ url }, number) => {
        const client = new FormClient(url, `127.0.0.${number + 2}`)
        await client.get('/enrol')
        return client
      })
      const pages = await Promise.all(clients.map((client) => client.post('/enrol/code', { name, code })))
      const keys = pages.map(keyOn)
      expect(
        keys.filter((key) => key !== undefined),
        name,
      ).toHaveLength(1)
      const key = keys.find((each) => each !== undefined) ?? ''
      await Promise.all(
        clients.map((client) => client.post('/enrol/confirm', { code: generateSync({ secret: key }) })),
      )
      const made = await postgres.ask(
        `select from audit_events where user_name = '${name}' and kind = 'enrolment.made'`,
        database,
      )
      expect(made, name).toHaveLength(1)
    }
  })
})
