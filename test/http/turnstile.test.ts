import { expect, test } from 'vitest'
import { Turnstile } from '../../src/http/busy.ts'

test('a turnstile lets so many through at a time, a few wait in their order, and one more is refused', async () => {
  const turnstile = new Turnstile(2, 2)
  const begun: number[] = []
  const ends: (() => void)[] = []
  const pass = (number: number) =>
    turnstile.pass(async () => {
      begun.push(number)
      await new Promise<void>((end) => ends.push(end))
      return number
    })
  const passed = [pass(0), pass(1), pass(2), pass(3)]
  await expect(pass(4)).rejects.toMatchObject({ problem: 'busy' })
  expect(begun).toEqual([0, 1])
  ends[0]?.()
  await expect.poll(() => begun).toEqual([0, 1, 2])
  ends[2]?.()
  await expect.poll(() => begun).toEqual([0, 1, 2, 3])
  for (const end of ends) end()
  expect(await Promise.all(passed)).toEqual([0, 1, 2, 3])
})

test('a turnstile gives the place of what failed to the next', async () => {
  const turnstile = new Turnstile(1, 1)
  const failing = turnstile.pass(async () => {
    throw new Error('no')
  })
  const waiting = turnstile.pass(async () => 'in')
  await expect(failing).rejects.toThrow('no')
  expect(await waiting).toBe('in')
  expect(await turnstile.pass(async () => 'in again')).toBe('in again')
})
