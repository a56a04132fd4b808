import { expect, test } from 'vitest'
import { checkSessionEnds } from '../../src/doctor/session-ends.ts'
import type { ApiToken } from '../../src/domain/api-token.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { SessionLimit } from '../../src/domain/session-limit.ts'

const NOW = Date.UTC(2026, 0, 15)
const gateways = [
  { name: 'gw1' },
  { name: 'gw2' },
  { name: 'gw3', disconnect: { port: 3799, secret: new Secret(Buffer.from('x')) } },
]
const token = { id: 't', name: 'a', hash: '', scopes: [], createdAt: 0, createdBy: 'me' }

function findingsOn(
  whenFull: SessionLimit['whenFull'],
  tokens: readonly Partial<ApiToken>[],
  when: { readonly gateways?: readonly string[] } = {},
) {
  const policy = { name: 'staff', when, sessions: { most: 1, whenFull, per: 'user' } as const }
  const list = async () => tokens.map((each) => ({ ...token, ...each }))
  return checkSessionEnds([policy], gateways, { list }, { now: () => NOW })()
}

test('a policy that ends sessions where nothing can is a warning', async () => {
  expect(await findingsOn('end_oldest', [])).toMatchObject([
    {
      about: 'policy staff',
      verdict: 'warning',
      cause: expect.stringContaining('at gw1, gw2: there is no token of an agent, and no disconnect'),
      remedy: expect.stringContaining('--scope gateway:gw1'),
    },
  ])
  const [expired, revoked] = [
    { gateway: 'gw1', expiresAt: NOW },
    { gateway: 'gw1', revokedAt: 1 },
  ]
  expect(await findingsOn('end_oldest', [expired, revoked], { gateways: ['gw1', 'gw3'] })).toMatchObject([
    { cause: expect.stringContaining('at gw1: ') },
  ])
})

test('a policy that refuses, and one whose gateways have agents, are in order', async () => {
  expect(await findingsOn('refuse', [])).toEqual([])
  expect(await findingsOn('end_oldest', [{ gateway: 'gw1' }, { gateway: 'gw2' }])).toEqual([])
  expect(await findingsOn('end_oldest', [], { gateways: ['gw3'] })).toEqual([])
})
