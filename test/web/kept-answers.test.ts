import { expect, test } from 'vitest'
import { KeptAnswers } from '../../src/web/desk/kept-answers.ts'

/** Counts how often it is asked; each answer takes so long. */
function slowCount(tookMs: number) {
  let now = 0
  let asked = 0
  const kept = new KeptAnswers(() => now)
  const ask = () =>
    kept.get('count', async () => {
      asked += 1
      now += tookMs
      return asked
    })
  return {
    ask,
    pass: (ms: number) => {
      now += ms
    },
  }
}

test('an answer is kept for 2 s, or for twenty times what it took', async () => {
  const quick = slowCount(1)
  expect([await quick.ask(), await quick.ask()]).toEqual([1, 1])
  const slow = slowCount(1000)
  await slow.ask()
  slow.pass(18_000)
  expect(await slow.ask()).toBe(1)
})

test('an older one is shown once more while the next is sought, and one that is too old is not', async () => {
  const { ask, pass } = slowCount(1)
  await ask()
  pass(3000)
  expect(await ask()).toBe(1)
  await expect.poll(ask).toBe(2)
  pass(60_000)
  expect(await ask()).toBe(3)
})

test('many who ask at a time cause one question, and a failure is not kept', async () => {
  const kept = new KeptAnswers(() => 0)
  let asked = 0
  const ask = () =>
    kept.get('it', async () => {
      asked += 1
      if (asked === 1) throw new Error('the records are away')
      return asked
    })
  const answers = await Promise.allSettled([ask(), ask()])
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(asked).toBe(1)
  expect(await ask()).toBe(2)
})
