import { describe, expect, test } from 'vitest'
import type { Records } from '../../../src/store/records.ts'
import { unique } from '../samples.ts'

export function gatewayContract(records: () => Records): void {
  describe('gateways', () => {
    test('are remembered once and forgotten', async () => {
      const { gateways } = records()
      const [one, other] = [unique('gw'), unique('gw')]
      for (const key of [one, other, one]) await gateways.remember(key)
      const known = await gateways.authenticating()
      expect(known.filter((key) => key === one)).toHaveLength(1)
      expect(known).toContain(other)
      await gateways.forget(one)
      await gateways.forget(one)
      expect(await gateways.authenticating()).not.toContain(one)
      expect(await gateways.authenticating()).toContain(other)
    })
  })
}
