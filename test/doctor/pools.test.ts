import { expect, test } from 'vitest'
import { checkPools } from '../../src/doctor/pools.ts'
import { parseNetwork } from '../../src/domain/network.ts'

test('a pool that is nearly full is a warning, and one without a free address a fault', async () => {
  const ipv4 = parseNetwork('10.8.0.0/24') ?? expect.unreachable()
  const pools = [{ name: 'staff', ipv4, exclude: [] }]
  const verdictAt = async (held: number) => {
    const usage = async () => [{ pool: 'staff', family: 'ipv4' as const, size: 100, held }]
    return (await checkPools(pools as never, { usage: usage as never })()).map(({ verdict }) => verdict)
  }
  expect(await verdictAt(50)).toEqual(['ok'])
  expect(await verdictAt(95)).toEqual(['warning'])
  expect(await verdictAt(100)).toEqual(['fault'])
})
