import { describe, expect, it } from 'vitest'
import type { Permit } from '../../src/domain/attempt-limits.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import type { Candidate } from '../../src/domain/identity-provider.ts'
import type { LoginAttempt } from '../../src/domain/login-attempt.ts'
import { type Refusal, refuse } from '../../src/domain/refusal.ts'
import { Secret } from '../../src/domain/secret.ts'
import { Login, type LoginOptions, type LoginRules } from '../../src/login/login.ts'
import { equalizeCost } from '../../src/login/steps/equalize-cost.ts'
import { holdAnswer } from '../../src/login/steps/hold-answer.ts'
import type { Verdict } from '../../src/login/steps/record-outcome.ts'

const ATTEMPT: LoginAttempt = {
  id: '1',
  name: { raw: 'bob', whole: 'bob', user: 'bob', username: 'bob' },
  typed: new Secret('typed'),
  gateway: 'gw1',
  deadline: 5000,
}
const WRONG = refuse('bad_credentials', 'corp: wrong password')

interface Circumstances {
  readonly checkedBy?: 'local' | 'corp'
  readonly isFull?: boolean
  readonly checksPasswords?: boolean
  readonly state?: string
}

/** Equalizes the verdict of a login that two stores were asked about; `local` runs dummy checks. */
async function equalized(verdict: Verdict, more: Circumstances = {}) {
  const done: string[] = []
  const held: [kind: string, startedAt: number, deadline: number][] = []
  const store = (name: string): Candidate['store'] => ({
    name,
    authenticate: async () => ({ kind: 'unknown' }),
    lookup: async () => ({ kind: 'unknown' }),
    checkReady: async () => {},
  })
  const local: Candidate['store'] = {
    ...store('local'),
    async verifyDummy(password) {
      if (more.isFull) throw new Unavailable('password checks', '100 are waiting already')
      done.push(password.reveal())
    },
  }
  const corp = store('corp')
  const { checksPasswords = true, state } = more
  const equalizer = {
    start: () => 17,
    answerAt: (...asked: [string, number, number]) => held.push(asked) + 1000,
  }
  const rules = { checksPasswords } as LoginRules
  const options = { equalizer, clock: { monotonic: () => 17 } } as unknown as LoginOptions
  const login = new Login({ ...ATTEMPT, state }, rules, options)
  login.permit = { releaseUser: async () => void done.push('user spared') } as unknown as Permit
  login.startedAt = 17
  login.candidates = [local, corp].map((each) => ({
    store: each,
    name: 'bob',
    subject: 'bob',
    mayBeMissing: false,
  }))
  if (more.checkedBy !== undefined) {
    login.checkedBy = more.checkedBy === 'local' ? local : corp
    login.decidedAt = more.checkedBy
  }
  const equal = await equalizeCost(verdict, login)
  // What is recorded in between changes neither.
  const { answerAt, ...answer } = holdAnswer(equal as Refusal, login) as Refusal
  expect(answerAt).toBe(held.length === 0 ? undefined : 1001)
  return { verdict: answer, done, held }
}

describe('a refusal', () => {
  it('of one store runs the dummy checks of the others, and is held with those of its kind', async () => {
    const { verdict, done, held } = await equalized(WRONG, { checkedBy: 'corp' })
    expect(verdict).toEqual(WRONG)
    expect(done).toEqual(['typed'])
    expect(held).toEqual([['corp', 17, 5000]])
  })

  it('that is no guess gives the user’s points back before any dummy check runs', async () => {
    const barred = refuse('no_policy', 'no policy applies')
    const { verdict, done } = await equalized(barred)
    expect(verdict).toEqual(barred)
    expect(done).toEqual(['user spared', 'typed'])
  })

  it('of a locked name is held as long as others, and runs no check', async () => {
    const locked = refuse('locked', 'user')
    const { verdict, done, held } = await equalized(locked)
    expect(verdict).toEqual(locked)
    expect(done).toEqual(['user spared'])
    expect(held).toHaveLength(1)
  })

  it('of a directory’s account that is locked costs the checks, which a name that exists nowhere costs too', async () => {
    const { done, held } = await equalized({ ...refuse('locked', 'corp: user'), isUntold: true })
    expect(done).toEqual(['user spared', 'typed'])
    expect(held).toHaveLength(1)
  })

  it('repeats no check, and runs all of them where none was made', async () => {
    expect((await equalized(WRONG, { checkedBy: 'local' })).done).toEqual([])
    expect((await equalized(WRONG)).done).toEqual(['typed'])
  })

  it('whose check found no room is answered like those of the store, and still counts', async () => {
    const { verdict, held } = await equalized(WRONG, { checkedBy: 'corp', isFull: true })
    expect(verdict).toEqual({
      ...refuse('unavailable', 'corp: wrong password; password checks: 100 are waiting already'),
      counts: true,
    })
    expect(held).toHaveLength(1)
  })

  it('runs no dummy check where no password is checked', async () => {
    const { done, held } = await equalized(WRONG, { checksPasswords: false })
    expect(done).toEqual([])
    expect(held).toEqual([['nobody', 17, 5000]])
  })
})

it('neither a question nor the answer to a challenge is held', async () => {
  const asked = { kind: 'ask' } as Verdict
  const question = await equalized(asked)
  expect(question).toEqual({ verdict: asked, done: [], held: [] })
  const answer = await equalized(WRONG, { state: 'a state' })
  expect(answer).toEqual({ verdict: WRONG, done: [], held: [] })
})
