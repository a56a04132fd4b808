import { describe, expect, it } from 'vitest'
import { LogThrottle } from '../../src/pacing/log-throttle.ts'

function fixture(options: { lines?: number; periodMs?: number } = {}) {
  const time = { now: 0 }
  const throttle = new LogThrottle({ ...options, clock: { now: () => time.now, monotonic: () => time.now } })
  const lines: (string | number | undefined)[][] = []
  const tell = (kind: string) => throttle.tell(kind, (suppressed) => lines.push([kind, suppressed]))
  return { time, tell, lines }
}

describe('a log throttle', () => {
  it('writes one line of a kind a minute and says how many were suppressed before', () => {
    const { time, tell, lines } = fixture()
    for (const kind of ['a', 'a', 'b', 'a']) tell(kind)
    expect(lines).toEqual([
      ['a', undefined],
      ['b', undefined],
    ])
    time.now = 59_999
    tell('a')
    time.now = 60_000
    tell('a')
    tell('b')
    expect(lines.slice(2)).toEqual([
      ['a', 3],
      ['b', undefined],
    ])
  })

  it('writes as many lines in a period as it may', () => {
    const { time, tell, lines } = fixture({ lines: 10, periodMs: 1000 })
    for (let count = 0; count < 25; count += 1) tell('outage')
    expect(lines).toHaveLength(10)
    time.now = 1000
    tell('outage')
    tell('outage')
    expect(lines.slice(10)).toEqual([
      ['outage', 15],
      ['outage', undefined],
    ])
  })

  it('remembers a thousand kinds at most, and forgets those whose period is over', () => {
    const { time, tell, lines } = fixture()
    for (let kind = 0; kind < 1100; kind += 1) tell(`${kind}`)
    expect(lines).toHaveLength(1000)
    time.now = 60_000
    tell('new')
    expect(lines).toHaveLength(1001)
  })
})
