import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import type { Access, Answer, Call, Served } from '../../src/store/sqlite/calls.ts'
import { Savepoints } from '../../src/store/sqlite/savepoints.ts'
import { Turns } from '../../src/store/sqlite/turns.ts'

const call = (id: number, access: Access): Call => ({ id, access, noun: 'slow', method: access, args: [] })

test('a call that has waited for too long is not begun, and those behind it are', async () => {
  const time = { now: 0 }
  const begun: Access[] = []
  const answers: Answer[] = []
  // The first write takes longer than anybody waits.
  const write = async () => {
    if (begun.push('write') === 1) time.now += 2001
  }
  const served = { slow: { write, read: async () => void begun.push('read') } }
  const turns = new Turns(
    { database: new DatabaseSync(':memory:'), savepoints: new Savepoints() },
    served as unknown as Served,
    (more) => answers.push(...more),
    { now: () => time.now, monotonic: () => time.now },
  )
  // More than a group holds: the last one's turn comes when the first group is written.
  turns.add(Array.from({ length: 1000 }, (_, id) => call(id, 'write')))
  await turns.finished()
  expect(begun.length).toBeLessThan(1000)
  expect(answers.find(({ id }) => id === 999)).toEqual({
    id: 999,
    failure: { kind: 'unavailable', what: 'storage', cause: 'no turn within 2000 ms' },
  })
  turns.add([call(1000, 'read'), call(1001, 'write')])
  await turns.finished()
  expect(begun.slice(-2)).toEqual(['read', 'write'])
})
