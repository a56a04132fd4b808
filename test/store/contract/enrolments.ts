import { describe, expect, test } from 'vitest'
import { MAX_ENROLMENTS } from '../../../src/domain/enrolment.ts'
import { systemRandom } from '../../../src/domain/random.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { enrolmentOf, NOON, unique } from '../samples.ts'

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
      expect((await enrolments.ofSubject(subject))[0]).toEqual(enrolment)
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(3)
    })

    test('may follow a counter', async () => {
      const { enrolments } = records()
      const enrolment = enrolmentOf(unique('subject'), { kind: 'hotp', lastStep: 41 })
      await enrolments.replace({ enrolment, recoveryHashes: [] })
      expect((await enrolments.ofSubject(enrolment.subject))[0]).toEqual(enrolment)
    })

    test('replace the one before, with its recovery codes', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      await enrolments.replace({ enrolment: enrolmentOf(subject), recoveryHashes: ['a', 'b', 'c'] })
      const fresh = enrolmentOf(subject)
      await enrolments.replace({ enrolment: fresh, recoveryHashes: ['c', 'd'] })
      expect((await enrolments.ofSubject(subject))[0]).toEqual(fresh)
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(2)
    })

    test('take the place of the one that they name, and of no other', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      const [first, second, third] = [enrolmentOf(subject), enrolmentOf(subject), enrolmentOf(subject)]
      expect(
        await enrolments.replace({ enrolment: second, recoveryHashes: ['x'], inPlaceOf: first.id }),
      ).toBe(false)
      expect((await enrolments.ofSubject(subject))[0]).toBeUndefined()
      expect(await enrolments.replace({ enrolment: first, recoveryHashes: ['a'], inPlaceOf: null })).toBe(
        true,
      )
      expect(await enrolments.replace({ enrolment: second, recoveryHashes: [], inPlaceOf: null })).toBe(false)
      expect((await enrolments.ofSubject(subject))[0]).toEqual(first)
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(1)
      expect(
        await enrolments.replace({ enrolment: second, recoveryHashes: ['b', 'c'], inPlaceOf: first.id }),
      ).toBe(true)
      expect(await enrolments.replace({ enrolment: third, recoveryHashes: [], inPlaceOf: first.id })).toBe(
        false,
      )
      expect((await enrolments.ofSubject(subject))[0]).toEqual(second)
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
      expect((await enrolments.ofSubject(subject))[0]).toEqual(made[answers.indexOf(true)])
    })

    test('that are made at once for one subject leave one whole', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      const made = Array.from({ length: 10 }, (_, codes) => ({
        enrolment: enrolmentOf(subject, { digits: codes }),
        recoveryHashes: Array.from({ length: codes }, (_, code) => `${code}`),
      }))
      await Promise.all(made.map((fresh) => enrolments.replace(fresh)))
      const left = (await enrolments.ofSubject(subject))[0]
      expect(made.map(({ enrolment }) => enrolment)).toContainEqual(left)
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(left?.digits)
    })

    test('stand beside each other, up to five, with the recovery codes of the first', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      const made = Array.from({ length: MAX_ENROLMENTS }, (_, at) =>
        enrolmentOf(subject, { name: `phone ${at}`, createdAt: NOON + at }),
      )
      for (const enrolment of made)
        expect(await enrolments.add({ enrolment, recoveryHashes: [enrolment.id] })).toBe('added')
      const another = { enrolment: enrolmentOf(subject), recoveryHashes: [] }
      expect(await enrolments.add(another)).toBe('full')
      expect((await enrolments.registeredOf(subject)).map(({ name }) => name)).toEqual(
        made.map(({ name }) => name),
      )
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(1)
      expect(await enrolments.revoke(subject, made[1]?.id)).toBe(true)
      expect(await enrolments.revoke(subject, made[1]?.id)).toBe(false)
      expect(await enrolments.add(another)).toBe('added')
      expect(await enrolments.ofSubject(subject)).toHaveLength(MAX_ENROLMENTS)
    })

    test('are added only beside the one that has to be there', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      const [first, second, third] = [enrolmentOf(subject), enrolmentOf(subject), enrolmentOf(subject)]
      const beside = first.id
      expect(await enrolments.add({ enrolment: second, recoveryHashes: ['a'], beside })).toBe('gone')
      await enrolments.replace({ enrolment: first, recoveryHashes: [] })
      expect(await enrolments.add({ enrolment: second, recoveryHashes: [], beside })).toBe('added')
      await enrolments.revoke(subject, first.id)
      expect(await enrolments.add({ enrolment: third, recoveryHashes: [], beside })).toBe('gone')
      expect(await enrolments.ofSubject(subject)).toEqual([second])
    })

    test('that are added at once are never too many', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      const made = Array.from({ length: 10 }, () => ({
        enrolment: enrolmentOf(subject),
        recoveryHashes: [unique('hash')],
      }))
      const answers = await Promise.all(made.map((added) => enrolments.add(added)))
      const there = await enrolments.ofSubject(subject)
      expect(there.length).toBeLessThanOrEqual(MAX_ENROLMENTS)
      expect(answers.filter((answer) => answer === 'added')).toHaveLength(there.length)
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(1)
    })

    test('leave nothing of what was added while all were replaced or revoked', async () => {
      const { enrolments } = records()
      for (const _ of Array.from({ length: 5 })) {
        const subject = unique('subject')
        const [first, second, fresh] = [enrolmentOf(subject), enrolmentOf(subject), enrolmentOf(subject)]
        await enrolments.replace({ enrolment: first, recoveryHashes: ['a'] })
        await Promise.all([
          enrolments.add({ enrolment: second, recoveryHashes: [], beside: first.id }),
          enrolments.replace({ enrolment: fresh, recoveryHashes: ['b', 'c'] }),
        ])
        expect(await enrolments.ofSubject(subject)).toEqual([fresh])
        expect(await enrolments.recoveryCodesLeft(subject)).toBe(2)
        await Promise.all([
          enrolments.add({ enrolment: second, recoveryHashes: [], beside: fresh.id }),
          enrolments.revoke(subject),
        ])
        expect(await enrolments.ofSubject(subject)).toEqual([])
        expect(await enrolments.recoveryCodesLeft(subject)).toBe(0)
      }
    })

    test('are replaced one by one or all at once', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      const [first, second] = [enrolmentOf(subject, { name: 'phone' }), enrolmentOf(subject)]
      await enrolments.replace({ enrolment: first, recoveryHashes: ['a'] })
      await enrolments.add({ enrolment: second, recoveryHashes: [] })
      const fresh = enrolmentOf(subject)
      expect(await enrolments.replace({ enrolment: fresh, recoveryHashes: ['b'], inPlaceOf: first.id })).toBe(
        true,
      )
      const there = await enrolments.ofSubject(subject)
      expect(there.map(({ id, name }) => [id, name]).sort()).toEqual(
        [
          [fresh.id, 'phone'],
          [second.id, undefined],
        ].sort(),
      )
      const only = enrolmentOf(subject)
      expect(await enrolments.replace({ enrolment: only, recoveryHashes: [], inPlaceOf: null })).toBe(false)
      expect(await enrolments.replace({ enrolment: only, recoveryHashes: [] })).toBe(true)
      expect(await enrolments.ofSubject(subject)).toEqual([only])
    })

    test('get other names', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      const { id } = enrolmentOf(subject)
      expect(await enrolments.rename(subject, id, 'tablet')).toBe(false)
      await enrolments.replace({ enrolment: enrolmentOf(subject, { id }), recoveryHashes: [] })
      expect(await enrolments.rename(subject, id, 'tablet')).toBe(true)
      expect(await enrolments.rename(unique('other'), id, 'mine')).toBe(false)
      expect((await enrolments.registeredOf(subject))[0]?.name).toBe('tablet')
    })

    test('go with the scratch codes that came with them, and the last one with all codes', async () => {
      const { enrolments } = records()
      const subject = unique('subject')
      const [imported, own] = [enrolmentOf(subject), enrolmentOf(subject)]
      await enrolments.replace({ enrolment: imported, recoveryHashes: ['r'], scratchHashes: ['s1', 's2'] })
      await enrolments.add({ enrolment: own, recoveryHashes: [] })
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(3)
      await enrolments.revoke(subject, imported.id)
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(1)
      await enrolments.revoke(subject, own.id)
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(0)
    })

    test('are taken over all at once or not at all, with their scratch codes and events', async () => {
      const { enrolments, audit } = records()
      const [one, two] = [unique('subject'), unique('subject')]
      const taken = (subject: string, ...scratchHashes: string[]) => ({
        enrolment: enrolmentOf(subject),
        scratchHashes,
      })
      const eventOf = (user: string) =>
        ({ id: systemRandom.id(), at: 1, kind: 'enrolment.made', user, actor: 'tests' }) as const
      const imported = {
        enrolments: [taken(one, 's1', 's2'), taken(two), taken(one, 's2', 's3')],
        events: [eventOf(one), eventOf(two)],
      }
      await enrolments.replace({ enrolment: enrolmentOf(two), recoveryHashes: ['mine'] })
      expect(await enrolments.takeOver({ ...imported, replace: false })).toBe('overtaken')
      expect(await enrolments.ofSubject(one)).toEqual([])
      expect(await enrolments.recoveryCodesLeft(two)).toBe(1)
      expect(await audit.list({ user: one, limit: 9 })).toEqual([])
      expect(await enrolments.takeOver({ ...imported, replace: true })).toBe('done')
      expect((await enrolments.ofSubject(one)).map(({ id }) => id).toSorted()).toEqual(
        [imported.enrolments[0], imported.enrolments[2]].map((each) => each?.enrolment.id).toSorted(),
      )
      expect(await enrolments.ofSubject(two)).toEqual([imported.enrolments[1]?.enrolment])
      expect(await enrolments.recoveryCodesLeft(one)).toBe(3)
      expect(await enrolments.recoveryCodesLeft(two)).toBe(0)
      expect(await audit.list({ user: two, limit: 9 })).toHaveLength(1)
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
      expect((await enrolments.ofSubject(subject))[0]).toBeUndefined()
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(0)
      expect(await enrolments.revoke(subject)).toBe(false)
    })
  })
}
