import { describe, expect, test } from 'vitest'
import { ADDRESS_KNOWN_MS } from '../../../src/domain/lockout.ts'
import type { Records } from '../../../src/store/records.ts'
import { accounting, admission, failureOf, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'

const LATER = NOON + MINUTE

export function knownAddressContract(records: () => Records): void {
  /** A user who was let in from home, and whom strangers have locked since. */
  async function lockedFromElsewhere() {
    const { login } = records()
    const [user, home] = [unique('user'), uniqueAddress()]
    expect(await login.admit(admission(user, { kind: 'none' }, { address: home }))).toEqual({
      kind: 'admitted',
    })
    await login.recordFailure(failureOf(user, { address: uniqueAddress(), lock: ['user'] }))
    const isKnown = async (address: string | undefined, now = LATER) => {
      const from = address === undefined ? {} : { address }
      return (await login.view({ user, subjects: [], now, ...from })).knownAddress
    }
    return { login, user, home, isKnown }
  }

  describe('addresses', () => {
    test('are known where the user was let in, for a while, while a lock makes it matter', async () => {
      const { login, user, home, isKnown } = await lockedFromElsewhere()
      expect(await isKnown(home)).toBe(true)
      expect(await isKnown(uniqueAddress())).toBe(false)
      expect(await isKnown(undefined)).toBe(false)
      const month = NOON + ADDRESS_KNOWN_MS
      await login.recordFailure(failureOf(user, { at: month - MINUTE, lock: ['user'] }))
      expect(await isKnown(home, month)).toBe(true)
      expect(await isKnown(home, month + 1)).toBe(false)
    })

    test('are not looked at where no lock of the user for failures is in force', async () => {
      const { login } = records()
      const [user, home] = [unique('user'), uniqueAddress()]
      await login.admit(admission(user, { kind: 'none' }, { address: home }))
      await login.recordFailure(failureOf(user, { address: home, lock: ['user_address', 'address'] }))
      const view = await login.view({ user, subjects: [], address: home, now: LATER })
      expect(view).toMatchObject({ knownAddress: false, locks: [{}, {}] })
    })

    test('are known to the one user, and not by what accounting alone tells', async () => {
      const { login, home, isKnown } = await lockedFromElsewhere()
      const other = unique('other')
      await login.recordFailure(failureOf(other, { lock: ['user'] }))
      const ofOther = { user: other, subjects: [], address: home, now: LATER }
      expect((await login.view(ofOther)).knownAddress).toBe(false)
      await records().sessions.record(accounting('start', other, unique('session'), { address: home }))
      expect((await login.view(ofOther)).knownAddress).toBe(false)
      expect(await isKnown(home)).toBe(true)
    })
  })

  describe('locks that spare a login', () => {
    test.each([
      ['nothing', undefined, ['user', 'user_address', 'address'], true],
      ['those of the user', 'user', ['user'], false],
      ['those of the user', 'user', ['user', 'user_address'], true],
      ['those of the user', 'user', ['address'], true],
      ['all for failures', 'all', ['user', 'user_address', 'address'], false],
    ] as const)('%s: %s, with locks on %j', async (_, spared, scopes, isBarred) => {
      const { login } = records()
      const [user, address] = [unique('user'), uniqueAddress()]
      await login.recordFailure(failureOf(user, { address, lock: scopes }))
      const entry = admission(user, { kind: 'none' }, { address, now: LATER })
      const answer = await login.admit({ ...entry, ...(spared !== undefined && { spared }) })
      expect(answer.kind).toBe(isBarred ? 'locked' : 'admitted')
      expect(await records().sessions.list({ user, limit: 9 })).toHaveLength(isBarred ? 0 : 1)
    })

    test.each(['user', 'all'] as const)('are none of the hard limit, with %s spared', async (spared) => {
      const { login } = records()
      const [user, address] = [unique('user'), uniqueAddress()]
      const rules = { hardAfter: 1 }
      await login.recordFailure(failureOf(user, { address, lock: ['user'], rules }))
      const entry = admission(user, { kind: 'none' }, { address, now: LATER })
      const answer = await login.admit({ ...entry, spared })
      expect(answer).toMatchObject({ kind: 'locked', lock: { cause: 'hard_limit' } })
    })
  })
}
