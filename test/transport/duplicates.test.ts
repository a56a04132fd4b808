import { describe, expect, it } from 'vitest'
import { Duplicates } from '../../src/transport/duplicates.ts'

function kept(capacity = 1000) {
  const time = { now: 0 }
  const clock = { now: () => 0, monotonic: () => time.now }
  return { duplicates: new Duplicates({ clock, capacity }), time }
}

const authenticator = (fill: number) => Buffer.alloc(16, fill)

describe('the memory of requests', () => {
  it('never holds more than its capacity, and forgets the oldest first', () => {
    const { duplicates } = kept(100)
    for (let i = 0; i < 1000; i += 1) duplicates.begin(`peer ${i}`, authenticator(1))
    expect(duplicates.size).toBe(100)
    expect(duplicates.begin('peer 999', authenticator(1))).toBe('pending')
    expect(duplicates.begin('peer 900', authenticator(1))).toBe('pending')
    expect(duplicates.begin('peer 5', authenticator(1))).toBe('new')
  })

  it('does not give one request the reply to another that took its place', () => {
    const { duplicates } = kept()
    duplicates.begin('peer', authenticator(1))
    duplicates.begin('peer', authenticator(2))
    duplicates.end('peer', authenticator(1), Buffer.from('reply to 1'))
    expect(duplicates.begin('peer', authenticator(2))).toBe('pending')
  })

  it('forgets requests that are 30 s old', () => {
    const { duplicates, time } = kept()
    for (let i = 0; i < 50; i += 1) duplicates.begin(`peer ${i}`, authenticator(1))
    time.now = 30_000
    duplicates.begin('peer new', authenticator(1))
    expect(duplicates.size).toBe(1)
  })
})
