import { describe, expect, test } from 'vitest'
import type { Session } from '../../src/domain/session.ts'
import { roomFor } from '../../src/domain/session-limit.ts'
import { placesOfSessions } from '../../src/domain/session-words.ts'

const NOW = Date.UTC(2026, 0, 15, 12)
const MINUTE = 60_000

function session(id: string, minutesAgo: number, more: Partial<Session> = {}): Session {
  const at = NOW - minutesAgo * MINUTE
  const counters = { seconds: 0, octetsIn: 0, octetsOut: 0 }
  const first = { id, gateway: 'gw1', user: 'bob', address: `192.0.2.${id}`, client: 'openconnect' }
  return { ...first, grantedAt: at, startedAt: at, updatedAt: NOW, ...counters, ...more }
}

const login = session('100', 0)
const [old, young] = [session('1', 90), session('2', 30)]

function leavingOf(standing: readonly Session[], most: number, whenFull: 'refuse' | 'end_oldest' = 'refuse') {
  const room = roomFor(login, standing, { most, whenFull, per: 'user' })
  return room.kind === 'full' ? room.live.map(({ id }) => `live ${id}`) : room.leaving.map(({ id }) => id)
}

describe('the places of a user', () => {
  test('are given while there are any', () => {
    expect(leavingOf([young, old], 3)).toEqual([])
    expect(leavingOf([young, old], 2)).toEqual(['live 1', 'live 2'])
    expect(leavingOf([young, old], 2, 'end_oldest')).toEqual(['1'])
    expect(leavingOf([young, old], 1, 'end_oldest')).toEqual(['1', '2'])
  })

  test('are given up by ghosts first, then by the former sessions of a device, then by the oldest', () => {
    const ghost = session('3', 20, { staleAfterMs: MINUTE, updatedAt: NOW - 2 * MINUTE })
    const phone = { client: 'phone', address: '192.0.2.99' }
    const [former, latter] = [session('4', 15, phone), session('5', 10, phone)]
    const all = [old, young, ghost, former, latter]
    expect(leavingOf(all, 5)).toEqual(['3'])
    expect(leavingOf(all, 4)).toEqual(['3', '4'])
    expect(leavingOf(all, 3)).toEqual(['live 1', 'live 2', 'live 5'])
    expect(leavingOf(all, 3, 'end_oldest')).toEqual(['3', '4', '1'])
  })

  test('are left alone where they are too few for a login that is refused', () => {
    const ghost = session('3', 20, { staleAfterMs: MINUTE, updatedAt: NOW - 2 * MINUTE })
    expect(leavingOf([old, young, ghost], 2)).toEqual(['live 1', 'live 2'])
  })
})

describe('the words for sessions', () => {
  const words = (sessions: readonly Session[]) =>
    placesOfSessions(sessions, (gateway, time) => `${gateway}, ${time}`)

  test('name addresses, gateways and times', () => {
    expect(words([old, young])).toBe(
      '192.0.2.1 (gw1, 2026-01-15 10:30 UTC); 192.0.2.2 (gw1, 2026-01-15 11:30 UTC)',
    )
  })

  test('stay short, and hold no text of a gateway that is not an address', () => {
    const many = Array.from({ length: 40 }, (_, index) => session(String(index), 30))
    expect(Buffer.byteLength(words(many))).toBeLessThanOrEqual(135)
    expect(words(many)).toMatch(/; …$/)
    expect(words([session('1', 30, { gateway: '网'.repeat(64) })])).toBe('…')
    expect(words([session('1', 30, { address: '<b>' })])).toBe('gw1, 2026-01-15 11:30 UTC')
  })
})
