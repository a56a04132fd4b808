import { describe, expect, test } from 'vitest'
import type { Repositories } from '../../../src/store/repositories.ts'
import { enrolmentOf, unique } from '../samples.ts'

export function enrolmentContract(records: () => Repositories): void {
  describe('enrolments', () => {
    test('come back as they were made', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      const enrolment = enrolmentOf(subject, {
        digits: 8,
        period: 60,
        algorithm: 'sha512',
        lastStep: 58_000_000,
      })
      await enrolments.replace({ enrolment, recoveryHashes: ['a', 'b', 'c'] })
      expect(await enrolments.find(subject)).toEqual(enrolment)
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(3)
    })

    test('may follow a counter', async () => {
      const { enrolments } = records()
      const enrolment = enrolmentOf(unique('subject'), { kind: 'hotp', lastStep: 41 })
      await enrolments.replace({ enrolment, recoveryHashes: [] })
      expect(await enrolments.find(enrolment.subject)).toEqual(enrolment)
    })

    test('replace the one before, with its recovery codes', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      await enrolments.replace({ enrolment: enrolmentOf(subject), recoveryHashes: ['a', 'b', 'c'] })
      const fresh = enrolmentOf(subject)
      await enrolments.replace({ enrolment: fresh, recoveryHashes: ['c', 'd'] })
      expect(await enrolments.find(subject)).toEqual(fresh)
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(2)
    })

    test('take the place of the one that they name, and of no other', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      const [first, second, third] = [enrolmentOf(subject), enrolmentOf(subject), enrolmentOf(subject)]
      expect(
        await enrolments.replace({ enrolment: second, recoveryHashes: ['x'], inPlaceOf: first.id }),
      ).toBe(false)
      expect(await enrolments.find(subject)).toBeUndefined()
      expect(await enrolments.replace({ enrolment: first, recoveryHashes: ['a'], inPlaceOf: null })).toBe(
        true,
      )
      expect(await enrolments.replace({ enrolment: second, recoveryHashes: [], inPlaceOf: null })).toBe(false)
      expect(await enrolments.find(subject)).toEqual(first)
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(1)
      expect(
        await enrolments.replace({ enrolment: second, recoveryHashes: ['b', 'c'], inPlaceOf: first.id }),
      ).toBe(true)
      expect(await enrolments.replace({ enrolment: third, recoveryHashes: [], inPlaceOf: first.id })).toBe(
        false,
      )
      expect(await enrolments.find(subject)).toEqual(second)
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(2)
    })

    test('that are each the first of a subject leave the one that was made', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      const made = Array.from({ length: 10 }, () => enrolmentOf(subject))
      const answers = await Promise.all(
        made.map((enrolment) => enrolments.replace({ enrolment, recoveryHashes: [], inPlaceOf: null })),
      )
      expect(answers.filter(Boolean)).toHaveLength(1)
      expect(await enrolments.find(subject)).toEqual(made[answers.indexOf(true)])
    })

    test('that are made at once for one subject leave one whole', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      const made = Array.from({ length: 10 }, (_, codes) => ({
        enrolment: enrolmentOf(subject, { digits: codes }),
        recoveryHashes: Array.from({ length: codes }, (_, code) => `${code}`),
      }))
      await Promise.all(made.map((fresh) => enrolments.replace(fresh)))
      const left = await enrolments.find(subject)
      expect(made.map(({ enrolment }) => enrolment)).toContainEqual(left)
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(left?.digits)
    })

    test('tell by which keys their seeds are sealed', async () => {
      const { enrolments } = records()
      const keys = ['-x', '-y', '.', 'a', 'ä'].map((end) => unique('key') + end.replace('.', ''))
      // A seed without a name, or with one that is too long, must not be in the way of the others.
      const seals = [...keys, ...keys].map((key) => `${key}.c2VlZA`)
      for (const sealedSeed of [...seals, 'nameless', `${'long'.repeat(20)}.c2VlZA`]) {
        const enrolment = enrolmentOf(unique('subject'), { sealedSeed })
        await enrolments.replace({ enrolment, recoveryHashes: [] })
      }
      const inUse = await enrolments.keysInUse()
      expect(inUse.filter((key) => keys.includes(key)).sort()).toEqual([...keys].sort())
      expect(new Set(inUse).size).toBe(inUse.length)
    })

    test('are gone when revoked', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      await enrolments.replace({ enrolment: enrolmentOf(subject), recoveryHashes: ['a'] })
      expect(await enrolments.revoke(subject)).toBe(true)
      expect(await enrolments.find(subject)).toBeUndefined()
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(0)
      expect(await enrolments.revoke(subject)).toBe(false)
    })
  })
}
