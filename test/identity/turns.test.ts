import { describe, expect, it } from 'vitest'
import { Turns } from '../../src/identity/turns.ts'

/** Work that ends when it is told to. */
function work() {
  let finish = (): void => {}
  const done = new Promise<void>((resolve) => {
    finish = resolve
  })
  return { done, finish }
}

describe('turns', () => {
  it('lets so many work at a time and the others in the order of their coming', async () => {
    const turns = new Turns({ what: 'work', parallel: 2, waiting: 10 })
    const jobs = Array.from({ length: 4 }, work)
    const begun: number[] = []
    const all = jobs.map(({ done }, at) =>
      turns.take(() => {
        begun.push(at)
        return done
      }),
    )
    expect(begun).toEqual([0, 1])
    jobs[1]?.finish()
    await all[1]
    await Promise.resolve()
    expect(begun).toEqual([0, 1, 2])
    for (const { finish } of jobs) finish()
    await Promise.all(all)
    expect(begun).toEqual([0, 1, 2, 3])
  })

  it('gives up the oldest in a full line for the newest', async () => {
    const turns = new Turns({ what: 'work', parallel: 1, waiting: 1 })
    const { done, finish } = work()
    const first = turns.take(() => done)
    const second = turns.take(async () => 'second')
    const third = turns.take(async () => 'third')
    await expect(second).rejects.toThrow('work: more than 1 are waiting')
    finish()
    await first
    expect(await third).toBe('third')
    expect(await turns.take(async () => 'fourth')).toBe('fourth')
  })

  it('lets nobody wait where there is no line', async () => {
    const turns = new Turns({ what: 'work', parallel: 1, waiting: 0 })
    const { done, finish } = work()
    const first = turns.take(() => done)
    await expect(turns.take(async () => 'second')).rejects.toThrow('work: more than 0 are waiting')
    finish()
    await first
  })

  it('lets nobody wait longer than their patience, and keeps the place of those behind', async () => {
    const turns = new Turns({ what: 'work', parallel: 1, waiting: 5 })
    const { done, finish } = work()
    const first = turns.take(() => done)
    let worked = false
    const impatient = turns.take(async () => {
      worked = true
    }, 20)
    const patient = turns.take(async () => 'patient', 5000)
    await expect(impatient).rejects.toThrow('work: no turn within 20 ms')
    finish()
    await first
    expect(await patient).toBe('patient')
    expect(worked).toBe(false)
  })

  it('frees the place of work that fails', async () => {
    const turns = new Turns({ what: 'work', parallel: 1, waiting: 0 })
    await expect(turns.take(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
    expect(await turns.take(async () => 'next')).toBe('next')
  })
})
