import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { generateSync } from 'otplib'
import { expect, onTestFinished, test } from 'vitest'
import { ask, type HttpAnswer } from '../http/ask.ts'
import { FormClient, headingOf, keyOn } from '../http/form-client.ts'
import { type Broker, startBroker } from '../real/broker.ts'
import { CANARY_DIGITS, Canaries, Listener } from '../real/canaries.ts'
import { freePort } from '../real/free-port.ts'
import { addPeople, type TestPerson } from '../real/people.ts'

const SCOPES = ['users:read', 'users:write', 'enrolments:read', 'enrolments:write']

/** A broker with its pages and API, and everything that they said that was not meant only for the caller. */
interface Stand {
  readonly broker: Broker
  readonly url: string
  readonly port: number
  readonly canaries: Canaries
  readonly heard: Listener
  readonly people: Readonly<Record<string, TestPerson>>
}

test('no password, code, seed, token, cookie or invitation is in a log line, in a refusal or in the database', async () => {
  const port = await freePort()
  const canaries = new Canaries()
  const broker = await startBroker({
    sections: {
      gateways: [{ name: 'gw', address: '127.0.0.1', secret: canaries.password('shared secret') }],
      second_factor: { totp: { digits: CANARY_DIGITS } },
      limits: { user: '1000/1m', address: '1000/1m' },
      lockout: { after: 100, user_after: 100, address_after: 100 },
      http: { port },
      portal: { public_url: `http://127.0.0.1:${port}` },
      log: { level: 'trace' },
    },
  })
  onTestFinished(broker.stop)
  const made = await addPeople(
    broker,
    ['alice', 'bob', 'carol'].map((name) => ({
      name,
      password: canaries.password(`password of ${name}`),
      enrolled: name === 'alice',
    })),
  )
  const people = Object.fromEntries(made.map((person) => [person.name, canaries.person(person)]))
  const stand: Stand = {
    broker,
    port,
    canaries,
    people,
    url: `http://127.0.0.1:${port}`,
    heard: new Listener(),
  }

  await byTheApi(stand)
  await byThePortal(stand)
  await byNonsense(stand)
  await byFaults(stand)

  const events = (await broker.log()).map(({ event }) => event)
  expect(events, 'a fault that was logged').toContain('http.fault')
  await broker.process.stop()
  stand.heard.hear((await broker.process.finished).output)
  expect(canaries.foundIn(stand.heard.all()), 'said or logged').toEqual([])
  const stored = readdirSync(broker.folder.path).filter((name) => name.startsWith('broker.db'))
  const records = Buffer.concat(stored.map((name) => readFileSync(broker.folder.file(name))))
  expect(records.includes('alice'), 'the records were looked into').toBe(true)
  expect(canaries.foundIn(records), 'stored').toEqual([])
})

/** A refusal must hold no secret; an answer that grants something is for the caller alone. */
function refused({ heard }: Stand, answer: HttpAnswer, status: number): HttpAnswer {
  expect(answer.status, answer.text).toBe(status)
  heard.hear(answer.text)
  heard.hear(JSON.stringify(answer.headers))
  return answer
}

async function byTheApi(stand: Stand): Promise<void> {
  const { broker, canaries, url } = stand
  const scopes = SCOPES.flatMap((scope) => ['--scope', scope])
  const create = await broker.ocbroker(['token', 'create', '--name', 'tests', ...scopes])
  const token = canaries.made('token', (create as { token: string }).token)
  const given = (where: string) => canaries.password(`${where} of the API`)
  const users = `${url}/api/v1/users`
  const add = (json: Readonly<Record<string, unknown>>) =>
    ask(users, { token, json: { name: 'zoe', reason: 'tests', ...json } })

  refused(stand, await ask(users, { token: given('a token that is none') }), 401)
  refused(stand, await ask(users, { token: `${token}x` }), 401)
  refused(stand, await ask(`${users}?access_token=${token}`), 401)
  refused(stand, await ask(users, { headers: { authorization: `Basic ${btoa(given('basic'))}` } }), 401)

  const post = (body: string, type = 'application/json') =>
    ask(users, { token, method: 'POST', body, headers: { 'content-type': type } })
  refused(stand, await post(`{"name":"zoe","password":"${given('body without an end')}`), 400)
  // So short that the parser quotes all of it.
  refused(stand, await post(`{"p":${given('body without quotes')}}`), 400)
  refused(stand, await post(`name=zoe&password=${given('form')}`, 'application/x-www-form-urlencoded'), 415)
  refused(stand, await post(given('body of another kind'), 'text/plain'), 415)
  refused(stand, await post(`{"password":"${given('too large').repeat(100_000)}"}`), 413)
  refused(stand, await add({ password: given('unknown key'), passwort: given('misspelt key') }), 400)
  // The answer names the key, to the one who sent it.
  expect((await add({ [given('as a key')]: 'x' })).status).toBe(400)
  refused(stand, await add({ password: [given('as a list')] }), 400)
  refused(stand, await add({ password: canaries.code('too short a password', 'cnry7#') }), 400)
  refused(stand, await add({ password: given('too long').repeat(20) }), 400)
  refused(stand, await add({ password: `${given('with a NUL')}\0` }), 400)
  refused(stand, await add({ name: 'a@b@c', password: given('with a bad name') }), 400)
  refused(stand, await add({ name: 'alice', password: given('of one who is there') }), 409)
  expect((await add({ password: given('that was taken') })).status).toBe(201)
  const change = { method: 'PATCH', token, json: { password: given('changed'), reason: 'tests' } }
  expect((await ask(`${users}/zoe`, change)).status).toBe(200)
  refused(stand, await ask(`${users}/nobody`, { ...change, method: 'PATCH' }), 404)

  const begin = await ask(`${url}/api/v1/pending-enrolments`, { token, json: { user: 'bob' } })
  const { id, key } = begin.json as unknown as { id: string; key: string }
  canaries.person({ name: 'bob by the API', password: '', key, recoveryCodes: [] })
  const confirm = (code: string) =>
    ask(`${url}/api/v1/pending-enrolments/${id}/confirm`, { token, json: { code, reason: 'tests' } })
  refused(stand, await confirm(canaries.code('wrong code of the API')), 422)
  refused(stand, await confirm(`x${canaries.code('code that is none')}`), 400)
  const confirmed = await confirm(canaries.code('right code of the API', codeOf(key)))
  expect(confirmed.status).toBe(201)
  const { recoveryCodes } = confirmed.json as unknown as { recoveryCodes: readonly string[] }
  expect(recoveryCodes.length).toBeGreaterThan(0)
  for (const code of recoveryCodes) canaries.recoveryCode('recovery code of the API', code)
  for (const path of ['users', 'users/bob', 'enrolments', 'enrolments/bob'])
    stand.heard.hear((await ask(`${url}/api/v1/${path}`, { token })).text)
}

async function byThePortal(stand: Stand): Promise<void> {
  const { broker, canaries, url, people } = stand
  const alice = people.alice as TestPerson
  const client = new FormClient(url)
  // Pages are for the one who asked, but for what was typed there.
  const typed = (answer: HttpAnswer) => {
    expect(answer.status, answer.text).toBeLessThan(500)
    stand.heard.hear(answer.text)
  }
  await client.get('/')
  canaries.made('cookie of a stranger', valueIn(client.cookie))
  const signIn = (name: string, password: string, more = {}) =>
    client.post('/sign-in', { name, password, ...more })
  typed(await signIn('alice', canaries.password('wrong at the portal')))
  typed(await signIn('nobody', canaries.password('of nobody at the portal')))
  typed(await signIn('alice', canaries.password('without the form’s token'), { csrf: '' }))
  typed(await client.get(`/sign-in?name=alice&password=${canaries.password('in the address')}`))
  typed(await client.get(`/${canaries.password('as a path')}`))
  typed(await signIn('alice', alice.password))
  canaries.made('cookie after the password', valueIn(client.cookie))
  typed(await client.post('/code', { code: canaries.code('wrong code at the portal') }))
  typed(await client.post('/code', { code: canaries.password('code that is none at the portal') }))
  const account = await client.post('/code', {
    code: canaries.code('right at the portal', codeOf(alice.key)),
  })
  expect(headingOf(account)).toBe('Your account')
  canaries.made('cookie after the code', valueIn(client.cookie))
  typed(account)
  typed(await client.post('/authenticator/remove', { code: canaries.code('wrong code of a deed') }))

  const invitation = (await broker.ocbroker(['invite', 'carol'])) as { code: string }
  canaries.recoveryCode('invitation', invitation.code)
  const invited = new FormClient(url)
  await invited.get('/enrol')
  typed(
    await invited.post('/enrol/code', {
      name: 'carol',
      code: canaries.password('an invitation that is none'),
    }),
  )
  typed(await invited.post('/enrol/code', { name: 'bob', code: invitation.code }))
  const shown = await invited.post('/enrol/code', { name: 'carol', code: invitation.code })
  const key = keyOn(shown) ?? expect.unreachable(shown.text)
  canaries.person({ name: 'carol by invitation', password: '', key, recoveryCodes: [] })
  canaries.made('cookie of one who was invited', valueIn(invited.cookie))
  await invited.post('/enrol/confirm', { code: canaries.code('wrong code of an enrolment') })
  const codes = await invited.post('/enrol/confirm', {
    code: canaries.code('right code of an enrolment', codeOf(key)),
  })
  expect(headingOf(codes)).toBe('Save your recovery codes')
  const recovery = codes.text.match(/[a-z2-9]{4}(?:-[a-z2-9]{4}){3}/g) ?? []
  expect(recovery.length).toBeGreaterThan(0)
  for (const code of recovery) canaries.recoveryCode('recovery code of the portal', code)
}

/** What is no request that any page or client would send. */
async function byNonsense(stand: Stand): Promise<void> {
  const { canaries, port } = stand
  const given = (where: string) => canaries.password(`${where} of nonsense`)
  const head = 'Host: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n'
  const requests = [
    `${given('a whole request')}\r\n\r\n`,
    `GET /?password=${given('a version')} HTTP/9.9\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nX-Password ${given('a header without a colon')}\r\n\r\n`,
    `GET / HTTP/1.1\r\n${head}Cookie: ${given('a large header').repeat(2000)}\r\n\r\n`,
    `GET /%${given('a path that cannot be decoded')} HTTP/1.1\r\n${head}\r\n`,
    `POST /sign-in HTTP/1.1\r\n${head}Content-Length: 40\r\n\r\npassword=%${given('form')}`,
    `POST /sign-in HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n${given('a chunk')}\r\n`,
    `POST /sign-in HTTP/1.1\r\n${head}Content-Encoding: ${given('a coding')}\r\nContent-Length: 1\r\n\r\nx`,
  ]
  await Promise.all(
    requests.map(async (request) => {
      const socket = connect(port, '127.0.0.1')
      onTestFinished(() => void socket.destroy())
      socket.on('data', (octets) => stand.heard.hear(octets)).on('error', () => {})
      socket.write(request)
      socket.end()
      await once(socket, 'close')
    }),
  )
}

/** What goes wrong inside while a secret is on its way. */
async function byFaults(stand: Stand): Promise<void> {
  const { broker, canaries, url, people, heard } = stand
  const create = await broker.ocbroker(['token', 'create', '--name', 'faults', '--scope', SCOPES.join()])
  const token = canaries.made('token for faults', (create as { token: string }).token)
  const client = new FormClient(url)
  await client.get('/')
  const database = new DatabaseSync(broker.database, { timeout: 5000 })
  try {
    database.exec('alter table users rename to elsewhere')
  } finally {
    database.close()
  }
  const password = canaries.password('while the users are gone')
  const json = { name: 'late', reason: 'tests', password }
  refused(stand, await ask(`${url}/api/v1/users`, { token, json }), 500)
  heard.hear((await client.post('/sign-in', { name: 'alice', password: people.alice?.password ?? '' })).text)
  const run = await broker.run(['user', 'add', 'later', '--password-stdin'], { input: `${password}\n` })
  expect(run.code).not.toBe(0)
  heard.hear(run.stdout + run.stderr)
}

function codeOf(key: string): string {
  return generateSync({ secret: key, digits: CANARY_DIGITS })
}

/** The value of the one cookie. */
function valueIn(cookie: string): string {
  return cookie.slice(cookie.indexOf('=') + 1)
}
