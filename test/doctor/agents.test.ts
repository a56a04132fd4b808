import { expect, test } from 'vitest'
import { checkAgents } from '../../src/doctor/agents.ts'
import type { Agent } from '../../src/domain/agent.ts'

const NOW = Date.UTC(2026, 0, 15, 12)
const MINUTE = 60_000

async function findingsOn(...agents: readonly Partial<Agent>[]) {
  const usual = {
    gateway: 'gw1',
    host: 'vpn1',
    protocol: 1,
    version: '1.2',
    token: 'agent-1',
    sessions: 7,
    bans: [],
  }
  const list = async () => agents.map((agent) => ({ ...usual, heardAt: NOW - 5_000, ...agent }))
  return checkAgents({ list }, ['gw1'], '1.2', { now: () => NOW })()
}

test('an agent that reports is listed with its last news', async () => {
  const [finding] = await findingsOn({ ocservVersion: '1.1.6' })
  expect(finding).toMatchObject({ about: 'agent of gw1 at vpn1', verdict: 'ok' })
  expect(finding?.cause).toContain('sessions: 7, ocserv 1.1.6')
  expect(finding?.cause).toContain('2026-01-15T11:59:55')
})

test('an agent is silent after three minutes', async () => {
  expect(await findingsOn({ heardAt: NOW - 3 * MINUTE })).toMatchObject([{ verdict: 'ok' }])
  expect(await findingsOn({ heardAt: NOW - 3 * MINUTE - 1 })).toMatchObject([{ verdict: 'warning' }])
})

test('an agent of another protocol is a fault, until it comes no more', async () => {
  const [finding] = await findingsOn({ host: '', protocol: 2, version: 'unknown' })
  expect(finding).toMatchObject({ about: 'agent of gw1', verdict: 'fault' })
  expect(await findingsOn({ protocol: 2, heardAt: NOW - 10 * MINUTE })).toEqual([])
})

test('an agent of another release, or of a gateway that is gone, is a warning', async () => {
  expect(await findingsOn({ version: '1.1' })).toMatchObject([{ verdict: 'warning' }])
  const [gone] = await findingsOn({ gateway: 'old' })
  expect(gone).toMatchObject({ verdict: 'warning', remedy: expect.stringContaining('token revoke agent-1') })
})
