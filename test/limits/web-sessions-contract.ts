import { describe, expect, test } from 'vitest'
import type { Clock } from '../../src/domain/clock.ts'
import type { WebSession, WebSessionLimits, WebSessionStore } from '../../src/domain/web-session.ts'

const MINUTE = 60_000
const LIMITS: WebSessionLimits = { idleMs: 15 * MINUTE, absoluteMs: 60 * MINUTE, codeMs: 3 * MINUTE }
/** What everybody of these tests has enrolled, but for those who are given another or none. */
const ENROLLED = 'enrolled'
const NOON = Date.UTC(2026, 0, 15, 12)

/**
 * What every store of web sessions must do. Keys are made anew, so that what is underneath may be shared.
 * @param open makes a store with these limits, which asks for authenticators where it is told; called within each test.
 * @param canBeHurried whether the idle time passes by the given clock; a server keeps time by itself.
 */
export function webSessionsContract(
  name: string,
  open: (
    limits: WebSessionLimits,
    clock: Clock,
    authenticatorOf: (subject: string) => Promise<string | undefined>,
  ) => Promise<WebSessionStore>,
  canBeHurried: boolean,
): void {
  let made = 0
  const fresh = (what: string) => `${what}-${process.pid}-${performance.now()}-${made++}`

  async function house() {
    const time = { now: NOON, monotonic: 0 }
    const clock = { now: () => time.now, monotonic: () => time.monotonic }
    /** By subject, of those who have another authenticator than everybody, or none. */
    const others = new Map<string, string | undefined>()
    const store = await open(LIMITS, clock, async (subject) =>
      others.has(subject) ? others.get(subject) : ENROLLED,
    )
    const passes = (ms: number) => {
      time.now += ms
      time.monotonic += ms
    }
    const session = (more: Partial<WebSession> = {}): WebSession => ({
      stage: 'in',
      user: fresh('bob'),
      typed: 'Bob',
      subject: 'bob',
      groups: ['staff'],
      factors: 2,
      enrolment: ENROLLED,
      createdAt: time.now,
      seenAt: time.now,
      ...more,
    })
    return { store, passes, session, time, others }
  }

  describe(`web sessions ${name}`, () => {
    test('are found by their identifier until they are deleted', async () => {
      const { store, session } = await house()
      const [id, mine] = [fresh('id'), session()]
      expect(await store.get(id)).toBeUndefined()
      await store.put(id, mine)
      expect(await store.get(id)).toEqual(mine)
      await store.delete(id)
      expect(await store.get(id)).toBeUndefined()
    })

    test('change without changing their identifier, and not after their end', async () => {
      const { store, session } = await house()
      const [id, mine] = [fresh('id'), session()]
      await store.put(id, mine)
      expect(await store.change(id, { ...mine, notes: { enrolment: 'e1' } })).toBe(true)
      expect(await store.get(id)).toMatchObject({ notes: { enrolment: 'e1' } })
      await store.delete(id)
      expect(await store.change(id, mine)).toBe(false)
      await store.touch(id, mine)
      expect(await store.get(id)).toBeUndefined()
    })

    test('step up under a new identifier, and the old one is worth nothing', async () => {
      const { store, session } = await house()
      const [before, after, mine] = [fresh('id'), fresh('id'), session({ stage: 'code', factors: 1 })]
      await store.put(before, mine)
      expect(await store.rotate(before, after, { ...mine, stage: 'in', factors: 2 })).toBe(true)
      expect(await store.get(before)).toBeUndefined()
      expect(await store.get(after)).toMatchObject({ stage: 'in', factors: 2 })
    })

    test('step up once, however many ask', async () => {
      const { store, session } = await house()
      const [before, mine] = [fresh('id'), session()]
      await store.put(before, mine)
      const afters = Array.from({ length: 10 }, () => fresh('id'))
      const rotated = await Promise.all(afters.map((after) => store.rotate(before, after, mine)))
      expect(rotated.filter(Boolean)).toHaveLength(1)
      const found = await Promise.all(afters.map((after) => store.get(after)))
      expect(found.filter((each) => each !== undefined)).toHaveLength(1)
    })

    test('of one user end together, and no others', async () => {
      const { store, session, passes } = await house()
      const [first, second, other] = [fresh('id'), fresh('id'), fresh('id')]
      const mine = session()
      await store.put(first, mine)
      await store.put(second, mine)
      await store.put(other, session())
      await store.deleteAllOf(mine.user)
      expect(await store.get(first)).toBeUndefined()
      expect(await store.get(second)).toBeUndefined()
      expect(await store.get(other)).toBeDefined()
      passes(1)
      const later = fresh('id')
      await store.put(later, session({ user: mine.user }))
      expect(await store.get(later)).toBeDefined()
    })

    test('of a user with several names end by that which was typed and by that of the authenticator', async () => {
      for (const stem of ['asmith', 'alice']) {
        const { store, session, passes } = await house()
        const mark = fresh('')
        const [mine, early, other] = [fresh('id'), fresh('id'), fresh('id')]
        const user = `asmith${mark}`
        const alice = session({ user, subject: `alice${mark}@corp.example` })
        const { subject: _subject, ...waiting } = session({ stage: 'code', factors: 1, user })
        await store.put(mine, alice)
        await store.put(early, waiting)
        await store.put(other, session())
        await store.deleteAllOf(`${stem}${mark}`)
        expect(await store.get(mine)).toBeUndefined()
        // Nobody knows yet whose it will be.
        expect((await store.get(early)) === undefined).toBe(stem === 'asmith')
        expect(await store.get(other)).toBeDefined()
        passes(1)
        await store.put(mine, { ...alice, createdAt: alice.createdAt + 1 })
        expect(await store.get(mine)).toBeDefined()
      }
    })

    test('end with the authenticator that they were signed in with, and no others', async () => {
      for (const present of ['another', undefined]) {
        const { store, session, others } = await house()
        const [mine, waiting, ofCarol] = [fresh('id'), fresh('id'), fresh('id')]
        await store.put(mine, session())
        await store.put(waiting, session({ stage: 'enrol', factors: 1 }))
        await store.put(ofCarol, session({ subject: 'carol' }))
        expect(await store.get(mine)).toBeDefined()
        others.set('bob', present)
        expect(await store.get(mine)).toBeUndefined()
        expect(await store.get(waiting)).toBeDefined()
        expect(await store.get(ofCarol)).toBeDefined()
      }
    })

    test('are nobody’s where nobody knows what they were signed in with', async () => {
      const { store, session } = await house()
      const [id, { enrolment: _enrolment, ...mine }] = [fresh('id'), session()]
      await store.put(id, mine)
      expect(await store.get(id)).toBeUndefined()
    })

    test('end at their absolute age, however busy they are', async () => {
      const { store, session, passes } = await house()
      const [id, mine] = [fresh('id'), session()]
      await store.put(id, mine)
      for (let minutes = 0; minutes < 59; minutes++) {
        passes(MINUTE)
        await store.touch(id, mine)
        expect(await store.get(id)).toBeDefined()
      }
      passes(MINUTE)
      await store.touch(id, mine)
      expect(await store.get(id)).toBeUndefined()
    })

    if (!canBeHurried) return
    test('that await a code end soon after their last question, however often the page is loaded', async () => {
      const { store, session, passes } = await house()
      const [id, mine] = [fresh('id'), session({ stage: 'code', factors: 1 })]
      await store.put(id, mine)
      passes(2 * MINUTE)
      expect(await store.change(id, mine)).toBe(true)
      passes(2 * MINUTE)
      expect(await store.get(id)).toBeDefined()
      await store.touch(id, mine)
      passes(MINUTE)
      expect(await store.get(id)).toBeUndefined()
    })

    test('end when they were idle for too long, and not while they are used', async () => {
      const { store, session, passes } = await house()
      const [idle, used] = [fresh('id'), fresh('id')]
      const mine = session()
      await store.put(idle, mine)
      await store.put(used, mine)
      passes(14 * MINUTE)
      await store.touch(used, mine)
      passes(2 * MINUTE)
      expect(await store.get(idle)).toBeUndefined()
      expect(await store.get(used)).toBeDefined()
    })
  })
}
