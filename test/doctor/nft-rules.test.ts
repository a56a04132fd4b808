import { expect, test } from 'vitest'
import { droppedAt, isTranslated, readRuleset } from '../../src/doctor/gateway/nft-rules.ts'

const at = { family: 'inet', table: 'lab' }
const base = (name: string, policy: string, type = 'filter') => ({
  chain: { ...at, name, type, hook: name, prio: 0, policy },
})
const rule = (chain: string, ...expr: object[]) => ({ rule: { ...at, chain, expr } })
const match = (left: object, right: unknown, op = '==') => ({ match: { op, left, right } })
const port = (protocol: string, right: unknown) => match({ payload: { protocol, field: 'dport' } }, right)
const device = (right: string, op?: string) => match({ meta: { key: 'iifname' } }, right, op)
const [accept, drop] = [{ accept: null }, { drop: null }]

const PACKET = { protocol: 'udp', dport: 443, iifname: 'eth0' } as const
const dropped = (items: readonly object[], packet: object = PACKET) =>
  droppedAt(readRuleset({ nftables: items }) ?? expect.unreachable(), 'input', packet) !== undefined

test.each([
  ['no rule', [], false],
  ['a policy', [base('input', 'drop')], true],
  ['an accept for the port', [base('input', 'drop'), rule('input', port('udp', 443), accept)], false],
  ['an accept for TCP alone', [base('input', 'drop'), rule('input', port('tcp', 443), accept)], true],
  [
    'an accept for a range',
    [base('input', 'drop'), rule('input', port('th', { set: [{ range: [400, 500] }] }), accept)],
    false,
  ],
  ['an accept for another device', [base('input', 'drop'), rule('input', device('lo'), accept)], true],
  [
    'an accept for every other device',
    [base('input', 'drop'), rule('input', device('lo', '!='), accept)],
    false,
  ],
  ['a device by its beginning', [base('input', 'drop'), rule('input', device('eth*'), accept)], false],
  [
    'an accept that cannot be told',
    [base('input', 'drop'), rule('input', match({ socket: {} }, 1), accept)],
    false,
  ],
  [
    'a drop that cannot be told',
    [base('input', 'accept'), rule('input', match({ socket: {} }, 1), drop)],
    false,
  ],
  [
    'a jump to an accept',
    [base('input', 'drop'), rule('input', { jump: { target: 'x' } }), rule('x', accept)],
    false,
  ],
  [
    'a jump and a return',
    [
      base('input', 'drop'),
      rule('input', { jump: { target: 'x' } }),
      rule('x', { return: null }),
      rule('x', accept),
    ],
    true,
  ],
  ['iptables’ own drop', [base('input', 'accept'), rule('input', { counter: {} }, drop)], true],
] as const)('of a packet: %s', (_what, items, expected) => {
  expect(dropped(items)).toBe(expected)
})

test('what translates a network is found, iptables’ own rules among them', () => {
  const saddr = match(
    { payload: { protocol: 'ip', field: 'saddr' } },
    { prefix: { addr: '10.8.0.0', len: 24 } },
  )
  for (const target of [
    { masquerade: null },
    { snat: { addr: '192.0.2.1' } },
    { xt: { name: 'MASQUERADE' } },
  ]) {
    const ruleset =
      readRuleset({ nftables: [base('post', 'accept', 'nat'), rule('post', saddr, target)] }) ??
      expect.unreachable()
    expect(isTranslated(ruleset, { saddr: '10.8.0.7' })).toBe(true)
    expect(isTranslated(ruleset, { saddr: '10.9.0.7' })).toBe(false)
  }
})
