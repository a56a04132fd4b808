import { setTimeout as sleep } from 'node:timers/promises'
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

const PATIENCE_MS = 20
const HOLD_MS = 200
const kept = async () => {}
const broken = () => Promise.reject(new Error('disk full'))
const hanging = () => new Promise<void>(() => {})
const slow = () => sleep(2 * PATIENCE_MS)

async function keep(
  kind: AccountingRecord['kind'],
  database: () => Promise<void>,
  spool: () => Promise<void>,
): Promise<{ answered: boolean; spooled: AccountingRecord[] }> {
  const spooled: AccountingRecord[] = []
  const append = async (entry: AccountingRecord) => {
    await spool()
    spooled.push(entry)
  }
  const options = {
    sessions: { record: database },
    spool: { append },
    patienceMs: PATIENCE_MS,
    holdMs: HOLD_MS,
    log: silent,
  }
  return { answered: await keepAccounting(record(kind), options), spooled }
}

describe.each(['start', 'interim', 'stop'] as const)('an accounting record of a %s', (kind) => {
  it('is answered when the database has it, and is nowhere else', async () => {
    expect(await keep(kind, kept, kept)).toEqual({ answered: true, spooled: [] })
  })

  it.each([
    ['broken', broken],
    ['hanging', hanging],
    ['slow', slow],
  ])('is answered when it is in the spool, where the database is %s', async (_, database) => {
    expect(await keep(kind, database, kept)).toEqual({ answered: true, spooled: [record(kind)] })
  })

  it('is answered late where the spool is full and the database only slow', async () => {
    expect(await keep(kind, slow, broken)).toEqual({ answered: true, spooled: [] })
  })

  it('that is nowhere is answered only if the login would fail otherwise', async () => {
    expect(await keep(kind, broken, broken)).toEqual({ answered: kind === 'start', spooled: [] })
  })
})

describe('an accounting record of a Start', () => {
  it.each([
    ['the database', hanging, broken],
    ['the disk', broken, hanging],
    ['all', hanging, hanging],
  ])('is answered within its patience where %s hangs', { timeout: 2000 }, async (_, database, spool) => {
    expect(await keep('start', database, spool)).toEqual({ answered: true, spooled: [] })
  })
})

describe.each(['interim', 'stop'] as const)('an accounting record of a %s that is kept nowhere', (kind) => {
  it.each([
    ['the database', hanging, broken],
    ['the disk', broken, hanging],
    ['all', hanging, hanging],
  ])('gives its place to others where %s hangs', { timeout: 2000 }, async (_, database, spool) => {
    expect(await keep(kind, database, spool)).toEqual({ answered: false, spooled: [] })
  })

  it('is answered where the disk hangs and the database is only slow', async () => {
    expect(await keep(kind, slow, hanging)).toEqual({ answered: true, spooled: [] })
  })
})
