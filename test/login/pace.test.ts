import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { Pace } from '../../src/login/pace.ts'

const spin = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Milliseconds that one refusal takes, by the work that is done before it. */
async function timed(pace: Pace, kind: string, work: number): Promise<number> {
  const begun = pace.start()
  await spin(work)
  await pace.hold(kind, begun)
  return systemClock.monotonic() - begun
}

describe('refusals', () => {
  it('take as long as the slowest kind usually does, once it was seen', async () => {
    const pace = new Pace(systemClock)
    expect(await timed(pace, 'unknown', 0)).toBeLessThan(30)
    for (let i = 0; i < 5; i += 1) await timed(pace, 'directory', 40)
    expect(await timed(pace, 'unknown', 0)).toBeGreaterThanOrEqual(39)
    expect(await timed(pace, 'locked', 5)).toBeGreaterThanOrEqual(39)
  })

  it('follow what is usual, so that one slow answer does not slow them all', async () => {
    const pace = new Pace(systemClock)
    await timed(pace, 'directory', 100)
    for (let i = 0; i < 5; i += 1) await timed(pace, 'directory', 1)
    expect(await timed(pace, 'unknown', 0)).toBeLessThan(60)
  })

  it('of the slowest kind are held too, but for the last quarter of them', async () => {
    const pace = new Pace(systemClock)
    for (const work of [10, 20, 30, 40, 50, 60, 70, 80]) await timed(pace, 'directory', work)
    const took = await timed(pace, 'directory', 10)
    expect(took).toBeGreaterThanOrEqual(59)
    expect(took).toBeLessThan(79)
  })
})
