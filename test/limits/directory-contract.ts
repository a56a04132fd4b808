import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { AttemptLimits, DirectoryPermit, DirectoryTry } from '../../src/domain/attempt-limits.ts'

/** Milliseconds: as in the other tests of limits. */
const WINDOW = 1000
const PARALLEL = 50

/** What every counter must do for passwords that go to a directory which locks accounts. */
export function directoryContract(
  two: () => readonly [AttemptLimits, AttemptLimits],
  passes: (ms: number) => Promise<void>,
): void {
  const tryOf = (more: Partial<DirectoryTry> = {}): DirectoryTry => ({
    source: 'corp',
    subject: `user-${randomBytes(6).toString('hex')}`,
    generation: '',
    withinMs: WINDOW,
    share: 2,
    most: 4,
    isKnown: false,
    isReleased: false,
    ...more,
  })
  const taken = async (limits: AttemptLimits, attempt: DirectoryTry): Promise<DirectoryPermit> => {
    const answer = await limits.takeDirectory(attempt)
    return answer.kind === 'permit' ? answer : expect.unreachable(JSON.stringify(answer))
  }
  const wrong = async (limits: AttemptLimits, attempt: DirectoryTry) => (await taken(limits, attempt)).wrong()

  describe('passwords for a directory that locks accounts', () => {
    test(`are not more than are left, of ${PARALLEL} at a moment over two brokers`, async () => {
      const both = two()
      const attempt = tryOf()
      const known = { ...attempt, isKnown: true }
      const crowd = async (each: DirectoryTry) => {
        const answers = await Promise.all(
          Array.from({ length: PARALLEL }, (_, count) => both[count % 2 === 0 ? 0 : 1].takeDirectory(each)),
        )
        return answers.filter(({ kind }) => kind === 'permit').length
      }
      expect(await crowd(attempt)).toBe(2)
      expect(await crowd(known)).toBe(2)
      expect(await crowd(known)).toBe(0)
    })

    test('are bounded for addresses not known earlier than for known ones, and say what is used up', async () => {
      const [here, there] = two()
      const attempt = tryOf()
      const known = { ...attempt, isKnown: true }
      expect(await wrong(here, known)).toEqual([])
      expect(await wrong(there, attempt)).toEqual(['directory'])
      expect(await here.takeDirectory(attempt)).toMatchObject({
        kind: 'full',
        cause: 'directory',
        failed: 2,
        isBusy: false,
      })
      expect(await wrong(here, known)).toEqual(['directory'])
      expect(await wrong(there, known)).toEqual(['directory_full', 'directory'])
      const full = await here.takeDirectory(known)
      expect(full).toMatchObject({ kind: 'full', cause: 'directory_full', failed: 4 })
      if (full.kind === 'full') expect(full.retryAfterMs).toBeGreaterThan(0)
      if (full.kind === 'full') expect(full.retryAfterMs).toBeLessThanOrEqual(WINDOW)
      await passes(1.1 * WINDOW)
      await taken(here, attempt)
    })

    test('are in the way of others only until they are answered', async () => {
      const [here, there] = two()
      const attempt = tryOf()
      const [first, second] = [await taken(here, attempt), await taken(there, attempt)]
      expect(await here.takeDirectory(attempt)).toMatchObject({ kind: 'full', failed: 0, isBusy: true })
      await first.refund()
      const third = await taken(there, attempt)
      await third.wrong()
      await second.wrong()
      expect(await here.takeDirectory(attempt)).toMatchObject({ kind: 'full', failed: 2, isBusy: false })
    })

    test('are counted from zero after a right one, in another generation, at another account or directory', async () => {
      const [here, there] = two()
      const attempt = tryOf()
      for (let count = 0; count < 2; count++) await wrong(here, attempt)
      for (const other of [{ generation: 'released' }, { source: 'partner' }, { subject: tryOf().subject }])
        expect(await wrong(there, { ...attempt, ...other })).toEqual([])
      await (await taken(there, { ...attempt, isKnown: true })).right()
      expect(await wrong(here, attempt)).toEqual([])
    })

    test('are bounded by the directory’s own count too, with what was sent since', async () => {
      const [here, there] = two()
      const attempt = tryOf()
      const seen = (counted: number, agoMs: number) => ({ ...attempt, others: { counted, agoMs } })
      await wrong(here, attempt)
      // That one is among those of the directory.
      await passes(20)
      const permit = await taken(there, seen(1, 0))
      await permit.refund()
      // The directory was asked before it, or at the same moment: nobody can tell.
      expect(await there.takeDirectory(seen(1, WINDOW))).toMatchObject({
        kind: 'full',
        cause: 'directory',
        failed: 2,
        isBusy: false,
        isOutdated: true,
      })
      expect(await there.takeDirectory(seen(2, WINDOW))).toMatchObject({ isOutdated: false })
      await (await taken(there, { ...seen(3, 0), isKnown: true })).refund()
      expect(await here.takeDirectory({ ...seen(4, 0), isKnown: true })).toMatchObject({
        kind: 'full',
        cause: 'directory_full',
      })
      const released = { ...seen(3, 0), isReleased: true }
      await (await taken(here, released)).refund()
      expect(await here.takeDirectory({ ...released, others: { counted: 4, agoMs: 0 } })).toMatchObject({
        cause: 'directory_full',
      })
    })
  })
}
