import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import type { LogFields } from '../../src/domain/log.ts'
import { earliestId } from '../../src/domain/record-id.ts'
import type { RetentionStore } from '../../src/domain/retention.ts'
import { Pruning, type PruningOptions } from '../../src/store/pruning.ts'
import { sqlRepositories } from '../../src/store/repositories.ts'
import { openForWriting } from '../../src/store/sqlite/database.ts'
import { eventOf, failureOf, HOUR, NOON, unique } from './samples.ts'

const DAY = 24 * HOUR

/** A store in memory whose own records are as old as its events. */
async function storeOf(at: number) {
  const { db, database } = await openForWriting({ path: ':memory:', readOnly: false, busyMs: 0 })
  onTestFinished(() => database.close())
  let made = 0
  const id = () => earliestId(at).slice(0, -6) + String(++made).padStart(6, '0')
  return { records: sqlRepositories(db, { random: { id, bytes: Buffer.alloc } }), id, database }
}

function pruning(retention: RetentionStore, now: number, more: Partial<PruningOptions> = {}) {
  const lines: [event: string, fields: LogFields | undefined][] = []
  const write = (event: string, fields?: LogFields) => void lines.push([event, fields])
  const running = Pruning.start({
    retention,
    keepAuditMs: 10 * DAY,
    keepUsageMs: 30 * DAY,
    keepMs: 20 * DAY,
    clock: { now: () => now, monotonic: systemClock.monotonic },
    log: { debug: write, info: write, warn: write, error: write },
    firstMs: 0,
    everyMs: 30,
    ...more,
  })
  onTestFinished(() => running.stop())
  return { lines, running }
}

/** A busy machine takes its time. */
const PATIENCE = { timeout: 4500 }

describe('pruning', () => {
  test('goes on in small batches until nothing old is left, and says how much it was', async () => {
    const { records, id, database } = await storeOf(NOON)
    const user = unique('user')
    for (let event = 0; event < 500; event++) await records.audit.append(eventOf(user, { id: id() }))
    const { lines } = pruning(records.retention, NOON + 11 * DAY)
    await vi.waitUntil(() => lines.length > 0, PATIENCE)
    expect(lines).toEqual([['retention.pruned', { deleted: 500 }]])
    expect(database.prepare('select count(*) as n from audit_events').get()).toEqual({ n: 0 })
  })

  test('takes released lockouts too, by the time of their release', async () => {
    const { records } = await storeOf(NOON)
    for (const [user, releasedAt] of [
      ['early', NOON],
      ['late', NOON + 5 * DAY],
    ] as const) {
      await records.login.recordFailure(failureOf(user, { lock: ['user'], rules: { hardAfter: 1 } }))
      await records.lockouts.releaseUser(user, 'alice', 'called', releasedAt)
    }
    const { lines } = pruning(records.retention, NOON + 21 * DAY)
    await vi.waitUntil(() => lines.length > 0, PATIENCE)
    expect(await records.lockouts.list({ user: 'early', limit: 9 })).toEqual([])
    expect(await records.lockouts.list({ user: 'late', limit: 9 })).toHaveLength(1)
  })

  test('continues at the next round after an outage of the records', async () => {
    let calls = 0
    const flaky: RetentionStore = {
      prune: async () => {
        calls++
        if (calls === 1) throw new Error('the disk is away')
        return calls === 2 ? 7 : 0
      },
    }
    const { lines } = pruning(flaky, NOON)
    await vi.waitUntil(() => lines.length > 1, PATIENCE)
    expect(lines.map(([event]) => event)).toEqual(['retention.failed', 'retention.pruned'])
  })

  test('leaves the database to others for longer than a batch takes', async () => {
    const at: number[] = []
    const slow: RetentionStore = {
      prune: async () => {
        at.push(performance.now())
        await sleep(40)
        return at.length < 3 ? 200 : 0
      },
    }
    const { lines } = pruning(slow, NOON, { everyMs: 10_000 })
    await vi.waitUntil(() => lines.length > 0, PATIENCE)
    for (const [index, moment] of at.slice(1).entries())
      expect(moment - (at[index] ?? 0)).toBeGreaterThan(150)
  })

  test('stops after the batch that it is at', async () => {
    let calls = 0
    const endless: RetentionStore = {
      prune: async () => {
        calls++
        return 200
      },
    }
    const { running } = pruning(endless, NOON)
    await vi.waitUntil(() => calls > 0, PATIENCE)
    await running.stop()
    const after = calls
    await sleep(150)
    expect(calls).toBe(after)
  })
})
