import { describe, expect, test } from 'vitest'
import type { GraceRule } from '../../src/domain/grace.ts'
import { systemRandom } from '../../src/domain/random.ts'
import type { Decision } from '../../src/login/flow.ts'
import { createLoginFixture, type LoginFixture } from './fixture.ts'

const TWO: GraceRule = { kind: 'logins', most: 2 }

const graced = (more: Parameters<typeof createLoginFixture>[0] = {}) =>
  createLoginFixture({ grace: TWO, ...more })

function promptOf(decision: Decision) {
  return decision.kind === 'challenge'
    ? decision
    : expect.unreachable(`${JSON.stringify(decision)} is no prompt`)
}

const wordOf = (decision: Decision) =>
  decision.kind === 'grant'
    ? decision.waivedBy
    : decision.kind === 'refusal'
      ? decision.reason
      : decision.prompt.kind

/** The password, and Enter where something is asked. */
async function whole(fixture: LoginFixture): Promise<Decision> {
  const decision = await fixture.login('right')
  return decision.kind === 'challenge' ? fixture.login('', { state: decision.state }) : decision
}

async function invite({ records, time }: LoginFixture): Promise<void> {
  const { now: createdAt } = time
  await records.invitations.put({
    ...{ id: systemRandom.id(), subject: 'bob', hash: 'hash', createdAt, createdBy: 'test' },
    expiresAt: createdAt + 60_000,
  })
}

describe('a user who has no authenticator yet', () => {
  test('is told what is left, is let in that often, and then refused', async () => {
    const fixture = await graced()
    const { prompt, state } = promptOf(await fixture.login('right'))
    expect(prompt).toEqual({
      ...{ kind: 'grace', left: { kind: 'logins', left: 2 }, page: 'https://vpn.example' },
    })
    expect(wordOf(await fixture.login('', { state }))).toBe('grace')
    expect(wordOf(await whole(fixture))).toBe('grace')
    expect(wordOf(await whole(fixture))).toBe('no_second_factor')
    const events = await fixture.records.audit.list({ kinds: ['login.accepted'], limit: 9 })
    expect(events.map(({ reason, detail }) => [reason, detail])).toEqual([
      ['grace_used', 'policy everyone, people, let in by grace, 0 left'],
      ['grace_used', 'policy everyone, people, let in by grace, 1 left'],
    ])
  })

  test('is let in until the day is over', async () => {
    const fixture = await graced()
    const endsAt = fixture.time.now + 60_000
    const dated = await graced({ grace: { kind: 'until', day: '2026-12-31', endsAt } })
    expect(promptOf(await dated.login('right')).prompt).toMatchObject({
      left: { kind: 'until', day: '2026-12-31' },
    })
    for (let login = 0; login < 3; login += 1) expect(wordOf(await whole(dated))).toBe('grace')
    dated.passes(60_000)
    expect(wordOf(await whole(dated))).toBe('no_second_factor')
  })

  test('is asked to enrol first where that can be done within the login, and may press Enter', async () => {
    const fixture = await graced({ enrolsAtLogin: true })
    const first = promptOf(await fixture.login('right'))
    expect(first.prompt).toMatchObject({ kind: 'enrol', grace: { left: 2 } })
    const again = promptOf(await fixture.login('123456', { state: first.state }))
    expect(again.prompt).toMatchObject({ kind: 'enrol', again: true })
    expect(wordOf(await fixture.login('0', { state: again.state }))).toBe('grace')
    const { state } = promptOf(await fixture.login('right'))
    await fixture.enrol('bob')
    const decision = await fixture.login(fixture.code(), { state })
    expect([decision.kind, wordOf(decision)]).toEqual(['grant', undefined])
  })

  test('takes no failed guesses back by it', async () => {
    const fixture = await graced({ rules: { after: 3 } })
    for (let guess = 0; guess < 2; guess += 1) await fixture.login('wrong')
    expect(wordOf(await whole(fixture))).toBe('grace')
    await fixture.login('wrong')
    expect(wordOf(await fixture.login('right'))).toBe('locked')
  })

  test('and grace are foreseen by explain, which spends nothing', async () => {
    const fixture = await graced()
    for (let look = 0; look < 3; look += 1)
      expect((await fixture.explain({})).outcome).toMatchObject({
        kind: 'would_pass',
        words:
          'With the right password alone, by grace as there is no authenticator yet, the user gets in by policy everyone.',
      })
    const enrolling = await graced({ enrolsAtLogin: true })
    expect((await enrolling.explain({})).outcome).toMatchObject({
      words:
        'The user has no authenticator, and the login shows where to enrol one, or lets the user in by grace (2 left).',
    })
  })
})

describe('nobody is let in by grace', () => {
  test('whose authenticator was taken away, by the user or an administrator, unless invited', async () => {
    const fixture = await graced()
    await fixture.enrol('bob')
    await fixture.records.enrolments.revoke('bob')
    expect(wordOf(await whole(fixture))).toBe('no_second_factor')
    await invite(fixture)
    expect(wordOf(await whole(fixture))).toBe('grace')
    fixture.passes(60_000)
    expect(wordOf(await whole(fixture)), 'the invitation is over').toBe('no_second_factor')
  })

  test('whose passkey was taken away', async () => {
    const fixture = await graced()
    const passkey = {
      ...{ id: systemRandom.id(), subject: 'bob', name: 'key', credential: 'c', handle: 'h', publicKey: 'k' },
      ...{ counter: 0, rpId: 'vpn.example', createdAt: fixture.time.now },
    }
    await fixture.records.passkeys.add(passkey)
    expect(wordOf(await whole(fixture)), 'while there is one').toBe('no_second_factor')
    await fixture.records.passkeys.remove(passkey.id, 'bob')
    expect(wordOf(await whole(fixture))).toBe('no_second_factor')
  })

  test('who has enrolled while the prompt stood', async () => {
    const fixture = await graced()
    const { state } = promptOf(await fixture.login('right'))
    await fixture.enrol('bob')
    expect(wordOf(await fixture.login('', { state }))).not.toBe('grace')
  })

  test('at the moment of admission, where an authenticator was enrolled meanwhile', async () => {
    const { records, time } = await graced()
    const use = { kind: 'grace', subject: 'bob', most: 2, left: { kind: 'logins', left: 2 } } as const
    const admit = (id: string) =>
      records.login.admit({
        query: { user: 'bob', subjects: ['bob'], now: time.now },
        codeUse: use,
        event: { id, at: time.now, kind: 'login.accepted', user: 'bob' },
      })
    expect(await admit(systemRandom.id())).toMatchObject({ kind: 'admitted' })
    const fixture = await graced()
    await fixture.enrol('bob')
    const late = fixture.records.login.admit({
      query: { user: 'bob', subjects: ['bob'], now: time.now },
      codeUse: use,
      event: { id: systemRandom.id(), at: time.now, kind: 'login.accepted', user: 'bob' },
    })
    expect(await late).toEqual({ kind: 'code_used' })
  })

  test('who has a role at the desk', async () => {
    const fixture = await graced()
    fixture.people.accounts.set('bob', { groups: ['admins'], attributes: {} })
    expect(wordOf(await whole(fixture))).toBe('no_second_factor')
  })

  test.each([
    ['says so', { grace: false }],
    ['demands a fresh second factor', { needsFreshFactor: true }],
  ])('whose policy %s', async (_, more) => {
    const policies = [{ name: 'strict', when: {}, reply: { routes: [] }, ...more }]
    expect(wordOf(await whole(await graced({ policies })))).toBe('no_second_factor')
  })

  test('where the code stands for the password, or at the portal', async () => {
    expect(wordOf(await (await graced({ mode: 'only' })).login(''))).not.toBe('grace')
    expect(wordOf(await (await graced({ mode: 'only' })).login('123456'))).toBe('wrong_code')
    const portal = await (await graced({ enrolsByPassword: false })).signIn('right')
    expect(portal).toMatchObject({ kind: 'refusal', reason: 'no_second_factor' })
  })
})
