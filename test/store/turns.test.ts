import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import type { Access } from '../../src/store/sqlite/calls.ts'
import { Savepoints } from '../../src/store/sqlite/savepoints.ts'
import { Turns } from '../../src/store/sqlite/turns.ts'

test('a call that has waited for too long is not started, and those behind it are', async () => {
  const time = { now: 0 }
  const started: Access[] = []
  // The first write takes longer than any call may wait.
  const write = async () => {
    if (started.push('write') === 1) time.now += 2001
  }
  const read = async () => void started.push('read')
  const turns = new Turns(
    { database: new DatabaseSync(':memory:'), savepoints: new Savepoints() },
    { now: () => time.now, monotonic: () => time.now },
  )
  // More than a group holds: the last one's turn comes when the first group is written.
  const calls = Array.from({ length: 1000 }, () => turns.add('write', write))
  const last = expect(calls.at(-1)).rejects.toMatchObject({
    name: 'Unavailable',
    what: 'storage',
    message: 'storage: no turn within 2000 ms',
  })
  await Promise.allSettled(calls)
  await last
  await turns.finished()
  expect(started.length).toBeLessThan(1000)
  await Promise.all([turns.add('read', read), turns.add('write', write)])
  expect(started.slice(-2)).toEqual(['read', 'write'])
})

test('a read is answered before the writes that came with it begin', async () => {
  const order: string[] = []
  const turns = new Turns(
    { database: new DatabaseSync(':memory:'), savepoints: new Savepoints() },
    { now: () => 0, monotonic: () => 0 },
  )
  const write = turns.add('write', async () => void order.push('write begun'))
  // As the channel does: what is ready leaves in the next turn of the event loop.
  const read = turns.add('read', async () => {}).then(() => setImmediate(() => order.push('answer sent')))
  await Promise.all([write, read])
  expect(order).toEqual(['answer sent', 'write begun'])
})
