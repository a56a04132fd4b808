import { describe, expect, test } from 'vitest'
import type { Repositories } from '../../../src/store/repositories.ts'
import { unique } from '../samples.ts'

export function gatewayContract(records: () => Repositories): void {
  describe('gateways', () => {
    const keysOf = async () => (await records().gateways.signing()).map(({ key }) => key)

    test('are remembered once and forgotten', async () => {
      const { gateways } = records()
      const [one, other] = [unique('gw'), unique('gw')]
      for (const key of [one, other, one]) await gateways.remember(key)
      expect((await keysOf()).filter((key) => key === one)).toHaveLength(1)
      expect(await keysOf()).toContain(other)
      await gateways.forget(one)
      await gateways.forget(one)
      expect(await keysOf()).not.toContain(one)
      expect(await keysOf()).toContain(other)
    })

    test('keep the moment of the last unsigned request of one that signs', async () => {
      const { gateways } = records()
      const [one, other] = [unique('gw'), unique('gw')]
      await gateways.remember(one)
      await gateways.noteUnsigned(one, 1_900_000_000_000)
      await gateways.noteUnsigned(other, 1_900_000_000_000)
      await gateways.remember(one)
      const known = (await gateways.signing()).filter(({ key }) => key === one || key === other)
      expect(known).toEqual([{ key: one, unsignedAt: 1_900_000_000_000 }])
    })
  })
}
