import { expect, test, vi } from 'vitest'
import { Unavailable } from '../../src/domain/person.ts'
import type { Question, Reply } from '../../src/workers/messages.ts'
import { Wire, type WireOptions } from '../../src/workers/wire.ts'

type Message = { kind: string; questions?: Question[]; answers?: Reply[] }

/** Two ends of a wire; `cost` counts the messages that crossed. */
function wires(options: Partial<WireOptions> = {}) {
  const time = { now: 0 }
  const clock = { now: () => time.now, monotonic: () => time.now }
  const cost = { messages: 0 }
  const end = (other: () => Wire, more: Partial<WireOptions>) =>
    new Wire({
      name: 'parent process',
      clock,
      answer: async () => undefined,
      send: (raw, done) => {
        const message = raw as unknown as Message
        cost.messages += 1
        if (message.questions !== undefined) other().take(message.questions)
        if (message.answers !== undefined) other().settle(message.answers)
        done()
        return true
      },
      ...more,
    })
  const asking: Wire = end(() => answering, { withinMs: 500, ...options })
  const answering: Wire = end(() => asking, {
    answer: async (what, about) => {
      if (what === 'outage') throw new Unavailable('challenges', 'too many')
      if (what === 'silence') return new Promise(() => undefined)
      return [what, about]
    },
  })
  return { asking, answering, time, cost }
}

test('questions of one moment cross as one message, and each gets its own answer', async () => {
  const { asking, cost } = wires()
  const answers = await Promise.all([1, 2, 3].map((number) => asking.ask('number', number)))
  expect(answers).toEqual([1, 2, 3].map((number) => ['number', number]))
  expect(cost.messages).toBe(2)
})

test('an outage at the other end is an outage here', async () => {
  const { asking } = wires()
  await expect(asking.ask('outage')).rejects.toThrow(new Unavailable('challenges', 'too many'))
})

test('a question without an answer in time is an outage', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const { asking, time } = wires()
    const answer = asking.ask('silence')
    const outcome = expect(answer).rejects.toThrow('parent process: no answer in time')
    time.now = 501
    vi.advanceTimersByTime(200)
    await outcome
  } finally {
    vi.useRealTimers()
  }
})

test('more questions than may wait are refused at once', async () => {
  const { asking } = wires({ atMost: 2 })
  void asking.ask('silence').catch(() => undefined)
  void asking.ask('silence').catch(() => undefined)
  await expect(asking.ask('silence')).rejects.toThrow('2 questions wait already')
  asking.cut()
})

test('an end that does not read is asked no more once a hundred messages wait for it', async () => {
  const { asking } = wires({ send: () => true })
  for (let sent = 0; sent < 100; sent++) {
    void asking.ask('anything').catch(() => undefined)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await expect(asking.ask('anything')).rejects.toThrow(Unavailable)
  asking.cut()
})

test('when the other end is gone, whoever waits and whoever asks hears of it', async () => {
  const { asking } = wires()
  const waiting = expect(asking.ask('silence')).rejects.toThrow('parent process: it is gone')
  asking.cut()
  await waiting
  await expect(asking.ask('anything')).rejects.toThrow('parent process: it is gone')
})
