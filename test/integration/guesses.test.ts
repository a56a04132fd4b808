import { DatabaseSync } from 'node:sqlite'
import { generateSync } from 'otplib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Broker, type Sections, startBroker } from '../real/broker.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { ask, type LoginRequest, loginRequest, type Reply } from '../real/radius-socket.ts'

const PASSWORD = 'correct horse'
/** So high that no other limit comes before the one that a test is about. */
const NO_RATES = { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' }
const NO_LOCKOUTS = { after: 9999, user_after: 9999, address_after: 9999, hard_after: 9999 }
/** The machine's cores decide how fast hashes are made: a flood of hundreds must wait, not fail. */
const PATIENT = { radius: { deadline: '60s' }, passwords: { waiting: 1000 } }
const GENEROUS = { limits: NO_RATES, lockout: NO_LOCKOUTS }

async function brokerWith(sections: Sections, ...names: string[]): Promise<[Broker, ...TestPerson[]]> {
  const broker = await startBroker({ sections: { ...PATIENT, ...sections } })
  onTestFinished(broker.stop)
  return [
    broker,
    ...(await addPeople(
      broker,
      names.map((name) => ({ name, password: PASSWORD })),
    )),
  ]
}

/** All at the same moment, each from a socket of its own. */
function inParallel(
  broker: Broker,
  count: number,
  login: (number: number) => Omit<LoginRequest, 'secret'>,
): Promise<(Reply | undefined)[]> {
  const requests = Array.from({ length: count }, (_, number) =>
    loginRequest({ secret: broker.secret, ...login(number) }),
  )
  return Promise.all(requests.map((request) => ask(broker.authPort, request, { tries: 20 })))
}

function counted(replies: readonly (Reply | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const reply of replies) {
    const code = reply?.code ?? 'no answer'
    counts[code] = (counts[code] ?? 0) + 1
  }
  return counts
}

/** Audit events of a user by reason: `bad_credentials` is what the password check says, and nothing else does. */
function eventsOf(broker: Broker, user: string): Record<string, number> {
  const database = new DatabaseSync(broker.database, { readOnly: true })
  try {
    const rows = database
      .prepare(
        'select coalesce(reason, kind) as what, count(*) as times from audit_events where user_name = ? group by 1',
      )
      .all(user)
    return Object.fromEntries(rows.map(({ what, times }) => [String(what), Number(times)]))
  } finally {
    database.close()
  }
}

describe('of 200 guesses at the same moment', () => {
  const guess = (number: number) => ({ user: 'alice', password: `guess number ${number}` })

  test('5 reach the password check where 5 failures lock', async () => {
    const [broker] = await brokerWith({ limits: NO_RATES, lockout: { after: 5 } }, 'alice')
    const replies = await inParallel(broker, 200, guess)
    expect(counted(replies)).toEqual({ 'Access-Reject': 200 })
    expect(eventsOf(broker, 'alice')).toMatchObject({ bad_credentials: 5, failures: 1 })
    expect(await broker.ocbroker(['lockout', 'list'])).toMatchObject([
      { user: 'alice', address: '198.51.100.1', scope: 'user_address' },
    ])
    const right = await ask(
      broker.authPort,
      loginRequest({ secret: broker.secret, user: 'alice', password: PASSWORD }),
    )
    expect(right).toMatchObject({ code: 'Access-Reject' })
  })

  test('5 reach the password check, wherever they come from, where 5 failures of a user lock', async () => {
    const [broker] = await brokerWith({ limits: NO_RATES, lockout: { after: 5, user_after: 5 } }, 'alice')
    await inParallel(broker, 200, (number) => ({ ...guess(number), from: `198.51.100.${number}` }))
    expect(eventsOf(broker, 'alice')).toMatchObject({ bad_credentials: 5 })
    expect(await broker.ocbroker(['lockout', 'list'])).toMatchObject([{ user: 'alice', scope: 'user' }])
  })

  test('5 reach the password check, however the name is written', async () => {
    const [broker] = await brokerWith({ limits: NO_RATES, lockout: { after: 5 } }, 'alice')
    const spellings = ['alice', 'ALICE', 'alice@example.org', 'CORP\\Alice', 'ａｌｉｃｅ']
    await inParallel(broker, 200, (number) => ({
      user: spellings[number % spellings.length] ?? '',
      password: `guess number ${number}`,
    }))
    expect(eventsOf(broker, 'alice')).toMatchObject({ bad_credentials: 5 })
  })

  test('5 reach the password check where an address may fail 5 times', async () => {
    const people = Array.from({ length: 20 }, (_, number) => `user${number}`)
    const lockout = { ...NO_LOCKOUTS, after: 5, user_after: 5, address_after: 5 }
    const [broker] = await brokerWith({ limits: NO_RATES, lockout }, ...people)
    await inParallel(broker, 200, (number) => ({
      user: people[number % people.length] ?? '',
      password: `guess number ${number}`,
    }))
    const checked = people.map((user) => eventsOf(broker, user).bad_credentials ?? 0)
    expect(checked.reduce((sum, count) => sum + count)).toBe(5)
    expect(await broker.ocbroker(['lockout', 'list'])).toMatchObject([
      { address: '198.51.100.1', scope: 'address' },
    ])
  })

  for (const [limit, limits] of [
    // The other half is for known addresses.
    ['a stranger', { ...NO_RATES, user: '10/1m' }],
    ['an address', { ...NO_RATES, address: '5/1m' }],
    ['a gateway', { ...NO_RATES, gateway: '5/1m' }],
  ] as const) {
    test(`5 reach the password check where ${limit} has 5 attempts a minute`, async () => {
      const [broker] = await brokerWith({ limits, lockout: NO_LOCKOUTS }, 'alice')
      const replies = await inParallel(broker, 200, guess)
      expect(counted(replies)).toEqual({ 'Access-Reject': 200 })
      // A flood leaves one event for the window, not one a packet.
      await expect.poll(() => eventsOf(broker, 'alice')).toEqual({ bad_credentials: 5, rate_limited: 1 })
    })
  }

  test('all reach it without limits, so that the numbers above mean something', async () => {
    const [broker] = await brokerWith(GENEROUS, 'alice')
    await inParallel(broker, 200, guess)
    expect(eventsOf(broker, 'alice')).toEqual({ bad_credentials: 200 })
  })
})

describe('wrong codes', () => {
  test('lock as wrong passwords do, over any number of challenges at once', async () => {
    const [broker] = await brokerWith({ limits: NO_RATES, lockout: { after: 5 } }, 'alice')
    const challenges = await inParallel(broker, 5, () => ({ user: 'alice', password: PASSWORD }))
    expect(counted(challenges)).toEqual({ 'Access-Challenge': 5 })
    let open = challenges
    for (let round = 0; round < 4 && open.length > 0; round++) {
      const answers = await inParallel(broker, open.length, (number) => ({
        user: 'alice',
        password: '000000',
        state: open[number]?.state,
      }))
      open = answers.filter((reply) => reply?.code === 'Access-Challenge')
    }
    expect(eventsOf(broker, 'alice')).toMatchObject({ wrong_code: 5 })
    expect(await broker.ocbroker(['lockout', 'list'])).toMatchObject([{ user: 'alice' }])
  })
})

describe('of 500 uses of one right code at the same moment', () => {
  for (const [mode, typed] of [
    ['only', (code: string) => code],
    ['append', (code: string) => PASSWORD + code],
  ] as const) {
    test(`one is let in (mode: ${mode})`, async () => {
      const [broker, alice] = await brokerWith({ ...GENEROUS, second_factor: { mode } }, 'alice')
      const password = typed(generateSync({ secret: alice?.key ?? '' }))
      const replies = await inParallel(broker, 500, () => ({ user: 'alice', password }))
      expect(counted(replies)).toEqual({ 'Access-Accept': 1, 'Access-Reject': 499 })
      expect(eventsOf(broker, 'alice')).toEqual({ 'login.accepted': 1, code_used: 499 })
      expect(await broker.ocbroker(['session', 'list'])).toHaveLength(1)
    })
  }

  test('one is let in where all answer the same challenge', async () => {
    const [broker, alice] = await brokerWith({ ...GENEROUS, second_factor: { mode: 'challenge' } }, 'alice')
    const [challenge] = await inParallel(broker, 1, () => ({ user: 'alice', password: PASSWORD }))
    const password = generateSync({ secret: alice?.key ?? '' })
    const state = challenge?.state
    const replies = await inParallel(broker, 500, () => ({ user: 'alice', password, state }))
    expect(counted(replies)).toEqual({ 'Access-Accept': 1, 'Access-Reject': 499 })
    expect(eventsOf(broker, 'alice')).toMatchObject({ 'login.accepted': 1, challenge_expired: 499 })
  })

  test('one is let in with a recovery code', async () => {
    const [broker, alice] = await brokerWith({ ...GENEROUS, second_factor: { mode: 'only' } }, 'alice')
    const password = alice?.recoveryCodes[0] ?? ''
    const replies = await inParallel(broker, 500, () => ({ user: 'alice', password }))
    expect(counted(replies)).toEqual({ 'Access-Accept': 1, 'Access-Reject': 499 })
  })
})

test('of 100 uses of one right code, each for a challenge of its own, one is let in', async () => {
  const [broker, alice] = await brokerWith({ ...GENEROUS, second_factor: { mode: 'challenge' } }, 'alice')
  const challenges = await inParallel(broker, 100, () => ({ user: 'alice', password: PASSWORD }))
  expect(counted(challenges)).toEqual({ 'Access-Challenge': 100 })
  const password = generateSync({ secret: alice?.key ?? '' })
  const replies = await inParallel(broker, 100, (number) => ({
    user: 'alice',
    password,
    state: challenges[number]?.state,
  }))
  expect(counted(replies)).toEqual({ 'Access-Accept': 1, 'Access-Challenge': 99 })
  expect(await broker.ocbroker(['session', 'list'])).toHaveLength(1)
})

test('a user who is disabled between password and code is not let in by the right code', async () => {
  const [broker, alice] = await brokerWith(GENEROUS, 'alice')
  const { secret } = broker
  const challenge = await ask(broker.authPort, loginRequest({ secret, user: 'alice', password: PASSWORD }))
  await broker.run(['user', 'disable', 'alice'])
  const password = generateSync({ secret: alice?.key ?? '' })
  const answer = loginRequest({ secret, user: 'alice', password, state: challenge?.state })
  expect(await ask(broker.authPort, answer)).toMatchObject({ code: 'Access-Reject' })
})
