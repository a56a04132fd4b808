import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { ResponseTimeEqualizer, waitUntil } from '../../src/pacing/response-time-equalizer.ts'

const FAR = 1_000_000_000

/** @param draws numbers from 0 to 1 in place of chance; without them nothing is left to it: 1 is never below a part. */
function fixture(draws: readonly number[] = []) {
  const time = { now: 0 }
  const left = [...draws]
  const bytes = (length: number) => {
    const octets = Buffer.alloc(length)
    octets.writeUInt32BE(Math.floor((left.shift() ?? 0.9999) * 2 ** 32))
    return octets
  }
  const clock = { now: () => time.now, monotonic: () => time.now }
  const equalizer = new ResponseTimeEqualizer(clock, { bytes })
  /** @returns how long a refusal takes in all that took `ms` by itself. */
  return (kind: string, ms: number, within = FAR) => {
    const startedAt = equalizer.start()
    time.now += ms
    return Math.max(ms, equalizer.answerAt(kind, startedAt, startedAt + within) - startedAt)
  }
}

const times = (count: number, work: () => number) => Array.from({ length: count }, work)

describe('refusals', () => {
  it('take as long as the slowest kind usually does, once it has been seen', () => {
    const refuse = fixture()
    expect(refuse('unknown', 0)).toBe(0)
    for (let count = 0; count < 5; count += 1) refuse('directory', 40)
    expect(refuse('unknown', 0)).toBe(40)
    expect(refuse('locked', 5)).toBe(40)
  })

  it('follow the usual time, so that one slow answer does not slow them all', () => {
    const refuse = fixture()
    refuse('directory', 100)
    for (let count = 0; count < 5; count += 1) refuse('directory', 1)
    expect(refuse('unknown', 0)).toBeLessThan(60)
  })

  it('no longer follow what was usual long ago', () => {
    const refuse = fixture()
    for (let count = 0; count < 31; count += 1) refuse('directory', 1000)
    for (let count = 0; count < 24; count += 1) refuse('directory', 10)
    expect(refuse('unknown', 0)).toBe(10)
  })

  it('of the slowest kind are held too, except the slowest quarter of them', () => {
    const refuse = fixture()
    for (const ms of [10, 20, 30, 40, 50, 60, 70, 80]) refuse('directory', ms)
    expect(refuse('directory', 10)).toBe(60)
    expect(refuse('directory', 90)).toBe(90)
  })

  it('take as long as a store that needs more than two seconds to refuse', () => {
    const refuse = fixture()
    for (let count = 0; count < 9; count += 1) refuse('system', 3400)
    expect(refuse('unknown', 3)).toBe(3400)
  })

  it('end before their deadline, with a moment to be sent', () => {
    const refuse = fixture()
    for (let count = 0; count < 9; count += 1) refuse('system', 3400)
    expect(refuse('unknown', 3, 2000)).toBe(1900)
  })

  it('of a faster kind are as often later than usual as those of the slowest kind, and as late', () => {
    const refuse = fixture([0.1, 0.99, 0.1, 0, 0.3])
    for (const ms of [10, 20, 30, 40, 50, 60, 70, 80]) refuse('directory', ms)
    // One in eight of the directory's is later than 70 ms.
    expect(refuse('unknown', 1)).toBe(80)
    expect(refuse('unknown', 1)).toBe(80)
    expect(refuse('unknown', 1)).toBe(70)
  })

  it('of two kinds that are slow alike stay alike', () => {
    const refuse = fixture(times(40, () => 0.05))
    for (const ms of [10, 20, 30, 40, 50, 60, 70, 80]) refuse('directory', ms)
    for (const ms of [10, 20, 30, 40, 50, 60, 70, 80]) refuse('upstream', ms)
    // It is later by itself as often as the other, so hardly anything is added.
    expect(refuse('upstream', 1)).toBe(70)
  })

  it('of a slow and a fast kind cannot be told apart by their distribution', () => {
    const random = () => Math.random()
    const refuse = fixture(times(20_000, random))
    // The sum of two is what PAM's delay is made of.
    const pam = () => 2000 + (random() - random()) * 1000
    for (let count = 0; count < 31; count += 1) refuse('system', pam())
    const slow: number[] = []
    const fast: number[] = []
    // In turn: what is usual moves with chance, for both alike.
    for (let count = 0; count < 3000; count += 1) {
      slow.push(refuse('system', pam()))
      fast.push(refuse('unknown', 5))
    }
    const part = (values: readonly number[], ms: number) =>
      values.filter((value) => value > ms).length / values.length
    for (const ms of [2300, 2400, 2500, 2600, 2700])
      expect(Math.abs(part(slow, ms) - part(fast, ms)), `later than ${ms} ms`).toBeLessThan(0.08)
  })
})

describe('a wait', () => {
  it('ends at its time, and at once if that is over or there is none', async () => {
    const startedAt = systemClock.monotonic()
    await waitUntil(startedAt + 30, systemClock)
    // Timers of Node end up to a millisecond early.
    expect(systemClock.monotonic() - startedAt).toBeGreaterThan(28)
    const after = systemClock.monotonic()
    await waitUntil(after - 1000, systemClock)
    await waitUntil(undefined, systemClock)
    expect(systemClock.monotonic() - after).toBeLessThan(1000)
  })
})
