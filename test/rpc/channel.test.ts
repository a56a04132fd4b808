import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import { RpcChannel, type RpcChannelOptions } from '../../src/rpc/channel.ts'

/** Two ends; `cost` counts the messages that crossed. */
function twoEnds(options: Partial<RpcChannelOptions> = {}) {
  const time = { now: 0 }
  const clock = { now: () => time.now, monotonic: () => time.now }
  const cost = { messages: 0 }
  const end = (other: () => RpcChannel, more: Partial<RpcChannelOptions>) =>
    new RpcChannel({
      name: 'parent process',
      clock,
      post: (message, sent) => {
        const copy = structuredClone(message)
        cost.messages += 1
        other().receive(copy)
        sent()
        return true
      },
      ...more,
    })
  const calling: RpcChannel = end(() => answering, { timeoutMs: 500, ...options })
  const answering: RpcChannel = end(() => calling, {
    handle: async (method, argument) => {
      if (method === 'outage') throw new Unavailable('challenges', 'too many')
      if (method === 'fault') throw new Error('no such row')
      if (method === 'silence') return new Promise(() => undefined)
      if (method === 'function') return () => undefined
      return [method, argument]
    },
  })
  return { calling, time, cost }
}

test('calls of one turn cross as one message, and each gets its own answer', async () => {
  const { calling, cost } = twoEnds()
  const answers = await Promise.all([1, 2, 3].map((number) => calling.call('number', number)))
  expect(answers).toEqual([1, 2, 3].map((number) => ['number', number]))
  expect(cost.messages).toBe(2)
})

test('an outage at the other end is an outage here, and a fault is a fault', async () => {
  const { calling } = twoEnds()
  await expect(calling.call('outage')).rejects.toThrow(new Unavailable('challenges', 'too many'))
  const fault = await calling.call('fault').catch((error: unknown) => error)
  expect(fault).toMatchObject({ message: 'no such row', stack: expect.stringContaining('channel.test.ts') })
  expect(fault).not.toBeInstanceOf(Unavailable)
})

test('a call without an answer in time is an outage, by the time limit of the channel or of the call', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const { calling, time } = twoEnds()
    const patient = vi.fn()
    calling.call('silence', undefined, 60_000).catch(patient)
    const outcome = expect(calling.call('silence')).rejects.toThrow('parent process: no answer within 500 ms')
    time.now = 501
    vi.advanceTimersByTime(200)
    await outcome
    expect(patient).not.toHaveBeenCalled()
    time.now = 60_001
    vi.advanceTimersByTime(200)
    await vi.waitFor(() => expect(patient).toHaveBeenCalled())
  } finally {
    vi.useRealTimers()
  }
})

test('an answer that came in time is taken, however long this end was too busy to read it', async () => {
  const echo = `const { parentPort } = require('node:worker_threads')
    parentPort.on('message', ({ calls }) => parentPort.postMessage({ calls: [], answers: calls.map(([id]) => [id, 'here']) }))`
  const other = new Worker(echo, { eval: true })
  onTestFinished(() => void other.terminate())
  await once(other, 'online')
  const channel = new RpcChannel({
    ...{ name: 'other thread', clock: systemClock, timeoutMs: 200 },
    post: (message, sent) => {
      other.postMessage(message)
      sent()
      return true
    },
  })
  onTestFinished(() => channel.close())
  other.on('message', (message) => channel.receive(message))
  for (let time = 0; time < 3; time++) {
    const answer = channel.call('anything')
    await new Promise((resolve) => setImmediate(resolve))
    for (const end = performance.now() + 500; performance.now() < end; );
    expect(await answer).toBe('here')
  }
})

test('a value that cannot be sent fails its own call alone', async () => {
  const { calling } = twoEnds()
  const [bad, good, alsoBad] = await Promise.allSettled([
    calling.call('number', () => undefined),
    calling.call('number', 1),
    calling.call('function'),
  ])
  expect(bad).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('cloned') } })
  expect(good).toMatchObject({ status: 'fulfilled', value: ['number', 1] })
  expect(alsoBad).toMatchObject({
    status: 'rejected',
    reason: { message: expect.stringContaining('cloned') },
  })
})

test('more calls than may wait are refused at once', async () => {
  const { calling } = twoEnds({ maxWaiting: 2 })
  void calling.call('silence').catch(() => undefined)
  void calling.call('silence').catch(() => undefined)
  await expect(calling.call('silence')).rejects.toThrow('2 calls are waiting already')
  calling.close()
})

test('an end that does not read gets no more calls once a hundred messages wait for it', async () => {
  const { calling } = twoEnds({ post: () => true })
  for (let sent = 0; sent < 100; sent++) {
    void calling.call('anything').catch(() => undefined)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await expect(calling.call('anything')).rejects.toThrow(Unavailable)
  calling.close()
})

test('when the other end is gone, calls that wait fail, and so do later ones', async () => {
  const { calling } = twoEnds()
  const waiting = expect(calling.call('silence')).rejects.toThrow('parent process: it is gone')
  calling.close()
  await waiting
  await expect(calling.call('anything')).rejects.toThrow('parent process: it is gone')
})

test('it is idle when every call has its answer', async () => {
  const { calling } = twoEnds()
  await calling.idle()
  let isAnswered = false
  void calling.call('number').then(() => (isAnswered = true))
  await calling.idle()
  await Promise.resolve()
  expect(isAnswered).toBe(true)
})
