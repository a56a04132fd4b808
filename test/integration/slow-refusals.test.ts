import { expect, onTestFinished, test } from 'vitest'
import { ask as askHttp } from '../http/ask.ts'
import { FormClient, headingOf } from '../http/form-client.ts'
import { type Broker, type Sections, startBroker } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { startFreeradius } from '../real/freeradius.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'
import { medianOf, rankDistance } from '../real/rank-test.ts'
import { SASLAUTHD_NEEDS, startSaslauthd } from '../real/saslauthd.ts'

const PASSWORD = 'the owner’s own'
const RATES = { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' }
const NO_LOCKOUTS = { after: 9999, user_after: 9999, address_after: 9999, hard_after: 9999, tell_user: false }
/** Of each kind of refusal. */
const TRIES = 30
/** Not counted: the broker has to see the slow ones first. */
const WARM_UP = 10
/** Logins in flight, each from an address of its own. */
const LANES = 10
/** In standard deviations: by chance once in two thousand times. */
const FAR = 3.5
/** All are in every Debian's /etc/passwd, where the broker looks whether PAM may know a name. */
const SYSTEM = ['games', 'news', 'mail', 'man', 'lp', 'uucp', 'proxy', 'backup', 'list', 'irc'] as const

async function brokerOver(identity: Sections, more: Sections = {}): Promise<Broker> {
  const broker = await startBroker({
    sections: {
      identity,
      radius: { deadline: '15s' },
      limits: RATES,
      lockout: NO_LOCKOUTS,
      second_factor: { required: false },
      ...more,
    },
  })
  onTestFinished(broker.stop)
  return broker
}

/** How long refusals of each name take, in milliseconds; the names are tried in turn, each with ever new passwords. */
async function refuse(broker: Broker, names: readonly string[]): Promise<Readonly<Record<string, number[]>>> {
  const took = Object.fromEntries(names.map((name) => [name, [] as number[]]))
  let round = 0
  const lane = async (_: unknown, number: number) => {
    while (round < WARM_UP + TRIES) {
      const now = round++
      for (const user of now % 2 === 0 ? names : names.toReversed()) {
        const login = { secret: broker.secret, user, password: `guess ${now}`, from: `198.51.100.${number}` }
        const startedAt = performance.now()
        const reply = await ask(broker.authPort, loginRequest(login), { tries: 10 })
        expect(reply).toMatchObject({ code: 'Access-Reject', message: 'Login failed.' })
        if (now >= WARM_UP) took[user]?.push(performance.now() - startedAt)
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return took
}

function expectAlike(took: Readonly<Record<string, number[]>>, atLeastMs: number): void {
  const [known = [], ...others] = Object.values(took)
  const said = JSON.stringify(Object.entries(took).map(([name, all]) => [name, Math.round(medianOf(all))]))
  expect(medianOf(known), said).toBeGreaterThan(atLeastMs)
  for (const other of others) {
    expect(Math.abs(medianOf(known) / medianOf(other) - 1), said).toBeLessThan(0.12)
    expect(Math.abs(rankDistance(known, other)), said).toBeLessThan(FAR)
  }
}

/** A user who may not log in until somebody releases them. */
async function lock(broker: Broker, port: number, user: string): Promise<void> {
  const scopes = ['--scope', 'lockouts:write']
  const made = await broker.ocbroker(['token', 'create', '--name', 'a-test', ...scopes])
  const { token } = made as { readonly token: string }
  const json = { scope: 'user', user, reason: 'a test' }
  const answer = await askHttp(`http://127.0.0.1:${port}/api/v1/lockouts`, { token, json })
  expect(answer.status, answer.text).toBe(201)
}

describeWith(['freeradius'], 'an upstream server that takes a second to refuse', () => {
  test('tells by no time which names are local, or locked', { timeout: 240_000 }, async () => {
    const secret = 'between broker and upstream'
    const users = [{ name: 'pia', password: PASSWORD }]
    const upstream = await startFreeradius({ secret, signsReplies: true, users, rejectDelay: 1 })
    onTestFinished(upstream.stop)
    const servers = [{ host: '127.0.0.1', port: upstream.authPort, secret }]
    const port = await freePort()
    const broker = await brokerOver(
      { order: ['local', 'partner'], partner: { type: 'radius', servers } },
      { http: { address: '127.0.0.1', port } },
    )
    await addPeople(broker, [{ name: 'lena', password: 'a long password of lena', enrolled: false }])
    await lock(broker, port, 'locked')
    expectAlike(await refuse(broker, ['pia', 'lena', 'locked', 'nobody']), 950)
  })
})

describeWith(SASLAUTHD_NEEDS, 'PAM with its delay of two seconds', () => {
  test('tells by no time which accounts exist', { timeout: 240_000 }, async () => {
    const people = SYSTEM.map((name) => ({ name, password: PASSWORD }))
    const daemon = await startSaslauthd(people, { delays: true, processes: 2 * LANES })
    onTestFinished(daemon.stop)
    const port = await freePort()
    const system = { type: 'pam', socket: daemon.socket, service: daemon.service, parallel: 2 * LANES }
    const broker = await brokerOver({ order: ['system'], system }, { http: { address: '127.0.0.1', port } })
    await lock(broker, port, 'locked')
    expectAlike(await refuse(broker, ['games', 'nobody-here', 'locked']), 1500)
  })

  test('lets a browser sign in while another address guesses', { timeout: 120_000 }, async () => {
    const people = [...SYSTEM, 'www-data'].map((name) => ({ name, password: PASSWORD }))
    const daemon = await startSaslauthd(people, { delays: true, processes: 2 })
    onTestFinished(daemon.stop)
    const port = await freePort()
    const system = { type: 'pam', socket: daemon.socket, service: daemon.service, parallel: 2 }
    await brokerOver({ order: ['system'], system }, { http: { address: '127.0.0.1', port } })
    const url = `http://127.0.0.1:${port}`
    const strangers = await Promise.all(
      Array.from({ length: 14 }, async (_, number) => {
        const client = new FormClient(url, '127.0.0.2')
        await client.get('/')
        return { client, name: SYSTEM[number % SYSTEM.length] ?? 'games' }
      }),
    )
    let answered = 0
    const guesses = strangers.map(async ({ client, name }) => {
      const { status } = await client.post('/sign-in', { name, password: 'a guess' })
      answered += 1
      return status
    })
    const owner = new FormClient(url, '127.0.0.1')
    await owner.get('/')
    const page = await owner.post('/sign-in', { name: 'www-data', password: PASSWORD })
    expect(page.status, headingOf(page)).toBe(200)
    expect(headingOf(page)).toBe('Connect your authenticator app')
    expect(answered, 'the strangers are still waiting').toBeLessThan(strangers.length)
    for (const status of await Promise.all(guesses)) expect([422, 503]).toContain(status)
  })
})
