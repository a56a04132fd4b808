import { describe, expect, it } from 'vitest'
import type { FirstFactorAnswer, FirstFactorContext } from '../../src/domain/person.ts'
import type { Decision } from '../../src/login/decide.ts'
import { type House, type HouseOptions, openHouse } from './house.ts'

const RIGHT: FirstFactorAnswer = { kind: 'right', account: { groups: [], attributes: {} } }

/** A broker whose identity store asks for a word of its own before it says yes; any other word is asked for again. */
async function askingHouse(options: HouseOptions = {}): Promise<House & { contexts: FirstFactorContext[] }> {
  const house = await openHouse({ required: false, ...options })
  const contexts: FirstFactorContext[] = []
  house.people.store = {
    ...house.people.store,
    async authenticate(_name, password, _deadline, context = {}) {
      contexts.push(context)
      if (context.state === undefined)
        return password.reveal() === 'right'
          ? { kind: 'challenged', prompt: 'Say the word.', state: 'first' }
          : { kind: 'wrong', detail: 'wrong password' }
      if (password.reveal() === 'word') return RIGHT
      if (password.reveal() === 'no') return { kind: 'wrong', detail: 'rejected' }
      return { kind: 'challenged', state: `${context.state}+` }
    },
  }
  return { ...house, contexts }
}

function stateOf(decision: Decision): string {
  return decision.kind === 'challenge'
    ? decision.state
    : expect.unreachable(`${decision.kind} is no challenge`)
}

const reasonOf = (decision: Decision) => (decision.kind === 'refusal' ? decision.reason : decision.kind)

describe("an identity store's own question", () => {
  it('is put in its words, and its answer goes back to it with its state', async () => {
    const { login, contexts } = await askingHouse()
    const question = await login('right')
    expect(question).toMatchObject({ kind: 'challenge', prompt: { kind: 'store', text: 'Say the word.' } })
    expect(stateOf(question)).not.toContain('first')
    expect(await login('word', { state: stateOf(question) })).toMatchObject({ kind: 'grant' })
    const who = { gateway: 'gw1', address: '198.51.100.7' }
    expect(contexts).toEqual([who, { ...who, state: 'first' }])
  })

  it('is no failure the first time, and one each time that it is asked again', async () => {
    const { login, records } = await askingHouse()
    const failures = async () => (await records.audit.list({ kind: 'login.refused', limit: 99 })).length
    let question = await login('right')
    expect(await failures()).toBe(0)
    question = await login('what?', { state: stateOf(question) })
    question = await login('what?', { state: stateOf(question) })
    expect(question).toMatchObject({ prompt: { kind: 'store', text: undefined } })
    expect(await failures()).toBe(2)
    expect(await login('word', { state: stateOf(question) })).toMatchObject({ kind: 'grant' })
  })

  it('locks whoever guesses at it, as any password does', async () => {
    const { login } = await askingHouse({ rules: { after: 3 } })
    let answer = await login('right')
    for (let guesses = 0; guesses < 3; guesses += 1) answer = await login('guess', { state: stateOf(answer) })
    expect(reasonOf(answer)).toBe('locked')
    expect(reasonOf(await login('right'))).toBe('locked')
  })

  it('is not asked without end', async () => {
    const { login, contexts } = await askingHouse({
      rules: { after: 100, userAfter: 100, addressAfter: 100 },
    })
    let answer = await login('right')
    while (answer.kind === 'challenge') answer = await login('what?', { state: answer.state })
    expect(reasonOf(answer)).toBe('wrong_code')
    expect(contexts).toHaveLength(9)
  })

  it('can be answered with no, and by nothing typed at all', async () => {
    const { login, contexts } = await askingHouse()
    const again = await login('', { state: stateOf(await login('right')) })
    expect(contexts).toHaveLength(2)
    expect(await login('no', { state: stateOf(again) })).toMatchObject({
      reason: 'bad_credentials',
      detail: 'people: rejected',
    })
  })

  it('is answered once, by the user who was asked, from where they were asked', async () => {
    const { login, contexts } = await askingHouse()
    for (const other of [{ user: 'eve' }, { gateway: 'gw2' }, { address: '192.0.2.9' }]) {
      const state = stateOf(await login('right'))
      expect(reasonOf(await login('word', { state, ...other }))).toBe('challenge_mismatch')
      expect(reasonOf(await login('word', { state }))).toBe('challenge_expired')
    }
    expect(contexts.filter(({ state }) => state !== undefined)).toEqual([])
  })

  it('is over when the store that asked is asked no more', async () => {
    const house = await askingHouse()
    const state = stateOf(await house.login('right'))
    house.people.store = { ...house.people.store, name: 'others' }
    expect(reasonOf(await house.login('word', { state }))).toBe('challenge_expired')
  })

  it.each(['challenge', 'either', 'append'] as const)(
    "is followed by the broker's own for whoever has an authenticator, in %s mode",
    async (mode) => {
      const house = await askingHouse({ mode, required: true })
      await house.enrol('bob')
      const typed = mode === 'append' ? `right${house.code()}` : 'right'
      const code = await house.login('word', { state: stateOf(await house.login(typed)) })
      expect(code).toMatchObject({ prompt: { kind: 'enter_code' } })
      expect(await house.login(house.code(), { state: stateOf(code) })).toMatchObject({ kind: 'grant' })
    },
  )

  it('does not stand in for a second factor that is required', async () => {
    const { login } = await askingHouse({ required: true })
    const answer = await login('word', { state: stateOf(await login('right')) })
    expect(reasonOf(answer)).toBe('no_second_factor')
  })
})
