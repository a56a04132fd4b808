import { expect, test } from 'vitest'
import { checkDrops } from '../../src/doctor/drops.ts'
import type { Gateway } from '../../src/domain/gateway.ts'
import type { Traffic } from '../../src/domain/traffic.ts'

const NOW = 1_900_000_000_000
const DAY = 86_400_000
const traffic = (more: Partial<Traffic> = {}): Traffic => ({
  source: '192.0.2.1',
  gateway: 'gw',
  kind: 'login',
  outcome: 'bad_message_authenticator',
  count: 3,
  firstAt: NOW - 60_000,
  lastAt: NOW - 30_000,
  ...more,
})
const taken = (at: number) => traffic({ outcome: 'taken', firstAt: 0, lastAt: NOW + at })

const findings = (
  found: readonly Traffic[],
  messageAuthenticator: Gateway['messageAuthenticator'] = 'require',
) => checkDrops([{ name: 'gw', messageAuthenticator }], { list: async () => found }, { now: () => NOW })()

test('a gateway of which everything is dropped is a fault, with the cause and the remedy', async () => {
  expect(await findings([traffic({ outcome: 'no_message_authenticator' }), taken(-DAY)])).toEqual([
    {
      about: 'gateway gw',
      verdict: 'fault',
      cause: expect.stringMatching(
        /^every login from 192\.0\.2\.1 is dropped: not signed; 3 times since 2030-/,
      ),
      remedy: expect.stringContaining('message_authenticator: off'),
    },
  ])
})

test('what was dropped between others, or may be anybody’s, is a warning', async () => {
  expect(await findings([traffic(), taken(-45_000)])).toMatchObject([
    { verdict: 'warning', cause: expect.stringMatching(/^some login/) },
  ])
  expect(await findings([traffic({ outcome: 'malformed' })])).toMatchObject([{ verdict: 'warning' }])
})

test('a gateway that is answered is sound, whatever was dropped before or in its name', async () => {
  const sound = [{ about: 'gateway gw', verdict: 'ok' }]
  expect(await findings([taken(-1)])).toMatchObject(sound)
  expect(await findings([traffic(), taken(-1)])).toMatchObject(sound)
  expect(await findings([traffic({ outcome: 'repeated' }), taken(-45_000)])).toMatchObject(sound)
  // That is told by the check of those that sign.
  expect(
    await findings([traffic({ outcome: 'no_message_authenticator' }), taken(-45_000)], 'auto'),
  ).toMatchObject(sound)
})

test('a gateway that has asked nothing yet is a hint, and one that asks no more a warning', async () => {
  expect(await findings([])).toMatchObject([{ verdict: 'hint', cause: 'has asked nothing yet' }])
  expect(await findings([taken(-6 * DAY)])).toMatchObject([{ verdict: 'ok' }])
  expect(await findings([taken(-8 * DAY)])).toMatchObject([{ verdict: 'warning' }])
})

test('strangers are warnings with the entry to add, and many are few lines', async () => {
  const strangers = Array.from({ length: 9 }, (_, index) =>
    traffic({ source: `198.51.100.${index}`, gateway: undefined, outcome: 'unknown_gateway', count: 1 }),
  )
  const found = (await findings([taken(-1), ...strangers])).slice(1)
  expect(found.map(({ verdict }) => verdict)).toEqual([...Array(5).fill('warning'), 'hint'])
  expect(found[0]).toMatchObject({
    about: 'sender 198.51.100.0',
    remedy: expect.stringContaining('address: 198.51.100.0, secret_file: FILE }'),
  })
  expect(found[5]?.cause).toBe('4 more are dropped')
})
