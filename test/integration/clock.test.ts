import { generateSync } from 'otplib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Installation, install, type RunningBroker } from '../real/broker.ts'
import { temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { ask, loginRequest, type Reply, radiusSocket } from '../real/radius-socket.ts'
import { FAKETIME, type SteppedClock, steppedClock } from '../real/stepped-clock.ts'

const PASSWORD = 'correct horse'
const HOUR = 3_600_000
const NAMES = ['steps', 'forth', 'limited', 'challenged', 'locked', 'repeats', 'fast']

describeWith([FAKETIME], 'a wall clock that is stepped by an hour', () => {
  const folder = temporaryFolder('clock')
  let clock: SteppedClock
  let installation: Installation
  let broker: RunningBroker | undefined
  const people = new Map<string, TestPerson>()

  beforeAll(async () => {
    clock = steppedClock(folder)
    installation = await install({
      place: clock.place,
      sections: {
        second_factor: { mode: 'either' },
        limits: { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' },
        lockout: { after: 3, within: '10m', for: '5m' },
      },
    })
    for (const person of await addPeople(
      installation,
      NAMES.map((name) => ({ name, password: PASSWORD })),
    ))
      people.set(person.name, person)
    broker = await installation.serve()
  })
  afterAll(async () => {
    await broker?.stop()
    await installation.remove()
    await folder.remove()
  })
  beforeEach(() => clock.step(0))

  /** The code that an authenticator shows whose clock is `off` milliseconds from the true time. */
  function codeOf(user: string, off = 0): string {
    const secret = people.get(user)?.key ?? ''
    return generateSync({ secret, epoch: Math.floor((Date.now() + off) / 1000) })
  }

  function login(user: string, password: string, state?: Buffer): Promise<Reply | undefined> {
    return ask(installation.authPort, loginRequest({ secret: installation.secret, user, password, state }))
  }

  async function codeAfterLogin(user: string, password: string): Promise<string | undefined> {
    return (await login(user, password))?.code
  }

  test('refuses the codes of right authenticators while it is wrong, and takes them when it is right', async () => {
    for (const step of [HOUR, -HOUR]) {
      clock.step(step)
      expect(await codeAfterLogin('steps', PASSWORD + codeOf('steps'))).not.toBe('Access-Accept')
    }
    clock.step(0)
    expect(await codeAfterLogin('steps', PASSWORD + codeOf('steps'))).toBe('Access-Accept')
  })

  test('never takes a code twice: one from the time that never was keeps older ones out', async () => {
    clock.step(HOUR)
    expect(await codeAfterLogin('forth', PASSWORD + codeOf('forth', HOUR))).toBe('Access-Accept')
    clock.step(0)
    expect(await codeAfterLogin('forth', PASSWORD + codeOf('forth'))).not.toBe('Access-Accept')
    const recovery = people.get('forth')?.recoveryCodes[0] ?? ''
    const challenge = await login('forth', PASSWORD)
    expect(await login('forth', recovery, challenge?.state)).toMatchObject({ code: 'Access-Accept' })
  })

  test('keeps the drift of a token, which two codes in a row have shown, also after a new start', async () => {
    const FAST = 90_000
    const first = await login('fast', PASSWORD)
    const second = await login('fast', codeOf('fast', FAST), first?.state)
    expect(second).toMatchObject({ code: 'Access-Challenge' })
    const third = await login('fast', codeOf('fast', FAST + 30_000), second?.state)
    expect(third).toMatchObject({ code: 'Access-Accept' })
    await broker?.stop()
    broker = await installation.serve()
    clock.step(60_000)
    expect(await codeAfterLogin('fast', PASSWORD + codeOf('fast', 60_000)), 'of a right clock').not.toBe(
      'Access-Accept',
    )
    expect(await codeAfterLogin('fast', PASSWORD + codeOf('fast', 60_000 + FAST))).toBe('Access-Accept')
  })

  test('neither lifts nor extends a limit', async () => {
    for (let tries = 0; tries < 2; tries++) await login('limited', 'wrong')
    const before = await login('limited', PASSWORD)
    expect(before).toMatchObject({ code: 'Access-Challenge' })
    for (const step of [HOUR, -HOUR]) {
      clock.step(step)
      expect(await login('limited', PASSWORD), 'two of three failures still count').toMatchObject({
        code: 'Access-Challenge',
      })
    }
    clock.step(HOUR)
    await login('limited', 'wrong')
    expect(await login('limited', PASSWORD), 'the third locks').toMatchObject({ code: 'Access-Reject' })
  })

  test('leaves a challenge open for as long as it was to be', async () => {
    for (const step of [HOUR, -HOUR]) {
      clock.step(0)
      const challenge = await login('challenged', PASSWORD)
      expect(challenge).toMatchObject({ code: 'Access-Challenge' })
      clock.step(step)
      // Back in time its codes are older than the one that was spent: that one step is refused, not the challenge.
      const answer = await login('challenged', codeOf('challenged', step), challenge?.state)
      expect(answer?.code).toBe(step > 0 ? 'Access-Accept' : 'Access-Challenge')
    }
  })

  test('ends a lock early or late by as much, as its end stands in the records', async () => {
    for (let tries = 0; tries < 3; tries++) await login('locked', 'wrong')
    expect(await login('locked', PASSWORD)).toMatchObject({ code: 'Access-Reject' })
    clock.step(-HOUR)
    expect(await login('locked', PASSWORD), 'an hour back').toMatchObject({ code: 'Access-Reject' })
    clock.step(HOUR)
    expect(await login('locked', PASSWORD), 'an hour on').toMatchObject({ code: 'Access-Challenge' })
    clock.step(0)
    expect(await login('locked', PASSWORD), 'right again').toMatchObject({ code: 'Access-Reject' })
  })

  test('gives a retransmit the answer that the request had', async () => {
    const socket = await radiusSocket(installation.authPort)
    try {
      const password = PASSWORD + codeOf('repeats')
      const { octets } = loginRequest({ secret: installation.secret, user: 'repeats', password })
      socket.send(octets)
      const first = await socket.next(10_000)
      expect(first).toBeDefined()
      for (const step of [HOUR, -HOUR]) {
        clock.step(step)
        socket.send(octets)
        expect((await socket.next(10_000))?.equals(first ?? Buffer.alloc(0))).toBe(true)
      }
    } finally {
      socket.close()
    }
  })
})
