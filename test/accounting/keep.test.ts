import { describe, expect, it } from 'vitest'
import { keepAccounting } from '../../src/accounting/keep.ts'
import type { AccountingRecord } from '../../src/domain/session.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const record = (kind: AccountingRecord['kind']): AccountingRecord => ({
  kind,
  gateway: 'gw1',
  user: 'bob',
  acctSession: 's1',
  at: 0,
  seconds: 0,
  octetsIn: 0,
  octetsOut: 0,
})
const keep = (kind: AccountingRecord['kind'], recorded: () => Promise<void>) =>
  keepAccounting(record(kind), { sessions: { record: recorded }, startWaitsMs: 20, log: silent })

describe('an accounting record', () => {
  it.each(['start', 'interim', 'stop'] as const)('of a %s is answered when it is kept', async (kind) => {
    expect(await keep(kind, async () => {})).toBe(true)
  })

  it('of a Start is answered although the disk is slow or broken: the login must not fail by it', async () => {
    expect(await keep('start', () => new Promise(() => {}))).toBe(true)
    expect(await keep('start', () => Promise.reject(new Error('disk full')))).toBe(true)
  })

  it.each(['interim', 'stop'] as const)('of a %s that is not kept is not answered', async (kind) => {
    expect(await keep(kind, () => Promise.reject(new Error('disk full')))).toBe(false)
  })
})
