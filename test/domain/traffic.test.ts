import { expect, test } from 'vitest'
import { remedyOf } from '../../src/domain/drop-remedies.ts'
import { askedAt, DROP_REASONS, EPISODE_MS, recentDrops, type Traffic } from '../../src/domain/traffic.ts'

const NOW = 1_900_000_000_000
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
const taken = (at: number, more: Partial<Traffic> = {}) =>
  traffic({ outcome: 'taken', firstAt: 0, lastAt: NOW + at, ...more })
const stateOf = (drop: Traffic, ...others: readonly Traffic[]) =>
  recentDrops([drop, ...others], NOW).map(({ state }) => state)[0]

test('a drop is over when a request of its source was taken since', () => {
  expect(stateOf(traffic())).toBe('every')
  expect(stateOf(traffic(), taken(-70_000))).toBe('every')
  expect(stateOf(traffic(), taken(-40_000))).toBe('some')
  expect(stateOf(traffic(), taken(-20_000))).toBe('over')
  expect(stateOf(traffic(), taken(-20_000, { source: '192.0.2.2' }))).toBe('every')
  expect(stateOf(traffic(), taken(-20_000, { gateway: 'other' }))).toBe('every')
})

test('what is wrong with one kind of request is mended by that kind alone', () => {
  const wrongPort = traffic({ outcome: 'wrong_code' })
  const unsigned = traffic({ outcome: 'no_message_authenticator' })
  for (const drop of [wrongPort, unsigned]) {
    expect(stateOf(drop, taken(-20_000, { kind: 'accounting' }))).toBe('every')
    // doctor asks by a signed Status-Server, whatever radcli can do.
    expect(stateOf(drop, taken(-20_000, { kind: 'status' }))).toBe('every')
    expect(stateOf(drop, taken(-20_000))).toBe('over')
  }
  expect(stateOf(traffic(), taken(-20_000, { kind: 'status' }))).toBe('every')
  expect(stateOf(traffic({ kind: 'status' }), taken(-20_000))).toBe('over')
  const unknown = traffic({ outcome: 'unknown_gateway', gateway: undefined })
  expect(stateOf(unknown, taken(-20_000, { kind: 'status' }))).toBe('over')
  // Another gateway behind the same address.
  expect(stateOf({ ...unknown, detail: 'NAS-Identifier x' }, taken(-20_000))).toBe('every')
})

test('what was dropped an hour ago is no news', () => {
  expect(recentDrops([traffic({ lastAt: NOW - EPISODE_MS })], NOW)).toEqual([])
})

test('a gateway has asked when a login or accounting of it was taken', () => {
  expect(askedAt([traffic(), taken(-5, { kind: 'status' }), taken(-9, { gateway: 'b' })], 'gw')).toBe(
    undefined,
  )
  expect(askedAt([taken(-9), taken(-7, { kind: 'accounting' })], 'gw')).toBe(NOW - 7)
})

test('each reason has a remedy, which names the entry to add or to change', () => {
  for (const outcome of DROP_REASONS) expect(remedyOf(traffic({ outcome }) as never)).not.toBe('')
  const of = (outcome: Traffic['outcome'], more: Partial<Traffic> = {}) =>
    remedyOf(traffic({ outcome, ...more }) as never)
  expect(of('unknown_gateway', { gateway: undefined })).toContain(
    '{ name: NAME, address: 192.0.2.1, secret_file: FILE }',
  )
  expect(of('unknown_gateway', { source: '2001:db8::1' })).toContain('address: "2001:db8::1"')
  expect(of('unknown_gateway', { detail: 'NAS-Identifier x' })).toContain('nas_identifier')
  expect(of('wrong_code')).toContain('swapped')
  for (const outcome of ['bad_message_authenticator', 'bad_accounting_authenticator'] as const)
    expect(of(outcome)).toMatch(/shared secret differs.* gw/)
  expect(of('no_message_authenticator')).toContain('message_authenticator: off')
})
