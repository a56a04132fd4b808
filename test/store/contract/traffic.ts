import { describe, expect, test } from 'vitest'
import { EPISODE_MS, MOST_TRAFFIC, type Traffic } from '../../../src/domain/traffic.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { NOON, unique } from '../samples.ts'

export function trafficContract(records: () => Repositories): void {
  describe('traffic', () => {
    const dropped = (gateway: string, more: Partial<Traffic> = {}): Traffic => ({
      source: '192.0.2.1',
      gateway,
      kind: 'login',
      outcome: 'bad_message_authenticator',
      count: 2,
      firstAt: NOON,
      lastAt: NOON + 1000,
      ...more,
    })
    const of = async (gateway: string) =>
      (await records().traffic.list()).filter((each) => each.gateway === gateway)

    test('is added up for each source, gateway, kind and outcome', async () => {
      const [one, other] = [unique('gw'), unique('gw')]
      const { traffic } = records()
      await traffic.add([dropped(one), dropped(one, { outcome: 'taken', detail: 'text' }), dropped(other)])
      await traffic.add([
        dropped(one, { firstAt: NOON + 5000, lastAt: NOON + 6000, detail: 'later' }),
        // Of another process, whose clock is behind.
        dropped(other, { firstAt: NOON - 1000, lastAt: NOON - 500, detail: 'earlier' }),
      ])
      expect(await of(one)).toEqual([
        dropped(one, { count: 4, lastAt: NOON + 6000, detail: 'later' }),
        dropped(one, { outcome: 'taken', detail: 'text' }),
      ])
      expect(await of(other)).toEqual([dropped(other, { count: 4, firstAt: NOON - 1000 })])
    })

    test('is counted from the beginning after a pause', async () => {
      const gateway = unique('gw')
      const { traffic } = records()
      const later = NOON + 1000 + EPISODE_MS + 1
      await traffic.add([dropped(gateway, { detail: 'old' })])
      await traffic.add([dropped(gateway, { count: 1, firstAt: later, lastAt: later })])
      expect(await of(gateway)).toEqual([dropped(gateway, { count: 1, firstAt: later, lastAt: later })])
    })

    test('keeps the newest of strange sources, and what gateways did whatever else comes', async () => {
      const gateway = unique('gw')
      const { traffic } = records()
      await traffic.add([dropped(gateway), dropped(gateway, { outcome: 'taken' })])
      const strange = Array.from({ length: MOST_TRAFFIC.strange + 50 }, (_, index) =>
        dropped('', {
          source: `198.51.100.${index} ${gateway}`,
          outcome: 'unknown_gateway',
          gateway: undefined,
          firstAt: NOON + index,
          lastAt: NOON + index,
        }),
      )
      await traffic.add(strange.slice(0, 150))
      await traffic.add(strange.slice(150))
      const kept = (await traffic.list()).filter((each) => each.gateway === undefined)
      expect(kept.map(({ source }) => source)).toEqual(
        strange
          .slice(-MOST_TRAFFIC.strange)
          .map(({ source }) => source)
          .reverse(),
      )
      expect(await of(gateway)).toHaveLength(2)
    })
  })
}
