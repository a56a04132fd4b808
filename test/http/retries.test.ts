import type { Request, Response } from 'express'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { memoryStore } from '../../src/ephemeral/memory-store.ts'
import { Call } from '../../src/http/api/call.ts'
import { type KeptWrite, Retries } from '../../src/http/api/retries.ts'
import { setCaller } from '../../src/http/caller.ts'

const DAY_MS = 24 * 3_600_000

function openRetries() {
  let now = 1
  const clock = { ...systemClock, monotonic: () => now }
  const kept = memoryStore<KeptWrite>({ name: 'idempotency keys', clock, capacity: 10 })
  const retries = new Retries({ kept, mostOfOne: 3, clock })
  let done = 0
  return {
    pass: (ms: number) => {
      now += ms
    },
    done: () => done,
    /** @returns the status of the answer, or the name of the problem. */
    async write(caller: string, key?: string, fails = false): Promise<unknown> {
      const response = { set: () => {}, locals: {} } as unknown as Response
      const request = {
        method: 'POST',
        originalUrl: '/',
        body: {},
        get: () => key,
        res: response,
      } as unknown as Request
      setCaller(response, {
        key: caller,
        actor: caller,
        name: caller,
        kind: 'token',
        rights: new Map(),
        isStillGood: async () => true,
      })
      const call = new Call(request, response)
      const answer = retries.once(call, async () => {
        if (fails) throw new Error('nothing was written')
        done += 1
        return { status: 201 }
      })
      return answer.then(
        ({ status }) => status,
        (error: Error) => ('problem' in error ? error.problem : error.message),
      )
    },
  }
}

test('one caller’s Idempotency-Keys leave room for another’s, and for its own a day later', async () => {
  const { write, done, pass } = openRetries()
  for (const key of ['a', 'b', 'c']) expect(await write('token 1', key)).toBe(201)
  expect(await write('token 1', 'd')).toBe('too-many-requests')
  expect(done()).toBe(3)
  // What is kept is still answered, and a write without a key is done.
  expect(await write('token 1', 'a')).toBe(201)
  expect(done()).toBe(3)
  expect(await write('token 1')).toBe(201)
  for (const key of ['a', 'b', 'c']) expect(await write('token 2', key)).toBe(201)
  pass(DAY_MS)
  expect(await write('token 1', 'd')).toBe(201)
})

test('a failed write does not count towards the caller’s limit', async () => {
  const { write } = openRetries()
  for (const key of ['a', 'b', 'c', 'd', 'e'])
    expect(await write('token 1', key, true)).toBe('nothing was written')
  expect(await write('token 1', 'a')).toBe(201)
})

test('a key in use does not count twice', async () => {
  const { write } = openRetries()
  const answers = await Promise.all(Array.from({ length: 3 }, () => write('token 1', 'a')))
  expect(answers.toSorted()).toEqual([201, 'request-in-progress', 'request-in-progress'])
  expect([await write('token 1', 'b'), await write('token 1', 'c')]).toEqual([201, 201])
})
