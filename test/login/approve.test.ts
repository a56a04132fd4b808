import { describe, expect, it } from 'vitest'
import { approvalPurpose } from '../../src/domain/approval.ts'
import { type ApprovingFixture, createApprovingFixture, waiting } from './approving-fixture.ts'
import type { LoginFixtureOptions } from './fixture.ts'

const ELSEWHERE = '203.0.113.9'

async function siteOfBob(options: LoginFixtureOptions = {}): Promise<ApprovingFixture> {
  const site = await createApprovingFixture(options)
  await site.addPasskey('bob')
  return site
}

/** Bob's password is typed; the request is on his page. */
async function asks(site: ApprovingFixture, more: Parameters<ApprovingFixture['login']>[1] = {}) {
  const { state, prompt } = waiting(await site.login('right', more))
  const shown = await site.shown()
  if (shown === undefined) throw new Error('the page shows nothing')
  return { state, prompt, id: shown.id, number: prompt.number, shown }
}

const other = ({ choices }: { readonly choices: readonly number[] }, number: number) =>
  choices.find((choice) => choice !== number) ?? 0

describe('a login that its user approves', () => {
  it('is let in by Enter, once', async () => {
    const site = await siteOfBob()
    const { state, prompt, id, number, shown } = await asks(site)
    expect(prompt).toEqual({
      kind: 'approve',
      page: 'https://vpn.example/approve',
      number,
      takesCode: false,
    })
    expect(shown).toMatchObject({ gateway: 'gw1', address: '198.51.100.7', subject: 'bob' })
    expect(new Set(shown.choices).size).toBe(3)
    expect(shown.choices).toContain(number)
    expect(await site.choose(id, number)).toEqual({ kind: 'approved' })
    expect(await site.shown()).toBeUndefined()
    expect(await site.login('', { state })).toMatchObject({ kind: 'grant' })
    expect(await site.login('', { state })).toMatchObject({ reason: 'challenge_expired' })
    expect(await site.kinds()).toEqual([
      'passkey.enrolled',
      'login.challenged',
      'passkey.used',
      'login.approved',
      'login.accepted',
      'login.refused',
    ])
  })

  it('is let in by ok, for clients that send no empty answer', async () => {
    const site = await siteOfBob()
    const { state, id, number } = await asks(site)
    await site.choose(id, number)
    expect(await site.login(' OK ', { state })).toMatchObject({ kind: 'grant' })
  })

  it('gets one session of the same answer at several processes', async () => {
    const site = await siteOfBob()
    const { state, id, number } = await asks(site)
    await site.choose(id, number)
    const decisions = await Promise.all(Array.from({ length: 5 }, () => site.login('', { state })))
    expect(decisions.filter(({ kind }) => kind === 'grant')).toHaveLength(1)
  })

  it('is asked again with the same number where Enter comes first, a few times, and each prompt differs', async () => {
    const site = await siteOfBob()
    let { state, number, id } = await asks(site)
    const left: (number | undefined)[] = []
    for (let early = 0; early < 4; early += 1) {
      const again = waiting(await site.login('', { state }))
      expect(again.prompt.number).toBe(number)
      left.push(again.prompt.triesLeft)
      state = again.state
    }
    expect(left).toEqual([4, 3, 2, 1])
    expect(await site.login('', { state })).toMatchObject({ reason: 'not_approved', counts: false })
    expect(await site.shown()).toBeUndefined()
    ;({ state, number, id } = await asks(site))
    const again = waiting(await site.login('', { state }))
    await site.choose(id, number)
    expect(await site.login('', { state: again.state })).toMatchObject({ kind: 'grant' })
  })
})

describe('nobody approves by a guess', () => {
  it('a wrong number ends the request, and counts', async () => {
    const site = await siteOfBob()
    const { state, id, number, shown } = await asks(site)
    expect(await site.choose(id, other(shown, number))).toEqual({ kind: 'wrong_number' })
    expect(await site.choose(id, number)).toMatchObject({ kind: 'refused' })
    expect(await site.login('', { state })).toMatchObject({ reason: 'not_approved' })
    expect(await site.kinds()).toContain('login.wrong_number')
  })

  it('wrong numbers lock as wrong codes do', async () => {
    const site = await siteOfBob({ rules: { after: 2 } })
    for (let turn = 0; turn < 2; turn += 1) {
      const { id, number, shown } = await asks(site)
      await site.choose(id, other(shown, number))
    }
    expect(await site.login('right')).toMatchObject({ reason: 'locked' })
  })

  it('the answer of a passkey is good for one request and one number', async () => {
    const site = await siteOfBob()
    const { id, number, shown } = await asks(site)
    const wrong = (await site.assertion(id, other(shown, number))) ?? ''
    expect(await site.send(id, number, wrong)).toMatchObject({ kind: 'refused', reason: 'wrong_purpose' })
    const right = (await site.assertion(id, number)) ?? ''
    expect(await site.send(id, number, right)).toEqual({ kind: 'approved' })
    expect(await site.send(id, number, right)).toMatchObject({ kind: 'refused', reason: 'replayed' })
    const next = await asks(site)
    expect(await site.send(next.id, next.number, right)).toMatchObject({ kind: 'refused' })
    expect(await site.shown()).toMatchObject({ id: next.id })
  })

  it('a number that the page does not show is not even asked for', async () => {
    const site = await siteOfBob()
    const { id, shown } = await asks(site)
    const outside = [11, 12, 13, 14].find((number) => !shown.choices.includes(number)) ?? 0
    expect(await site.assertion(id, outside)).toBeUndefined()
  })

  it('the store of requests itself takes no passkey of another purpose or user, and gives an answer once', async () => {
    const site = await siteOfBob()
    await site.addPasskey('eve')
    const { id, number, shown } = await asks(site)
    const answer = async (purpose: string, subject?: string) =>
      site.approvals.answer('bob', id, { number, by: await site.verified(purpose, subject) })
    expect(await answer('sign-in')).toBeUndefined()
    expect(await answer(approvalPurpose(id, other(shown, number)))).toBeUndefined()
    expect(await answer(approvalPurpose(id, number), 'eve')).toBeUndefined()
    expect(await answer(approvalPurpose(id, number))).toMatchObject({ answer: { kind: 'approved' } })
    const fetched = await Promise.all([site.approvals.fetch(id), site.approvals.fetch(id)])
    expect(fetched.filter((each) => each !== undefined)).toHaveLength(1)
  })

  it('another user cannot answer, not even with the right number and a passkey', async () => {
    const site = await siteOfBob()
    await site.addPasskey('eve')
    const { state, id, number } = await asks(site)
    expect(await site.shown('eve')).toBeUndefined()
    expect(await site.choose(id, number, 'eve')).toMatchObject({ kind: 'refused' })
    expect(await site.approving.disown('eve', id)).toBe(false)
    expect(waiting(await site.login('', { state })).prompt.triesLeft).toBe(4)
  })
})

describe('an approval is bound', () => {
  it.each([
    ['gateway', { gateway: 'gw2' }],
    ['address', { address: ELSEWHERE }],
    ['user', { user: 'eve' }],
  ])('to the %s of the login', async (_, more) => {
    const site = await siteOfBob()
    const { state, id, number } = await asks(site)
    await site.choose(id, number)
    expect(await site.login('', { state, ...more })).toMatchObject({ kind: 'refusal' })
    expect(await site.login('', { state })).toMatchObject({ kind: 'refusal' })
  })

  it('to the absence of an address, too', async () => {
    const site = await siteOfBob()
    const { state, id, number, shown } = await asks(site, { address: undefined })
    expect(shown.address).toBeUndefined()
    await site.choose(id, number)
    expect(await site.login('', { state, address: undefined })).toMatchObject({ kind: 'grant' })
  })

  it('to its own request: a State that names the approval of another login lets nobody in', async () => {
    const site = await siteOfBob()
    const there = await asks(site, { address: ELSEWHERE })
    await site.choose(there.id, there.number)
    const here = await asks(site)
    const pending = await site.challenges.take(here.state)
    if (pending === undefined || pending.upstream !== undefined) throw new Error('no challenge')
    const approval = { id: there.id, number: there.number, early: 0 }
    await site.challenges.put(here.state, { ...pending, approval }, 60_000)
    expect(await site.login('', { state: here.state })).toMatchObject({
      detail: 'the approval was for another login',
    })
  })

  it('to its State: another login of the same user gets nothing of it', async () => {
    const site = await siteOfBob()
    const first = await asks(site)
    await site.choose(first.id, first.number)
    const second = await asks(site)
    expect(waiting(await site.login('', { state: second.state })).prompt.triesLeft).toBe(4)
  })

  it('to its time: after 120 s it cannot be given, and half a minute later it is no more', async () => {
    const site = await siteOfBob()
    const late = await asks(site)
    const answer = (await site.assertion(late.id, late.number)) ?? ''
    site.passes(120_000)
    expect(await site.shown()).toBeUndefined()
    expect(await site.send(late.id, late.number, answer)).not.toEqual({ kind: 'approved' })
    expect(await site.login('', { state: late.state })).toMatchObject({
      reason: 'not_approved',
      detail: 'nobody approved it in time',
    })
    const given = await asks(site)
    await site.choose(given.id, given.number)
    site.passes(150_001)
    expect(await site.login('', { state: given.state })).toMatchObject({ reason: 'challenge_expired' })
  })

  it('to a client that waits: one whose prompt was answered with a code cannot be approved', async () => {
    const site = await siteOfBob({ mode: 'either' })
    await site.enrol('bob')
    const { state, id, number, prompt } = await asks(site)
    expect(prompt.takesCode).toBe(true)
    const answer = (await site.assertion(id, number)) ?? ''
    const again = await site.login('000000', { state })
    expect(again).toMatchObject({ kind: 'challenge', prompt: { kind: 'wrong_code' } })
    expect(await site.shown()).toBeUndefined()
    expect(await site.send(id, number, answer)).toEqual({ kind: 'gone' })
    expect(await site.choose(id, number)).toMatchObject({ kind: 'refused' })
    const last = await site.login('', { state: again.kind === 'challenge' ? again.state : '' })
    expect(last.kind).not.toBe('grant')
  })

  it('to the passkey: one that was removed meanwhile lets nobody in', async () => {
    const site = await siteOfBob()
    const { state, id, number } = await asks(site)
    await site.choose(id, number)
    await site.passkeys.removeAllOf('bob', {})
    expect(await site.login('', { state })).toMatchObject({ reason: 'not_approved' })
  })
})

describe('a login that is not the user’s', () => {
  it('is refused, counts as a failure after the right password, and is in the trail at its address', async () => {
    const site = await siteOfBob({ rules: { hardAfter: 2, after: 50 } })
    for (let turn = 0; turn < 2; turn += 1) {
      const { state, id } = await asks(site, { address: ELSEWHERE })
      expect(await site.approving.disown('bob', id)).toBe(true)
      expect(await site.approving.disown('bob', id)).toBe(false)
      if (turn === 0)
        expect(await site.login('', { state, address: ELSEWHERE })).toMatchObject({
          reason: 'not_approved',
          counts: false,
        })
    }
    const [event] = await site.records.audit.list({ kinds: ['login.disowned'], limit: 1 })
    expect(event).toMatchObject({ user: 'bob', address: ELSEWHERE, gateway: 'gw1' })
    const [lock] = await site.records.lockouts.list({ limit: 1 })
    expect(lock).toMatchObject({ cause: 'password_known', user: 'bob' })
  })
})

describe('a user is not wearied', () => {
  it('a second login from elsewhere waits until the first is answered; the same client begins again', async () => {
    const site = await siteOfBob()
    const first = await asks(site)
    expect(await site.login('right', { address: ELSEWHERE })).toMatchObject({
      reason: 'not_approved',
      counts: false,
    })
    const second = await asks(site)
    expect(second.id).not.toBe(first.id)
    expect(await site.choose(first.id, first.number)).toMatchObject({ kind: 'refused' })
    expect(await site.login('', { state: first.state })).toMatchObject({ reason: 'not_approved' })
    await site.choose(second.id, second.number)
    expect(await site.login('', { state: second.state })).toMatchObject({ kind: 'grant' })
  })

  it('is not prompted again after three prompts without an approval, for ten minutes', async () => {
    const site = await siteOfBob()
    for (let turn = 0; turn < 3; turn += 1) {
      await asks(site)
      site.passes(121_000)
    }
    expect(await site.login('right')).toMatchObject({ reason: 'not_approved' })
    site.passes(300_000)
    await asks(site)
  })

  it('falls back to the code then, where one is enough', async () => {
    const site = await siteOfBob({ mode: 'either' })
    await site.enrol('bob')
    for (let turn = 0; turn < 3; turn += 1) {
      await asks(site)
      site.passes(121_000)
    }
    expect(await site.login('right')).toMatchObject({ kind: 'challenge', prompt: { kind: 'enter_code' } })
  })

  it('who approves is prompted as often as needed', async () => {
    const site = await siteOfBob()
    for (let turn = 0; turn < 6; turn += 1) {
      const { state, id, number } = await asks(site)
      await site.choose(id, number)
      expect(await site.login('', { state })).toMatchObject({ kind: 'grant' })
    }
  })
})

describe('who is asked', () => {
  it('a user without a passkey is asked for a code; one with neither is refused, or let in where that is the rule', async () => {
    const site = await createApprovingFixture()
    expect(await site.login('right')).toMatchObject({ reason: 'no_second_factor' })
    await site.enrol('bob')
    const asked = await site.login('right')
    expect(asked).toMatchObject({ prompt: { kind: 'enter_code' } })
    const state = asked.kind === 'challenge' ? asked.state : ''
    expect(await site.login(site.code(), { state })).toMatchObject({ kind: 'grant' })
    const lax = await createApprovingFixture({ required: false })
    expect(await lax.login('right')).toMatchObject({ kind: 'grant' })
    await lax.addPasskey('bob')
    waiting(await lax.login('right'))
  })

  it('a code does not stand for the passkey where approve is demanded', async () => {
    const site = await siteOfBob()
    await site.enrol('bob')
    const { state, prompt } = await asks(site)
    expect(prompt.takesCode).toBe(false)
    expect(waiting(await site.login(site.code(), { state })).prompt.triesLeft).toBe(4)
  })

  it('with either, a code at the prompt or behind the password does', async () => {
    const site = await siteOfBob({ mode: 'either' })
    await site.enrol('bob')
    const { state } = await asks(site)
    expect(await site.login(site.code(), { state })).toMatchObject({ kind: 'grant' })
    site.passes(30_000)
    expect(await site.login(`right${site.code()}`)).toMatchObject({ kind: 'grant' })
  })

  it.each(['challenge', 'append'] as const)('a policy demands it where the rest has %s', async (mode) => {
    const policies = [{ name: 'strict', when: {}, reply: {}, secondFactorMode: 'approve' }] as const
    const site = await siteOfBob({ mode, policies })
    await site.enrol('bob')
    waiting(await site.login(mode === 'append' ? `right${site.code()}` : 'right'))
  })

  it('a policy spares it', async () => {
    const policies = [{ name: 'codes', when: {}, reply: {}, secondFactorMode: 'challenge' }] as const
    const site = await siteOfBob({ policies })
    await site.enrol('bob')
    expect(await site.login('right')).toMatchObject({ prompt: { kind: 'enter_code' } })
  })

  it('an approval makes no trust', async () => {
    const policies = [{ name: 'staff', when: {}, reply: {}, trustMs: 3_600_000 }]
    const site = await siteOfBob({ policies })
    await site.enrol('bob')
    const { state, id, number } = await asks(site)
    await site.choose(id, number)
    expect(await site.login('', { state })).toMatchObject({ kind: 'grant' })
    waiting(await site.login('right'))
  })

  it('explain says so', async () => {
    const site = await siteOfBob()
    expect((await site.explain({})).outcome.words).toContain('an approval with a passkey the user gets in')
    expect(await site.shown()).toBeUndefined()
  })
})
