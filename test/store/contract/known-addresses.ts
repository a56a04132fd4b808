import { describe, expect, test } from 'vitest'
import { ADDRESS_KNOWN_MS } from '../../../src/domain/lockout.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { accounting, admission, failureOf, id, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'

const LATER = NOON + MINUTE

export function knownAddressContract(records: () => Repositories): void {
  /** A user who was let in from home, and whom strangers have locked since. */
  async function lockedFromElsewhere() {
    const { login } = records()
    const [user, home] = [unique('user'), uniqueAddress()]
    expect(await login.admit(admission(user, { kind: 'none' }, { address: home }))).toEqual({
      kind: 'admitted',
    })
    await login.recordFailure(failureOf(user, { address: uniqueAddress(), lock: ['user'] }))
    const isKnown = async (address: string | undefined, now = LATER) =>
      (await login.view({ user, subjects: [], now, address })).knownAddress
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

    test('are known for one user only, and not from accounting alone', async () => {
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

  describe('locks from which a login is exempt', () => {
    test.each([
      ['at an unknown address', 'none', ['user', 'user_address', 'address'], true],
      ['at a known address', 'those of the user', ['user'], false],
      ['at a known address', 'those of the user', ['user', 'user_address'], true],
      ['at a known address', 'those of the user', ['address'], true],
      ['in an exempt network', 'all for failures', ['user', 'user_address', 'address'], false],
    ] as const)('%s: %s, with locks on %j', async (where, _, scopes, isBarred) => {
      const { login } = records()
      const [user, address] = [unique('user'), uniqueAddress()]
      if (where === 'at a known address') await login.admit(admission(user, { kind: 'none' }, { address }))
      await login.recordFailure(failureOf(user, { address, lock: scopes }))
      const entry = admission(user, { kind: 'none' }, { address, now: LATER })
      const answer = await login.admit({ ...entry, isExempt: where === 'in an exempt network' })
      expect(answer.kind).toBe(isBarred ? 'locked' : 'admitted')
    })

    test('are known by whatever name the user typed there, and not to a namesake of another store', async () => {
      const { login } = records()
      const [user, alias, address] = [unique('user'), unique('alias'), uniqueAddress()]
      const first = admission(user, { kind: 'none' }, { address })
      await login.admit({ ...first, session: { ...first.session, user: alias } })
      await login.recordFailure(failureOf(user, { lock: ['user'] }))
      const entry = admission(user, { kind: 'none' }, { address, now: LATER })
      const { account, ...query } = entry.query
      const namesake = { source: 'partner', subject: `${user}@partner` }
      const answer = await login.admit({ ...entry, query: { ...query, account: namesake } })
      expect(answer.kind).toBe('locked')
      expect((await login.view({ ...query, account })).knownAddress).toBe(true)
      expect((await login.view(query)).knownAddress, 'before it is known who it is').toBe(true)
      expect((await login.view({ ...query, user: alias, alias: user })).knownAddress).toBe(true)
      expect((await login.admit(entry)).kind).toBe('admitted')
    })

    test('are known over IPv6 for the customer’s whole network', async () => {
      const { login } = records()
      const user = unique('user')
      await login.admit(admission(user, { kind: 'none' }, { address: '2001:db8:1:2::1' }))
      await login.recordFailure(failureOf(user, { lock: ['user'] }))
      const from = async (address: string) =>
        (await login.admit(admission(user, { kind: 'none' }, { address, now: LATER }))).kind
      expect(await from('2001:db8:1:2::ffff')).toBe('admitted')
      expect(await from('2001:db8:1:3::1')).toBe('locked')
    })

    test('do not include the hard limit in an exempt network, nor manual locks at a known address', async () => {
      const { login, lockouts } = records()
      const [user, other, address] = [unique('user'), unique('other'), uniqueAddress()]
      await login.recordFailure(failureOf(user, { address, rules: { hardAfter: 1 } }))
      const entry = { ...admission(user, { kind: 'none' }, { address, now: LATER }), isExempt: true }
      expect(await login.admit(entry)).toMatchObject({ kind: 'locked', lock: { cause: 'hard_limit' } })
      await login.admit(admission(other, { kind: 'none' }, { address }))
      await lockouts.lock({ id: id(), scope: 'user', user: other, reason: 'left', by: 'alice', since: NOON })
      const leaver = { ...admission(other, { kind: 'none' }, { address, now: LATER }), isExempt: true }
      expect(await login.admit(leaver)).toMatchObject({ kind: 'locked', lock: { cause: 'by_hand' } })
    })
  })
}
