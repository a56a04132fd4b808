import { describe, expect, it } from 'vitest'
import type { FirstFactorAnswer, FirstFactorContext } from '../../src/domain/identity-provider.ts'
import type { Decision } from '../../src/login/flow.ts'
import { createLoginFixture, type LoginFixture, type LoginFixtureOptions } from './fixture.ts'

const RIGHT: FirstFactorAnswer = { kind: 'right', account: { groups: [], attributes: {} } }

/** A broker whose identity store asks for a word of its own before it says yes; any other word is asked for again. */
async function challengingFixture(
  options: LoginFixtureOptions = {},
): Promise<LoginFixture & { contexts: FirstFactorContext[] }> {
  const fixture = await createLoginFixture({ required: false, ...options })
  const contexts: FirstFactorContext[] = []
  fixture.people.store = {
    ...fixture.people.store,
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
  return { ...fixture, contexts }
}

function stateOf(decision: Decision): string {
  return decision.kind === 'challenge'
    ? decision.state
    : expect.unreachable(`${decision.kind} is no challenge`)
}

const reasonOf = (decision: Decision) => (decision.kind === 'refusal' ? decision.reason : decision.kind)

describe("an identity store's own question", () => {
  it('is shown in its words, and the answer goes back with its state', async () => {
    const { login, contexts } = await challengingFixture()
    const question = await login('right')
    expect(question).toMatchObject({ kind: 'challenge', prompt: { kind: 'store', text: 'Say the word.' } })
    expect(stateOf(question)).not.toContain('first')
    expect(await login('word', { state: stateOf(question) })).toMatchObject({ kind: 'grant' })
    const who = { gateway: 'gw1', address: '198.51.100.7' }
    expect(contexts).toMatchObject([who, { ...who, state: 'first' }])
    expect(contexts[0]).toHaveProperty('state', undefined)
  })

  it('is no failure, however often it is asked again', async () => {
    const { login, records } = await challengingFixture({ rules: { after: 2 } })
    let question = await login('right')
    for (let round = 0; round < 5; round += 1) question = await login('what?', { state: stateOf(question) })
    expect(question).toMatchObject({ prompt: { kind: 'store', text: undefined } })
    expect(await records.audit.list({ kinds: ['login.refused'], limit: 99 })).toEqual([])
    expect(await login('word', { state: stateOf(question) })).toMatchObject({ kind: 'grant' })
  })

  it('is asked twenty times in a login, and then the login has failed once', async () => {
    const { login, contexts, records } = await challengingFixture()
    let answer = await login('right')
    for (let round = 1; round < 20; round += 1) answer = await login('what?', { state: stateOf(answer) })
    expect(contexts).toHaveLength(20)
    expect(reasonOf(await login('what?', { state: stateOf(answer) }))).toBe('wrong_code')
    expect(await records.audit.list({ kinds: ['login.refused'], limit: 99 })).toHaveLength(1)
  })

  it('locks after logins that failed at it, as any password does', async () => {
    const { login } = await challengingFixture({ rules: { after: 3 } })
    for (let guesses = 0; guesses < 3; guesses += 1)
      await login('no', { state: stateOf(await login('right')) })
    expect(reasonOf(await login('right'))).toBe('locked')
  })

  it('can be answered with no, and by nothing typed at all', async () => {
    const { login, contexts } = await challengingFixture()
    const again = await login('', { state: stateOf(await login('right')) })
    expect(contexts).toHaveLength(2)
    expect(await login('no', { state: stateOf(again) })).toMatchObject({
      reason: 'bad_credentials',
      detail: 'people: rejected',
    })
  })

  it('is answered once, by the user who was asked, from where they were asked', async () => {
    const { login, contexts } = await challengingFixture()
    for (const other of [{ user: 'eve' }, { gateway: 'gw2' }, { address: '192.0.2.9' }]) {
      const state = stateOf(await login('right'))
      expect(reasonOf(await login('word', { state, ...other }))).toBe('challenge_mismatch')
      expect(reasonOf(await login('word', { state }))).toBe('challenge_expired')
    }
    expect(contexts.filter(({ state }) => state !== undefined)).toEqual([])
  })

  it('ends when the store that asked is no longer configured', async () => {
    const fixture = await challengingFixture()
    const state = stateOf(await fixture.login('right'))
    fixture.people.store = { ...fixture.people.store, name: 'others' }
    expect(reasonOf(await fixture.login('word', { state }))).toBe('challenge_expired')
  })

  it.each(['challenge', 'either', 'append'] as const)(
    "is followed by the broker's own for a user with an authenticator, in %s mode",
    async (mode) => {
      const fixture = await challengingFixture({ mode, required: true })
      await fixture.enrol('bob')
      const typed = mode === 'append' ? `right${fixture.code()}` : 'right'
      const code = await fixture.login('word', { state: stateOf(await fixture.login(typed)) })
      expect(code).toMatchObject({ prompt: { kind: 'enter_code' } })
      expect(await fixture.login(fixture.code(), { state: stateOf(code) })).toMatchObject({ kind: 'grant' })
    },
  )

  it('does not stand in for a second factor that is required', async () => {
    const { login } = await challengingFixture({ required: true })
    const answer = await login('word', { state: stateOf(await login('right')) })
    expect(reasonOf(answer)).toBe('no_second_factor')
  })
})
