import { describe, expect, it } from 'vitest'
import type { Attempt } from '../../src/domain/attempt.ts'
import { type Candidate, Unavailable } from '../../src/domain/person.ts'
import { refuse } from '../../src/domain/refusal.ts'
import { Secret } from '../../src/domain/secret.ts'
import { evenly } from '../../src/login/effort.ts'

const ATTEMPT: Attempt = {
  id: '1',
  name: { sent: 'bob', stem: 'bob' },
  typed: new Secret('typed'),
  gateway: 'gw1',
  deadline: 5000,
}
const WRONG = refuse('bad_credentials', 'corp: wrong password')

/** Stores, of which local has checks to play, and what was done to make a refusal even. */
function surroundings({ isFull = false } = {}) {
  const played: string[] = []
  const held: [kind: string, begun: number][] = []
  const store = (name: string): Candidate['store'] => ({
    name,
    authenticate: async () => ({ kind: 'unknown' }),
    lookup: async () => ({ kind: 'unknown' }),
    checkReady: async () => {},
  })
  const local: Candidate['store'] = {
    ...store('local'),
    async pretend(password) {
      if (isFull) throw new Unavailable('password checks', '100 are waiting already')
      played.push(password.reveal())
    },
  }
  const corp = store('corp')
  const pace = {
    start: () => 17,
    hold: async (kind: string, begun: number) => void held.push([kind, begun]),
  }
  const permit = { spareUser: async () => void played.push('user spared') }
  const candidates = [local, corp].map((each) => ({
    ...{ store: each, name: 'bob', subject: 'bob', mayBeMissing: false },
  }))
  return { local, corp, candidates, played, held, options: { pace, checksPasswords: true, permit } }
}

describe('a refusal', () => {
  it('of one store plays the checks of the others, and is held with those of its kind', async () => {
    const { corp, candidates, played, held, options } = surroundings()
    const verdict = await evenly(ATTEMPT, options, async (effort) => {
      Object.assign(effort, { candidates, checkedBy: corp, decidedAt: 'corp' })
      return WRONG
    })
    expect(verdict).toEqual(WRONG)
    expect(played).toEqual(['typed'])
    expect(held).toEqual([['corp', 17]])
  })

  it('that is no guess leaves the user alone before any check is played', async () => {
    const { candidates, played, options } = surroundings()
    const locked = refuse('locked', 'user')
    const steps = async (effort: object) => {
      Object.assign(effort, { candidates })
      return locked
    }
    expect(await evenly(ATTEMPT, options, steps)).toEqual(locked)
    expect(played).toEqual(['user spared', 'typed'])
  })

  it('plays no check a second time, and all of them where none was made', async () => {
    const { local, candidates, played, options } = surroundings()
    const refusedBy = (checkedBy?: Candidate['store']) =>
      evenly(ATTEMPT, options, async (effort) => {
        Object.assign(effort, { candidates, checkedBy })
        return WRONG
      })
    await refusedBy(local)
    expect(played).toEqual([])
    await refusedBy()
    expect(played).toEqual(['typed'])
  })

  it('for whose check there is no room is told like those of the store, and counts all the same', async () => {
    const { corp, candidates, held, options } = surroundings({ isFull: true })
    const verdict = await evenly(ATTEMPT, options, async (effort) => {
      Object.assign(effort, { candidates, checkedBy: corp })
      return WRONG
    })
    expect(verdict).toEqual({
      ...refuse('unavailable', 'corp: wrong password; password checks: 100 are waiting already'),
      counts: true,
    })
    expect(held).toHaveLength(1)
  })

  it('plays nothing where no password is checked', async () => {
    const { candidates, played, held, options } = surroundings()
    await evenly(ATTEMPT, { ...options, checksPasswords: false }, async (effort) => {
      effort.candidates = candidates
      return WRONG
    })
    expect(played).toEqual([])
    expect(held).toEqual([['nobody', 17]])
  })
})

it('neither leave to enter nor the answer to a challenge is held', async () => {
  const { candidates, played, held, options } = surroundings()
  expect(await evenly(ATTEMPT, options, async () => ({ kind: 'grant' }))).toEqual({ kind: 'grant' })
  await evenly({ ...ATTEMPT, state: 'a state' }, options, async (effort) => {
    effort.candidates = candidates
    return WRONG
  })
  expect([played, held]).toEqual([[], []])
})
