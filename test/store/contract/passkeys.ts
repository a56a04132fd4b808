import { describe, expect, test } from 'vitest'
import { MAX_PASSKEYS } from '../../../src/domain/passkey.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { NOON, passkeyOf, unique } from '../samples.ts'

export function passkeyContract(records: () => Repositories): void {
  describe('a passkey', () => {
    test('is found by its credential and listed for its owner, the oldest first', async () => {
      const { passkeys } = records()
      const [mine, other] = [unique('subject'), unique('subject')]
      const [first, second, third] = [
        passkeyOf(mine),
        passkeyOf(mine, { transports: undefined }),
        passkeyOf(other),
      ]
      for (const each of [second, third, first]) expect(await passkeys.add(each)).toBe('added')
      expect(await passkeys.list(mine)).toEqual([first, second])
      expect(await passkeys.findByCredential(second.credential)).toEqual(second)
      expect(await passkeys.find(third.id)).toEqual(third)
      expect(await passkeys.findByCredential(unique('credential'))).toBeUndefined()
    })

    test('belongs to one user alone, whoever shows it later', async () => {
      const { passkeys } = records()
      const passkey = passkeyOf(unique('subject'))
      await passkeys.add(passkey)
      const again = passkeyOf(unique('subject'), { credential: passkey.credential })
      expect(await passkeys.add(again)).toBe('known')
      expect(await passkeys.findByCredential(passkey.credential)).toEqual(passkey)
    })

    test('is one of ten at most, also where several are added at once', async () => {
      const { passkeys } = records()
      const subject = unique('subject')
      await passkeys.add(passkeyOf(subject))
      const answers = await Promise.all(
        Array.from({ length: MAX_PASSKEYS + 5 }, () => passkeys.add(passkeyOf(subject))),
      )
      expect(answers.filter((answer) => answer === 'added')).toHaveLength(MAX_PASSKEYS - 1)
      expect(answers.filter((answer) => answer === 'full')).toHaveLength(6)
      expect(await passkeys.list(subject)).toHaveLength(MAX_PASSKEYS)
    })

    test('counts up: a counter is taken once, and none that is not above the last one', async () => {
      const { passkeys } = records()
      const passkey = passkeyOf(unique('subject'), { counter: 7 })
      await passkeys.add(passkey)
      const answers = await Promise.all(Array.from({ length: 10 }, () => passkeys.claim(passkey.id, 8, NOON)))
      expect(answers.filter(Boolean)).toEqual([true])
      for (const counter of [0, 7, 8]) expect(await passkeys.claim(passkey.id, counter, NOON)).toBe(false)
      expect(await passkeys.find(passkey.id)).toEqual({ ...passkey, counter: 8, usedAt: NOON })
    })

    test('without a counter stays at 0', async () => {
      const { passkeys } = records()
      const passkey = passkeyOf(unique('subject'))
      await passkeys.add(passkey)
      expect(await passkeys.claim(passkey.id, 0, NOON)).toBe(true)
      expect(await passkeys.claim(passkey.id, 0, NOON + 1)).toBe(true)
      expect(await passkeys.find(passkey.id)).toEqual({ ...passkey, usedAt: NOON + 1 })
    })

    test('is renamed and removed by its owner alone, and cannot be used afterwards', async () => {
      const { passkeys } = records()
      const passkey = passkeyOf(unique('subject'))
      const { id: which, subject } = passkey
      await passkeys.add(passkey)
      const other = unique('subject')
      expect(await passkeys.rename(which, other, 'phone')).toBeUndefined()
      expect(await passkeys.remove(which, other)).toBeUndefined()
      expect(await passkeys.rename(which, subject, 'phone')).toEqual(passkey)
      expect(await passkeys.remove(which, subject)).toEqual({ ...passkey, name: 'phone' })
      expect(await passkeys.remove(which, subject)).toBeUndefined()
      expect(await passkeys.claim(which, 1, NOON)).toBe(false)
    })

    test('goes with all others of its owner', async () => {
      const { passkeys } = records()
      const [mine, other] = [unique('subject'), unique('subject')]
      const own = [passkeyOf(mine), passkeyOf(mine)]
      const theirs = passkeyOf(other)
      for (const each of [...own, theirs]) await passkeys.add(each)
      const removed = await passkeys.removeAllOf(mine)
      expect(removed.map((each) => each.id).sort()).toEqual(own.map((each) => each.id))
      expect(await passkeys.list(mine)).toEqual([])
      expect(await passkeys.list(other)).toEqual([theirs])
    })

    test('is counted by the domain that it was made for', async () => {
      const { passkeys } = records()
      const rpId = unique('domain')
      await passkeys.add(passkeyOf(unique('subject'), { rpId }))
      await passkeys.add(passkeyOf(unique('subject'), { rpId }))
      expect((await passkeys.countByRpId())[rpId]).toBe(2)
    })
  })
}
