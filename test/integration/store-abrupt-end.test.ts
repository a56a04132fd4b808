import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../real/folder.ts'
import { thisMachine } from '../real/process.ts'

const ROUNDS = 3
const WRITER = fileURLToPath(new URL('../store/children/busy-writer.ts', import.meta.url))

const folder = temporaryFolder('kill')
afterAll(() => folder.remove())

describe('a process that is ended by SIGKILL in the middle of many writes', () => {
  test('has lost nothing that it acknowledged, and left no half of anything', {
    timeout: 30_000,
  }, async () => {
    const path = folder.file('broker.db')
    const acknowledged: string[][] = []
    // Each round goes on with the file that the one before was torn away from.
    for (let round = 0; round < ROUNDS; round++) {
      const writer = thisMachine.start(process.execPath, [WRITER, path])
      await writer.waitForOutput(/admitted/)
      await sleep(Math.random() * 100)
      writer.signal('SIGKILL')
      const { stdout } = await writer.finished
      const lines = stdout.split('\n').slice(0, -1)
      expect(lines.length).toBeGreaterThan(10)
      acknowledged.push(...lines.map((line) => line.split(' ')))
      expectWhole(path, acknowledged)
    }
  })
})

/** Looks with a connection of its own, without any code of the store. */
function expectWhole(path: string, acknowledged: readonly (readonly string[])[]): void {
  const database = new DatabaseSync(path)
  try {
    const column = (sql: string) =>
      new Map(
        database
          .prepare(sql)
          .all()
          .map((row) => [row.key, row.value]),
      )
    expect(database.prepare('pragma integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    const steps = column('select subject as key, last_step as value from enrolments')
    const codes = column('select subject as key, count(*) as value from recovery_codes group by subject')
    const sessions = column('select id as key, user_name as value from sessions')
    const events = column('select id as key, user_name as value from audit_events')
    const missing = acknowledged.filter(([what, subject, step, session, event]) =>
      what === 'enrolled'
        ? codes.get(subject ?? '') !== 2
        : Number(steps.get(subject ?? '')) < Number(step) ||
          sessions.get(session ?? '') !== subject ||
          events.get(event ?? '') !== subject,
    )
    expect(missing).toEqual([])
    // What was not acknowledged is there as a whole or not at all: a step, a session and an event each.
    const claimed = [...steps.values()].reduce<number>((sum, step) => sum + Math.max(0, Number(step)), 0)
    expect(sessions.size).toBe(claimed)
    expect(events.size).toBe(claimed)
  } finally {
    database.close()
  }
}
