import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSync } from 'otplib'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { AuditEvent } from '../../src/domain/audit.ts'
import type { Lockout } from '../../src/domain/lockout.ts'
import { type Broker, type Sections, startBroker } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { addPeople } from '../real/people.ts'
import { ask, loginRequest, type Reply } from '../real/radius-socket.ts'

const ATTACK_SECONDS = 120
/** How long it lasts here. All times of the configuration are as much shorter as the attack. */
const SECONDS = Number(process.env.OCBROKER_ATTACK_SECONDS ?? 20)
const LOGINS = 100
/** Milliseconds from an answer to the next request of an attacking address. */
const PAUSE_MS = 20

const PASSWORD = 'correct horse battery'
const SEED = Buffer.from('12345678901234567890')
const REJECT = 'Access-Reject'
const ACCEPT = 'Access-Accept'
const CHALLENGE = 'Access-Challenge'

const OWNER = 'owner'
const HOME = '2001:db8:77:1::7'
const ATTACKERS = [
  ...['203.0.113.1', '203.0.113.2', '198.51.100.9', '192.0.2.1'],
  // Two are in the /56 of the owner's home, and one more in its /48.
  ...['2001:db8:77:2::1', '2001:db8:77:3::1', '2001:db8:77:f00::1', '2001:db8:88::1'],
]
const NEW_ADDRESS = '198.18.0.1'

/** The defaults, by which the rates come first; and so much room in them that the lockouts do. */
const CONFIGURATIONS = [
  ['the default limits', { user: 10, address: 30 }, {}, []],
  [
    'rates that let all lockouts come',
    { user: 6000, address: 6000 },
    { after: 14, hard_after: 40 },
    ['user: password_known'],
  ],
] as const

/** @param shorter all times are so many times shorter. */
function configuration(
  shorter: number,
  rates: { user: number; address: number },
  lockout: Sections,
): Sections {
  const seconds = (value: number) => `${Math.round(value / shorter)}s`
  return {
    limits: { user: `${rates.user}/${seconds(60)}`, address: `${rates.address}/${seconds(60)}` },
    lockout: { ...lockout, within: seconds(600), for: seconds(300), up_to: seconds(3600) },
    second_factor: { answer_within: seconds(120) },
  }
}

async function brokerWith(sections: Sections): Promise<Broker> {
  const broker = await startBroker({ sections: { ...sections, radius: { deadline: '20s' } } })
  onTestFinished(broker.stop)
  await addPeople(broker, [{ name: OWNER, password: PASSWORD, enrolled: false }])
  // Codes by counter: the owner can log in more often than once in 30 s.
  const file = broker.folder.file('users.oath')
  writeFileSync(file, `HOTP\t${OWNER}\t-\t${SEED.toString('hex')}\n`, { mode: 0o600 })
  expect(await broker.run(['user', 'import', file, '--format', 'oath'])).toMatchObject({ code: 0 })
  return broker
}

function loginsAt({ secret, authPort }: Broker) {
  let counter = 0
  const login = async (password: string, from: string, state?: Buffer): Promise<Reply> => {
    const request = loginRequest({ secret, user: OWNER, password, from, state, signed: true })
    return (await ask(authPort, request, { tries: 10 })) ?? expect.unreachable('no answer')
  }
  return {
    login,
    /** Both factors right. @returns the last answer. */
    async enter(from = HOME): Promise<string> {
      const { code, state } = await login(PASSWORD, from)
      if (code !== CHALLENGE) return code
      counter += 1
      const typed = generateSync({ strategy: 'hotp', secret: SEED, counter })
      return (await login(typed, from, state)).code
    },
    /** The right password and a wrong code. @returns the last answer. */
    async wrongCode(from: string): Promise<string> {
      const { code, state } = await login(PASSWORD, from)
      return code === CHALLENGE ? (await login('no code', from, state)).code : code
    },
  }
}

describe.each(CONFIGURATIONS)('with %s', (_, rates, lockout, causes) => {
  test(`a user at a known address gets in ${LOGINS} of ${LOGINS} times during ${ATTACK_SECONDS} s of an attack from 8 addresses, with and without the password`, {
    timeout: (SECONDS + 120) * 1000,
  }, async () => {
    const broker = await brokerWith(configuration(ATTACK_SECONDS / SECONDS, rates, lockout))
    const { login, enter, wrongCode } = loginsAt(broker)
    expect(await enter(), 'before the attack').toBe(ACCEPT)
    let isOver = false
    const ways = [
      async (from: string) => (await login('a wrong password', from)).code,
      wrongCode,
      // A prompt that nobody answers.
      async (from: string) => (await login(PASSWORD, from)).code,
    ]
    const attacks = ATTACKERS.map(async (from, index) => {
      const answers: string[] = []
      for (let turn = index; !isOver; turn++) {
        answers.push((await ways[turn % ways.length]?.(from)) ?? '')
        await sleep(PAUSE_MS)
      }
      return answers
    })
    const startedAt = performance.now()
    const got: string[] = []
    for (let login = 0; login < LOGINS; login++) {
      await sleep(Math.max(0, startedAt + (login * SECONDS * 1000) / LOGINS - performance.now()))
      got.push(await enter())
    }
    isOver = true
    const answers = (await Promise.all(attacks)).flat()
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    const all = (await broker.ocbroker(['audit', '--user', OWNER, '--limit', '1000'])) as AuditEvent[]
    const guesses = all.filter(({ reason }) => reason === 'bad_credentials' || reason === 'wrong_code').length
    console.log(
      `${LOGINS} logins in ${seconds} s beside ${answers.length} attacks, ${guesses} of them guesses`,
    )
    expect(got.filter((code) => code !== ACCEPT)).toEqual([])
    expect(answers).not.toContain(ACCEPT)
    expect(guesses, 'of attacks that the limits let through').toBeGreaterThan(0)
    expect(answers.length, 'attacks').toBeGreaterThan(LOGINS)
    const lockouts = (await broker.ocbroker(['lockout', 'list'])) as readonly Lockout[]
    const found = lockouts.map(({ scope, cause }) => `${scope}: ${cause}`)
    expect(found).toEqual(expect.arrayContaining([...causes]))
    if (causes.length > 0) expect(await enter(NEW_ADDRESS)).toBe(REJECT)
  })
})

test('a thief of a password is shut out by wrong codes, the desk is told, and only a person shuts the owner out', async () => {
  const port = await freePort()
  const broker = await brokerWith({
    http: { port },
    limits: { user: '1000/1s', address: '1000/1s' },
    lockout: { after: 10, user_after: 1000, address_after: 1000, hard_after: 10 },
  })
  const { enter, wrongCode } = loginsAt(broker)
  const owner = () => enter()
  expect(await owner()).toBe(ACCEPT)
  const thief = (from: number) => wrongCode(ATTACKERS[from % ATTACKERS.length] ?? '')
  for (let guess = 0; guess < 9; guess++) {
    expect(await thief(guess), `guess ${guess}`).toBe(CHALLENGE)
    expect(await owner(), 'whose logins take none of them back').toBe(ACCEPT)
  }
  expect(await thief(9)).toBe(REJECT)
  expect(await thief(10)).toBe(REJECT)
  expect(await enter(NEW_ADDRESS), 'with both factors, from an address that is new').toBe(REJECT)
  expect(await owner()).toBe(ACCEPT)

  const [lockout, ...more] = (await broker.ocbroker(['lockout', 'list'])) as readonly Lockout[]
  expect(more).toEqual([])
  expect(lockout).toMatchObject({ user: OWNER, scope: 'user', cause: 'password_known' })
  const { stdout } = await broker.run(['lockout', 'list'])
  expect(stdout).toContain('the password of this user is known to somebody')
  const made = (await broker.ocbroker(['audit', '--user', OWNER, '--kind', 'lockout.made'])) as AuditEvent[]
  expect(made).toMatchObject([
    { reason: 'password_known', detail: expect.stringContaining('known to somebody') },
  ])

  const scopes = ['lockouts:read', 'lockouts:write']
  const create = await broker.ocbroker(['token', 'create', '--name', 'desk', '--scope', ...scopes])
  const call = async (path: string, body?: object) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${(create as { token: string }).token}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      body: body && JSON.stringify(body),
    })
    expect(answer.ok, `${path}: ${answer.status}`).toBe(true)
    return answer.json()
  }
  expect(await call(`/lockouts?user=${OWNER}&state=in_force`)).toMatchObject({
    items: [{ cause: 'password_known', reason: expect.stringContaining('known to somebody') }],
  })
  const byHand = (await call('/lockouts', { scope: 'user', user: OWNER, reason: 'has left' })) as Lockout
  expect(await owner(), 'whom a person has locked').toBe(REJECT)
  await call(`/lockouts/${byHand.id}/release`, { reason: 'is back' })
  expect(await owner()).toBe(ACCEPT)
  await call(`/lockouts/${lockout?.id}/release`, { reason: 'has a new password' })
  expect(await enter(NEW_ADDRESS)).toBe(ACCEPT)
})
