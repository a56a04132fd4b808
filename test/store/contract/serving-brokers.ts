import { describe, expect, test } from 'vitest'
import type { Repositories } from '../../../src/store/repositories.ts'
import { NOON, unique } from '../samples.ts'

export function servingBrokerContract(records: () => Repositories): void {
  describe('the brokers that serve', () => {
    test('are kept by name as they said last, removed and forgotten', async () => {
      const { brokers } = records()
      const [one, two] = [unique('broker'), unique('broker')]
      const said = {
        version: '1',
        seenAt: NOON,
        aheadMs: -94_000,
        keys: ['a', 'b'],
        policies: 'p',
        pools: 'q',
      }
      const mine = async () => (await brokers.list()).filter(({ name }) => name === one || name === two)
      await brokers.note({ name: one, ...said })
      await brokers.note({ name: two, ...said })
      const later = { name: two, ...said, seenAt: NOON + 1, aheadMs: 0, keys: ['b'], policies: 'r' }
      await brokers.note(later)
      expect(await mine()).toEqual(
        [{ name: one, ...said }, later].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      )
      await brokers.forget(NOON + 1)
      expect(await mine()).toEqual([later])
      await brokers.remove(two)
      expect(await mine()).toEqual([])
    })

    test('share the clock of a database, where it has one of its own', async () => {
      const time = await records().brokers.time()
      expect(time === undefined || Math.abs(time - Date.now()) < 60_000).toBe(true)
    })
  })
}
