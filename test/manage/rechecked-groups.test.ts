import { describe, expect, test } from 'vitest'
import { Unavailable } from '../../src/domain/errors.ts'
import type { Candidate, IdentityProvider, LookupAnswer } from '../../src/domain/identity-provider.ts'
import { parseLoginName } from '../../src/domain/login-name.ts'
import { memoryStore } from '../../src/ephemeral/memory-store.ts'
import { recheckedGroups } from '../../src/manage/rechecked-groups.ts'

const RECHECK_MS = 300_000

function fixture(more: Partial<IdentityProvider> = {}) {
  const time = { now: 0 }
  const clock = { now: () => expect.unreachable('no wall clock may matter'), monotonic: () => time.now }
  const state: { answer: LookupAnswer | 'away'; asked: number } = { answer: 'away', asked: 0 }
  const store: IdentityProvider = {
    name: 'corp',
    authenticate: () => expect.unreachable('nobody has a password'),
    async lookup() {
      state.asked += 1
      if (state.answer === 'away') throw new Unavailable('identity corp', 'away')
      return state.answer
    },
    checkReady: async () => {},
    ...more,
  }
  const candidate: Candidate = {
    ...{ store, name: 'asmith', subject: 'asmith@corp', realm: 'corp', mayBeMissing: false },
  }
  const answers = memoryStore<readonly string[]>({ name: 'answers', clock, capacity: 10 })
  const options = { answers, candidates: () => [candidate], clock, patienceMs: 1000, recheckMs: RECHECK_MS }
  const [here, there] = [recheckedGroups(options), recheckedGroups(options)]
  const right = (...groups: string[]): LookupAnswer => ({
    kind: 'right',
    account: { name: 'alice', groups, attributes: {} },
  })
  const groups = (use: 'read' | 'write', of = here) => of.groupsOf(candidate, 'alice@corp', use)
  return { time, state, right, groups, here, there }
}

describe('the groups of a user of whom the broker has no record', () => {
  test('are asked for when the answer is older than recheck, once for all brokers', async () => {
    const { time, state, right, groups, there } = fixture()
    state.answer = right('admins')
    expect(await groups('write')).toEqual(['admins'])
    state.answer = right('staff')
    time.now += RECHECK_MS - 1
    expect(await groups('write')).toEqual(['admins'])
    expect(await groups('write', there)).toEqual(['admins'])
    expect(state.asked).toBe(1)
    time.now += 1
    expect(await groups('write', there)).toEqual(['staff'])
    expect(await groups('read')).toEqual(['staff'])
    expect(state.asked).toBe(2)
  })

  test('can be read for twice that time while the store is away, and allow no write', async () => {
    const { time, state, right, groups } = fixture()
    state.answer = right('admins')
    await groups('read')
    state.answer = 'away'
    time.now += RECHECK_MS
    expect(await groups('read')).toEqual(['admins'])
    await expect(groups('write')).rejects.toThrow(Unavailable)
    time.now += RECHECK_MS - 1
    expect(await groups('read')).toEqual(['admins'])
    time.now += 1
    expect(await groups('read')).toBeUndefined()
    expect(await groups('write')).toBeUndefined()
  })

  test.each<[string, LookupAnswer]>([
    ['unknown', { kind: 'unknown' }],
    ['barred', { kind: 'barred', detail: 'disabled' }],
    ['somebody else', { kind: 'right', account: { name: 'bob', groups: ['admins'], attributes: {} } }],
  ])('are none once the store says %s, nor a moment later without the store', async (_what, answer) => {
    const { time, state, right, groups } = fixture()
    state.answer = right('admins')
    await groups('read')
    state.answer = answer
    time.now += RECHECK_MS
    expect(await groups('read')).toBeUndefined()
    state.answer = 'away'
    expect(await groups('read')).toBeUndefined()
  })

  test('are those of the sign-in where only a password could ask, for as long, and then read only', async () => {
    const { time, state, groups, here } = fixture({ needsPassword: true })
    const name = parseLoginName('asmith') ?? expect.unreachable('a name')
    expect(await groups('read')).toBeUndefined()
    await here.noteSignIn(name, { source: 'corp', subject: 'alice@corp', groups: ['admins'], attributes: {} })
    time.now += RECHECK_MS - 1
    expect(await groups('write')).toEqual(['admins'])
    time.now += 1
    expect(await groups('read')).toEqual(['admins'])
    expect(await groups('write')).toBeUndefined()
    time.now += RECHECK_MS
    expect(await groups('read')).toBeUndefined()
    expect(state.asked).toBe(0)
  })

  test('are not those of the sign-in where the store can be asked', async () => {
    const { state, groups, here } = fixture()
    const name = parseLoginName('asmith') ?? expect.unreachable('a name')
    await here.noteSignIn(name, { source: 'corp', subject: 'alice@corp', groups: ['admins'], attributes: {} })
    state.answer = { kind: 'unknown' }
    expect(await groups('read')).toBeUndefined()
  })
})
