import { describe, expect, it } from 'vitest'
import { ConcurrencyLimit } from '../../src/pacing/concurrency-limit.ts'

/** A limit with a clock set by hand; a task ends when the test ends it. */
function fixture(parallel: number, waiting: number, shed?: 'oldest' | 'newest', ofOne?: number) {
  const time = { now: 0 }
  const clock = { now: () => time.now, monotonic: () => time.now }
  const limit = new ConcurrencyLimit({ parallel, waiting, shed, ofOne, clock })
  const started: string[] = []
  const ends = new Map<string, () => void>()
  const outcomes = new Map<string, unknown>()
  const run = (name: string, patienceMs?: number, goesFirst?: boolean, client?: string) => {
    const task = () => {
      started.push(name)
      return new Promise<string>((resolve) => ends.set(name, () => resolve('done')))
    }
    const shed = (reason: string) => reason
    void limit
      .run(task, shed, { patienceMs, goesFirst, client })
      .then((outcome) => outcomes.set(name, outcome))
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  const end = (name: string) => {
    ends.get(name)?.()
    return settled()
  }
  return { time, limit, run, started, outcomes, settled, end }
}

describe('a concurrency limit', () => {
  it('runs as many tasks at a time as it may, and the others in the order in which they came', async () => {
    const { run, started, end, outcomes } = fixture(2, 10)
    for (const name of ['a', 'b', 'c', 'd']) run(name, 1000)
    expect(started).toEqual(['a', 'b'])
    await end('b')
    expect(started).toEqual(['a', 'b', 'c'])
    for (const name of ['a', 'c', 'd']) await end(name)
    expect(started).toEqual(['a', 'b', 'c', 'd'])
    expect([...outcomes.values()]).toEqual(['done', 'done', 'done', 'done'])
  })

  it('keeps places free of one client’s tasks for those of others', async () => {
    const { run, started, end, limit } = fixture(3, 10, 'oldest', 2)
    for (const name of ['a1', 'a2', 'a3', 'a4']) run(name, 1000, false, 'a')
    expect(started).toEqual(['a1', 'a2'])
    expect([limit.isFull, limit.hasShare('a'), limit.hasShare('b')]).toEqual([false, false, true])
    run('b1', 1000, false, 'b')
    run('nobody', 1000)
    expect(started).toEqual(['a1', 'a2', 'b1'])
    await end('b1')
    expect(started).toEqual(['a1', 'a2', 'b1', 'nobody'])
    await end('nobody')
    expect(started).toHaveLength(4)
    await end('a1')
    for (const name of ['a2', 'a3', 'a4']) await end(name)
    expect(started).toEqual(['a1', 'a2', 'b1', 'nobody', 'a3', 'a4'])
    expect(limit.isIdle).toBe(true)
  })

  it('sheds the tasks of the client that has most of them waiting, where clients have shares', async () => {
    const { run, outcomes, settled } = fixture(1, 3, 'oldest', 1)
    run('working')
    run('b1', 1000, false, 'b')
    for (const name of ['a1', 'a2', 'a3', 'a4']) run(name, 1000, false, 'a')
    await settled()
    expect([...outcomes.keys()]).toEqual(['a1', 'a2'])
  })

  it('sheds the task that has waited longest when too many wait', async () => {
    const { run, started, outcomes, end, settled } = fixture(1, 2)
    for (const name of ['working', 'oldest', 'older', 'newest']) run(name, 1000)
    await settled()
    expect([...outcomes]).toEqual([['oldest', 'overloaded']])
    await end('working')
    expect(started).toEqual(['working', 'older'])
  })

  it('lets those that go first pass all others, and sheds them last', async () => {
    const { run, started, outcomes, end, settled } = fixture(1, 3)
    run('working')
    for (const name of ['a', 'b']) run(name, 1000)
    for (const name of ['known a', 'known b']) run(name, 1000, true)
    await settled()
    expect([...outcomes]).toEqual([['a', 'overloaded']])
    run('known c', 1000, true)
    run('known d', 1000, true)
    await settled()
    expect([...outcomes.keys()]).toEqual(['a', 'b', 'known a'])
    run('stranger', 1000)
    await settled()
    expect(outcomes.get('stranger')).toBe('overloaded')
    for (const name of ['working', 'known b', 'known c']) await end(name)
    expect(started).toEqual(['working', 'known b', 'known c', 'known d'])
  })

  it('sheds the newest where it was told so', async () => {
    const { run, started, outcomes, end, settled } = fixture(1, 2, 'newest')
    for (const name of ['working', 'first', 'second', 'newest']) run(name)
    await settled()
    expect([...outcomes]).toEqual([['newest', 'overloaded']])
    await end('working')
    await end('first')
    expect(started).toEqual(['working', 'first', 'second'])
  })

  it('lets no task wait where none may', async () => {
    const { run, outcomes, settled } = fixture(1, 0)
    run('working')
    run('other')
    await settled()
    expect([...outcomes]).toEqual([['other', 'overloaded']])
  })

  it('does not start a task whose time is over when its turn comes', async () => {
    const { run, time, started, outcomes, end } = fixture(1, 10)
    run('working', 100_000)
    run('forgotten', 100_000)
    run('awaited', 200_000)
    time.now = 100_000
    await end('working')
    expect(outcomes.get('forgotten')).toBe('too_late')
    expect(started).toEqual(['working', 'awaited'])
  })

  it('sheds a task as soon as its patience is over, and keeps the place of those behind it', async () => {
    const { run, started, outcomes, end } = fixture(1, 5)
    run('working')
    run('impatient', 20)
    run('patient', 5000)
    await expect.poll(() => outcomes.get('impatient')).toBe('too_late')
    await end('working')
    expect(started).toEqual(['working', 'patient'])
  })

  it('frees the place of a task that ends or fails', async () => {
    const limit = new ConcurrencyLimit({ parallel: 1, waiting: 1 })
    const shed = () => 'shed'
    const failing = limit.run(() => Promise.reject(new Error('failed')), shed)
    const waiting = limit.run(async () => 'waited', shed)
    await expect(failing).rejects.toThrow('failed')
    expect(await waiting).toBe('waited')
    expect(await limit.run(async () => 'next', shed)).toBe('next')
  })

  it('fails with what the caller throws for a task that is shed', async () => {
    const limit = new ConcurrencyLimit({ parallel: 0, waiting: 0 })
    const refused = limit.run(
      async () => 'never',
      (reason) => {
        throw new Error(`no: ${reason}`)
      },
    )
    await expect(refused).rejects.toThrow('no: overloaded')
  })
})
