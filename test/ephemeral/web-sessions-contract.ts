import { describe, expect, test } from 'vitest'
import type { Clock } from '../../src/domain/clock.ts'
import {
  type SessionUse,
  usernamesOf,
  type WebSession,
  type WebSessionLimits,
  type WebSessionStore,
} from '../../src/domain/web-session.ts'

const MINUTE = 60_000
const LIMITS: WebSessionLimits = {
  idleMs: 15 * MINUTE,
  absoluteMs: 60 * MINUTE,
  codeMs: 3 * MINUTE,
}
/** The authenticator of every user without another entry. */
const ENROLLED = 'enrolled'
const NOON = Date.UTC(2026, 0, 15, 12)

/**
 * What every store of web sessions must do. Each test uses new keys, so that the store below may be shared.
 * @param open makes a store with these limits and this source of authenticators; called within each test.
 * @param usesClock whether idle sessions expire by the given clock; Redis has its own.
 */
export function webSessionsContract(
  name: string,
  open: (
    limits: WebSessionLimits,
    clock: Clock,
    hasAuthenticator: (subject: string, id: string) => Promise<boolean>,
    present: (session: WebSession, use: SessionUse) => Promise<WebSession | undefined>,
  ) => Promise<WebSessionStore>,
  usesClock: boolean,
): void {
  let made = 0
  const fresh = (what: string) => `${what}-${process.pid}-${performance.now()}-${made++}`

  async function fixture() {
    const time = { now: NOON, monotonic: 0 }
    const clock = { now: () => time.now, monotonic: () => time.monotonic }
    /** By subject: users with another authenticator, or with none. */
    const others = new Map<string, string | undefined>()
    /** By username: what the present record makes of the user's sessions. */
    const records = new Map<string, Partial<WebSession> | undefined>()
    const uses: SessionUse[] = []
    const opened = await open(
      LIMITS,
      clock,
      async (subject, id) => (others.has(subject) ? others.get(subject) : ENROLLED) === id,
      async (session, use) => {
        uses.push(use)
        if (!records.has(session.user)) return session
        const record = records.get(session.user)
        return record && { ...session, ...record }
      },
    )
    const store = { ...opened, get: (id: string) => opened.get(id, 'read') }
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
    return { store, opened, uses, passes, session, others, records }
  }

  describe(`web sessions ${name}`, () => {
    test('are found by their identifier until they are deleted', async () => {
      const { store, session } = await fixture()
      const [id, mine] = [fresh('id'), session()]
      expect(await store.get(id)).toBeUndefined()
      await store.put(id, mine)
      expect(await store.get(id)).toEqual(mine)
      await store.delete(id)
      expect(await store.get(id)).toBeUndefined()
    })

    test('change without changing their identifier, and not after their end', async () => {
      const { store, session } = await fixture()
      const [id, mine] = [fresh('id'), session()]
      await store.put(id, mine)
      expect(await store.change(id, { ...mine, notes: { enrolment: 'e1' } })).toBe(true)
      expect(await store.get(id)).toMatchObject({ notes: { enrolment: 'e1' } })
      await store.delete(id)
      expect(await store.change(id, mine)).toBe(false)
      await store.touch(id, mine)
      expect(await store.get(id)).toBeUndefined()
    })

    test('step up under a new identifier, and the old one is invalid', async () => {
      const { store, session } = await fixture()
      const [before, after, mine] = [fresh('id'), fresh('id'), session({ stage: 'code', factors: 1 })]
      await store.put(before, mine)
      expect(await store.rotate(before, after, { ...mine, stage: 'in', factors: 2 })).toBe(true)
      expect(await store.get(before)).toBeUndefined()
      expect(await store.get(after)).toMatchObject({ stage: 'in', factors: 2 })
    })

    test('step up once, also with many requests at once', async () => {
      const { store, session } = await fixture()
      const [before, mine] = [fresh('id'), session()]
      await store.put(before, mine)
      const afters = Array.from({ length: 10 }, () => fresh('id'))
      const rotated = await Promise.all(afters.map((after) => store.rotate(before, after, mine)))
      expect(rotated.filter(Boolean)).toHaveLength(1)
      const found = await Promise.all(afters.map((after) => store.get(after)))
      expect(found.filter((each) => each !== undefined)).toHaveLength(1)
    })

    test('of one user end together, and those of others do not', async () => {
      const { store, session } = await fixture()
      const [first, second, other] = [fresh('id'), fresh('id'), fresh('id')]
      const mine = session()
      await store.put(first, mine)
      await store.put(second, mine)
      await store.put(other, session())
      await store.deleteAllOf(mine.user)
      expect(await store.get(first)).toBeUndefined()
      expect(await store.get(second)).toBeUndefined()
      expect(await store.get(other)).toBeDefined()
      const later = fresh('id')
      await store.put(later, session({ user: mine.user, endings: await store.endingsOf([mine.user]) }))
      expect(await store.get(later)).toBeDefined()
    })

    test('of a user with several names end by the typed name and by that of the authenticator', async () => {
      for (const username of ['asmith', 'alice']) {
        const { store, session } = await fixture()
        const mark = fresh('')
        const [mine, early, other] = [fresh('id'), fresh('id'), fresh('id')]
        const user = `asmith${mark}`
        const alice = session({ user, subject: `alice${mark}@corp.example` })
        const { subject: _subject, ...waiting } = session({ stage: 'code', factors: 1, user })
        await store.put(mine, alice)
        await store.put(early, waiting)
        await store.put(other, session())
        await store.deleteAllOf(`${username}${mark}`)
        expect(await store.get(mine)).toBeUndefined()
        // Its subject is not known yet.
        expect((await store.get(early)) === undefined).toBe(username === 'asmith')
        expect(await store.get(other)).toBeDefined()
        await store.put(mine, { ...alice, endings: await store.endingsOf(usernamesOf(alice)) })
        expect(await store.get(mine)).toBeDefined()
      }
    })

    test('end together whatever the clock of the broker says at which they began', async () => {
      for (const skew of [-MINUTE, MINUTE]) {
        const { store, session, passes } = await fixture()
        passes(skew)
        const [id, mine] = [fresh('id'), session()]
        passes(-skew)
        await store.put(id, mine)
        expect(await store.get(id)).toBeDefined()
        await store.deleteAllOf(mine.user)
        expect(await store.get(id)).toBeUndefined()
        passes(2 * skew)
        const later = session({ user: mine.user, endings: await store.endingsOf([mine.user]) })
        passes(-2 * skew)
        await store.put(id, later)
        expect(await store.get(id)).toBeDefined()
      }
    })

    test('end when a name of theirs was ended during the sign-in', async () => {
      const { store, session } = await fixture()
      const mine = session()
      const id = fresh('id')
      const endings = await store.endingsOf([mine.user])
      expect(endings).toEqual({ [mine.user]: null })
      const ending = await store.deleteAllOf(mine.user)
      await store.put(id, { ...mine, endings })
      expect(await store.get(id)).toBeUndefined()
      expect(await store.endingsOf([mine.user])).toEqual({ [mine.user]: ending })
    })

    test('end with the authenticator of their sign-in, and others do not', async () => {
      for (const present of ['another', undefined]) {
        const { store, session, others } = await fixture()
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

    test('are what the present record of their user makes of them', async () => {
      const { store, session, records } = await fixture()
      const [id, mine] = [fresh('id'), session()]
      await store.put(id, mine)
      records.set(mine.user, { groups: ['admins'] })
      expect(await store.get(id)).toEqual({ ...mine, groups: ['admins'] })
      records.set(mine.user, undefined)
      expect(await store.get(id)).toBeUndefined()
      records.delete(mine.user)
      expect(await store.get(id)).toBeUndefined()
    })

    test('are held against the record for what the request does', async () => {
      const { opened, session, uses } = await fixture()
      const id = fresh('id')
      await opened.put(id, session())
      await opened.get(id, 'read')
      await opened.get(id, 'write')
      expect(uses).toEqual(['read', 'write'])
    })

    test('are invalid without the authenticator of their sign-in', async () => {
      const { store, session } = await fixture()
      const [id, { enrolment: _enrolment, ...mine }] = [fresh('id'), session()]
      await store.put(id, mine)
      expect(await store.get(id)).toBeUndefined()
    })

    test('end at their absolute age, however busy they are', async () => {
      const { store, session, passes } = await fixture()
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

    if (!usesClock) return
    test('that wait for a code expire soon after the last question, however often the page is loaded', async () => {
      const { store, session, passes } = await fixture()
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

    test('expire when idle for too long, and not while they are used', async () => {
      const { store, session, passes } = await fixture()
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
