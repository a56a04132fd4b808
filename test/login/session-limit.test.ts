import { describe, expect, it } from 'vitest'
import type { SessionLimit } from '../../src/domain/session-limit.ts'
import type { Decision } from '../../src/login/flow.ts'
import { replyTo } from '../../src/transport/reply.ts'
import { createLoginFixture, type LoginFixtureOptions } from './fixture.ts'

const LIMIT: SessionLimit = { most: 1, whenFull: 'refuse', per: 'user' }

async function fixtureOf(options: LoginFixtureOptions) {
  const policies = [{ name: 'staff', when: {}, sessions: LIMIT, reply: {} }]
  return createLoginFixture({ policies, ...options })
}

/** What the user reads. */
function wordsOf(decision: Decision): string | undefined {
  const { attributes } = replyTo(decision, { locale: 'en', tellLocked: true })
  return attributes.find(({ type }) => type === 18)?.value.toString()
}

const elsewhere = { client: 'laptop', address: '198.51.100.8' }

describe('a policy that limits sessions', () => {
  it('refuses one more in words that say where the others are, and counts no failure', async () => {
    const fixture = await fixtureOf({ mode: 'append', required: false })
    expect((await fixture.login('right')).kind).toBe('grant')
    for (let tries = 0; tries < 7; tries++) {
      const refused = await fixture.login('right', elsewhere)
      expect(refused).toMatchObject({ kind: 'refusal', reason: 'too_many_sessions', counts: false })
      expect(wordsOf(refused)).toBe(
        'You are already connected from 1 device: 198.51.100.7 (gw1, since 2026-01-01 00:00 UTC). End one of these connections and try again.',
      )
    }
    expect(
      await fixture.records.audit.list({ user: 'bob', kinds: ['login.refused'], limit: 9 }),
    ).toMatchObject([
      {
        reason: 'too_many_sessions',
        detail:
          'the user has as many sessions as permitted (1): 198.51.100.7 (gw1, since 2026-01-01 00:00 UTC)',
      },
    ])
    expect((await fixture.login('right', { ...elsewhere, user: 'bob' })).kind).toBe('refusal')
  })

  it('asks again after a challenge, since a refusal would show no words there, and spends no code', async () => {
    const fixture = await fixtureOf({})
    await fixture.enrol('bob')
    const first = await fixture.login('right')
    if (first.kind !== 'challenge') throw new Error(first.kind)
    const granted = await fixture.login(fixture.code(), { state: first.state })
    if (granted.kind !== 'grant') throw new Error(granted.kind)
    fixture.passes(30_000)

    const asked = await fixture.login('right', elsewhere)
    if (asked.kind !== 'challenge') throw new Error(asked.kind)
    const full = await fixture.login(fixture.code(), { ...elsewhere, state: asked.state })
    if (full.kind !== 'challenge') throw new Error(full.kind)
    expect(wordsOf(full)).toBe(
      'You are already connected from 1 device: 198.51.100.7 (gw1, since 2026-01-01 00:00 UTC). End one of these connections and enter a code, 2 tries left.',
    )
    expect(
      await fixture.records.audit.list({ user: 'bob', kinds: ['login.refused'], limit: 9 }),
    ).toMatchObject([{ reason: 'too_many_sessions' }])
    await fixture.records.sessions.record({
      kind: 'stop',
      gateway: 'gw1',
      user: 'bob',
      acctSession: 'a',
      address: '198.51.100.7',
      at: fixture.time.now,
      ...{ seconds: 30, octetsIn: 0, octetsOut: 0 },
    })
    // The same code: it was right, and is not spent.
    expect((await fixture.login(fixture.code(), { ...elsewhere, state: full.state })).kind).toBe('grant')
  })

  it('ends a login that answers again and again', async () => {
    const fixture = await fixtureOf({})
    await fixture.enrol('bob')
    const first = await fixture.login('right')
    if (first.kind !== 'challenge') throw new Error(first.kind)
    expect((await fixture.login(fixture.code(), { state: first.state })).kind).toBe('grant')
    fixture.passes(30_000)
    let decision = await fixture.login('right', elsewhere)
    const prompts: (string | undefined)[] = []
    while (decision.kind === 'challenge') {
      prompts.push(wordsOf(decision))
      decision = await fixture.login(fixture.code(), { ...elsewhere, state: decision.state })
    }
    expect(decision).toMatchObject({ kind: 'refusal', reason: 'too_many_sessions' })
    expect(new Set(prompts).size).toBe(3)
  })
})
