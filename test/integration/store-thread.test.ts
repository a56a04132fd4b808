import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { StoreThread } from '../../src/store/sqlite/thread.ts'

const entry = new URL('../store/children/mortal-thread.ts', import.meta.url)
const start = (data = '') => StoreThread.start({ entry, data, maxWaiting: 10 })
const echo = (thread: StoreThread, value: unknown) => thread.call('echo', [value])
const silent = (thread: StoreThread) => thread.call('silence', [])

test('calls that wait for a thread that dies are unavailable, and a new thread takes its place', async () => {
  const thread = await start()
  const waiting = silent(thread)
  const dying = thread.call('die', [])
  for (const call of [waiting, dying]) {
    await expect(call).rejects.toMatchObject({ name: 'Unavailable', what: 'storage' })
  }
  await expect(dying).rejects.toThrow('out of memory')
  await expect(echo(thread, 1)).rejects.toMatchObject({ name: 'Unavailable' })
  const deadline = performance.now() + 5_000
  let answer: unknown
  while (answer !== 2 && performance.now() < deadline) {
    await sleep(50)
    answer = await echo(thread, 2).catch(() => undefined)
  }
  expect(answer).toBe(2)
  await thread.close()
})

test('a thread that refuses to serve says why', async () => {
  await expect(start('refuse')).rejects.toThrow('the file is damaged')
})

test('a thread that has died does not come back once it is closed', async () => {
  const thread = await start()
  await expect(thread.call('die', [])).rejects.toThrow()
  await thread.close()
  await sleep(600)
  await expect(echo(thread, 1)).rejects.toMatchObject({ name: 'Unavailable' })
})

test('a call that cannot be sent fails alone', async () => {
  const thread = await start()
  const [unsendable, neighbour] = [echo(thread, () => 'a function is no message'), echo(thread, 'text')]
  await expect(unsendable).rejects.toThrow('could not be cloned')
  expect(await neighbour).toBe('text')
  await thread.close()
})
