import { describe, expect, test } from 'vitest'
import { recoveryCodeHash } from '../../src/domain/enrolment.ts'
import { invitationHash } from '../../src/domain/invitation.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { WORDS } from '../../src/domain/words.ts'
import type { Decision } from '../../src/login/decide.ts'
import { openHouse } from './house.ts'

const CODE = /^[A-HJKMNP-Z2-9]{4}-[A-HJKMNP-Z2-9]{4}$/

/** What the prompt shows, and the State to answer it under. */
function promptOf(decision: Decision): { code: string; state: string; again: boolean; page: string } {
  if (decision.kind !== 'challenge' || decision.prompt.kind !== 'enrol')
    return expect.unreachable(`${JSON.stringify(decision)} asks nobody to enrol`)
  const { code, again, page } = decision.prompt
  return { code: code.reveal(), state: decision.state, again, page }
}

const reasonOf = (answer: { readonly kind: string; readonly reason?: string }) => answer.reason ?? answer.kind

const enrolling = (more: Parameters<typeof openHouse>[0] = {}) => openHouse({ enrolsAtLogin: true, ...more })

describe('a login of a user without an authenticator', () => {
  test('shows where to enrol and a code; the code of the app then completes it', async () => {
    const house = await enrolling()
    const { code, state, page, again } = promptOf(await house.login('right'))
    expect(code).toMatch(CODE)
    expect({ page, again }).toEqual({ page: 'https://vpn.example/enrol', again: false })
    expect(await house.enter(code)).toMatchObject({
      ...{ kind: 'signed_in', factors: 1, leave: 'login' },
      person: { subject: 'bob', groups: [] },
    })
    await house.enrol('bob')
    expect(await house.login(house.code(), { state })).toMatchObject({ kind: 'grant' })
  })

  test('is asked with another code, as often as a code may be wrong, where the answer comes too early', async () => {
    const house = await enrolling()
    const first = promptOf(await house.login('right'))
    const second = promptOf(await house.login('123456', { state: first.state }))
    expect(second.again).toBe(true)
    expect(second.code).not.toBe(first.code)
    const third = promptOf(await house.login('', { state: second.state }))
    expect(await house.login('123456', { state: third.state })).toMatchObject({ reason: 'no_second_factor' })
    // There was nothing to be guessed, so nothing counts as a guess.
    expect(await house.records.lockouts.list({ limit: 9 })).toEqual([])
    expect(reasonOf(await house.enter(third.code))).toBe('bad_credentials')
  })

  test('is refused as before where enrolment within a login is off, and where the code stands alone', async () => {
    expect(reasonOf(await (await openHouse()).login('right'))).toBe('no_second_factor')
    const only = await enrolling({ mode: 'only' })
    expect(reasonOf(await only.login('123456'))).toBe('wrong_code')
  })

  test('is asked to enrol in the modes with the code behind the password, too', async () => {
    for (const mode of ['append', 'either'] as const) {
      const house = await enrolling({ mode })
      const { state } = promptOf(await house.login('right'))
      await house.enrol('bob')
      expect(reasonOf(await house.login(house.code(), { state }))).toBe('grant')
    }
  })

  test('learns nothing more by a wrong password than anybody else', async () => {
    const house = await enrolling()
    expect(await house.login('wrong')).toMatchObject({ kind: 'refusal', reason: 'bad_credentials' })
    expect(await house.login('wrong', { user: 'nobody' })).toMatchObject({ reason: 'bad_credentials' })
  })

  test('has a prompt that every ocserv can show, for an address as long as the configuration allows', () => {
    const page = `https://${'a'.repeat(56)}/enrol`
    for (const words of Object.values(WORDS)) {
      const prompts = [false, true].map((again) => words.enrol(page, 'ABCD-EFGH', again))
      expect(new Set(prompts).size).toBe(2)
      for (const prompt of prompts) {
        expect(prompt).not.toMatch(/[&<>]|^password:/i)
        expect(Buffer.byteLength(prompt)).toBeLessThanOrEqual(253)
        expect(prompt).toContain(page)
        expect(prompt).toContain('ABCD-EFGH')
      }
    }
  })
})

describe('the code of a prompt', () => {
  test('is taken in any spelling', async () => {
    const house = await enrolling()
    for (const spell of [
      (code: string) => code.toLowerCase(),
      (code: string) => code.replace('-', ''),
      (code: string) => ` ${code.replace('-', ' ')} `,
    ]) {
      const { code } = promptOf(await house.login('right'))
      expect(reasonOf(await house.enter(spell(code)))).toBe('signed_in')
    }
  })

  test('is good once', async () => {
    const house = await enrolling()
    const { code } = promptOf(await house.login('right'))
    expect(reasonOf(await house.enter(code))).toBe('signed_in')
    expect(reasonOf(await house.enter(code))).toBe('bad_credentials')
  })

  test('is good for nobody else', async () => {
    const house = await enrolling()
    house.people.passwords.set('eve', 'right too')
    const { code } = promptOf(await house.login('right'))
    expect(reasonOf(await house.enter(code, { user: 'eve' }))).toBe('bad_credentials')
    expect(reasonOf(await house.enter(code))).toBe('signed_in')
  })

  test('ends with its prompt: by an answer, by an answer from elsewhere, and by time', async () => {
    const house = await enrolling()
    const answered = promptOf(await house.login('right'))
    await house.login('123456', { state: answered.state })
    expect(reasonOf(await house.enter(answered.code))).toBe('bad_credentials')

    const stolen = promptOf(await house.login('right'))
    expect(reasonOf(await house.login('1', { state: stolen.state, address: '192.0.2.1' }))).toBe(
      'challenge_mismatch',
    )
    expect(reasonOf(await house.enter(stolen.code))).toBe('bad_credentials')

    const late = promptOf(await house.login('right'))
    house.passes(239_000)
    expect(reasonOf(await house.enter(late.code))).toBe('signed_in')
    const tooLate = promptOf(await house.login('right'))
    house.passes(240_000)
    expect(reasonOf(await house.enter(tooLate.code))).toBe('bad_credentials')
    expect(reasonOf(await house.login('123456', { state: tooLate.state }))).toBe('challenge_expired')
  })

  test('cannot be tried out: a wrong one counts as a wrong password, and a locked user has no way in', async () => {
    const house = await enrolling()
    const { code } = promptOf(await house.login('right'))
    for (let guess = 0; guess < 5; guess++)
      expect(reasonOf(await house.enter('aaaa-aaaa'))).toBe('bad_credentials')
    expect(await house.enter(code)).toMatchObject({ reason: 'locked', retryAfterMs: 300_000 })
    expect(await house.login('right')).toMatchObject({ reason: 'locked' })
    // No oracle either: whoever is unknown is counted and locked in the same way.
    for (let guess = 0; guess < 5; guess++)
      expect(reasonOf(await house.enter('aaaa-aaaa', { user: 'nobody' }))).toBe('bad_credentials')
    expect(reasonOf(await house.enter('aaaa-aaaa', { user: 'nobody' }))).toBe('locked')
  })
})

describe('an invitation', () => {
  const invite = async (house: Awaited<ReturnType<typeof openHouse>>, subject: string, code: string) =>
    house.records.invitations.put({
      ...{ id: systemRandom.id(), subject, hash: invitationHash(code), createdBy: 'alice' },
      ...{ createdAt: house.time.now, expiresAt: house.time.now + 3_600_000 },
    })

  test('lets its user enrol once, until it ends', async () => {
    const house = await openHouse()
    await invite(house, 'bob', 'abcd-efgh-jkmn-pqrs')
    expect(reasonOf(await house.enter('abcd-efgh-jkmn-pqrs', { user: 'eve' }))).toBe('bad_credentials')
    expect(await house.enter('ABCDEFGHJKMNPQRS')).toMatchObject({ kind: 'signed_in', leave: 'invitation' })
    expect(reasonOf(await house.enter('abcd-efgh-jkmn-pqrs'))).toBe('bad_credentials')
    await invite(house, 'bob', 'abcd-efgh-jkmn-pqrs')
    house.passes(3_600_000)
    expect(reasonOf(await house.enter('abcd-efgh-jkmn-pqrs'))).toBe('bad_credentials')
  })
})

describe('a code that is shown once more', () => {
  test('is the present one, once, or a recovery code', async () => {
    const house = await openHouse()
    await house.enrol('bob', 6, [recoveryCodeHash('bob', 'abcd-efgh-jkmn-pqrs')])
    expect(await house.showAgain(house.code())).toMatchObject({ kind: 'signed_in', factors: 2 })
    expect(reasonOf(await house.showAgain(house.code()))).toBe('code_used')
    expect(await house.showAgain('abcd-efgh-jkmn-pqrs')).toMatchObject({ kind: 'signed_in', factors: 2 })
    expect(reasonOf(await house.showAgain('abcd-efgh-jkmn-pqrs'))).toBe('wrong_code')
    // Nor at a gateway.
    const challenge = await house.login('right')
    const state = challenge.kind === 'challenge' ? challenge.state : ''
    expect(await house.login(house.code(), { state })).toMatchObject({ prompt: { kind: 'used_code' } })
  })

  test('counts as a guess where it is wrong', async () => {
    const house = await openHouse()
    await house.enrol('bob')
    for (let guess = 0; guess < 5; guess++)
      expect(reasonOf(await house.showAgain('000000'))).toBe('wrong_code')
    expect(reasonOf(await house.showAgain(house.code()))).toBe('locked')
    expect(reasonOf(await house.login('right'))).toBe('locked')
  })

  test('is no way in for somebody whose authenticator is gone', async () => {
    const house = await enrolling()
    expect(reasonOf(await house.showAgain('000000'))).toBe('no_second_factor')
  })
})
