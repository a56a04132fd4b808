import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditEvent } from '../../src/domain/audit.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import { KeyRing } from '../../src/domain/key-ring.ts'
import { type NewMail, NOTICE_KINDS } from '../../src/domain/mail.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { openContent } from '../../src/mail/content.ts'
import { noticeSink } from '../../src/mail/notice-sink.ts'
import { Queueing, type QueueingOptions } from '../../src/mail/queueing.ts'
import type { Contact } from '../../src/manage/contact.ts'
import type { Repositories } from '../../src/store/repositories.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { eventOf, HOUR, unique } from '../store/samples.ts'

const keys = new KeyRing([{ id: 'k1', key: new Secret(Buffer.alloc(32, 3)) }], systemRandom)
const opened = openSqlite({ path: ':memory:' })
let records: Repositories
beforeAll(async () => {
  records = (await opened).records
})
afterAll(async () => (await opened).close())

function queueing(contact: Partial<Contact> | undefined, more: Partial<QueueingOptions> = {}) {
  const asked: string[] = []
  const made = new Queueing({
    ...{
      mails: records.mails,
      keys,
      locale: 'en',
      perUser: 3,
      kinds: new Set(NOTICE_KINDS),
      clock: systemClock,
    },
    async contactOf(name) {
      asked.push(name)
      return contact && { subject: name, mail: 'ada@example.org', ...contact }
    },
    ...more,
  })
  return { made, asked }
}
const locked = (user: string, more: Partial<AuditEvent> = {}): AuditEvent => ({
  ...eventOf(user),
  ...{ kind: 'lockout.made', at: systemClock.now(), name: undefined, address: '192.0.2.7' },
  ...more,
})
const mailsOf = async (user: string) => (await records.mails.list({ user, limit: 50 })).toReversed()

/** As the trail is followed. */
async function follow(made: Queueing, ...events: readonly AuditEvent[]) {
  await noticeSink(made).send(events, AbortSignal.timeout(60_000))
}

describe('a notice', () => {
  test('is queued once for its cause, sealed, in the language of its user', async () => {
    const user = unique('user')
    const { made } = queueing({ language: 'zh-CN' })
    const event = locked(user)
    await follow(made, event)
    await follow(made, event)
    const [mail, ...others] = await mailsOf(user)
    expect(others).toEqual([])
    expect(mail).toMatchObject({ kind: 'locked', to: 'ada@example.org', state: 'waiting' })
    const taken = await records.mails.take({
      holder: 'one',
      now: systemClock.now() + 1,
      until: systemClock.now(),
    })
    expect(taken?.sealed).not.toContain('192.0.2.7')
    expect(openContent(keys, taken?.id ?? '', taken?.sealed ?? '')).toEqual({
      ...{ locale: 'zh-CN', name: user, at: event.at, address: '192.0.2.7' },
    })
    expect(() => openContent(keys, 'another', taken?.sealed ?? '')).toThrow('does not open')
  })

  test('of a flood comes three times a day where three are allowed, and the last says that it is the last', async () => {
    const user = unique('user')
    const added: NewMail[] = []
    const { madeSince } = records.mails
    const mails = {
      madeSince: (...args: Parameters<typeof madeSince>) => records.mails.madeSince(...args),
      async add(mail: NewMail) {
        added.push(mail)
        return records.mails.add(mail)
      },
    }
    const { made, asked } = queueing({}, { mails })
    await follow(made, ...Array.from({ length: 50 }, () => locked(user)))
    expect(await mailsOf(user)).toHaveLength(3)
    // A directory is asked once.
    expect(asked).toEqual([user])
    const contents = added.map(({ id, sealed }) => openContent(keys, id, sealed))
    expect(contents.map(({ isLast }) => isLast)).toEqual([undefined, undefined, true])
  })

  test('of a namesake in another realm is counted apart', async () => {
    const user = unique('user')
    const { made } = queueing({})
    const inRealm = Array.from({ length: 5 }, () => locked(user, { name: `${user}@corp` }))
    await follow(made, ...inRealm, locked(user))
    expect((await mailsOf(user)).map(({ subject }) => subject).toSorted()).toEqual([
      user,
      ...Array.from({ length: 3 }, () => `${user}@corp`),
    ])
  })

  test.each<[string, Partial<Contact> | undefined, Partial<QueueingOptions>, Partial<AuditEvent>]>([
    ['to nobody without an address', { mail: undefined }, {}, {}],
    ['to nobody whom no store lets in', undefined, {}, {}],
    ['of a kind that is turned off', {}, { kinds: new Set(['enrolled']) }, {}],
    ['of yesterday', {}, {}, { at: systemClock.now() - 25 * HOUR }],
  ])('is not sent %s', async (_, contact, more, event) => {
    const user = unique('user')
    await follow(queueing(contact, more).made, locked(user, event))
    expect(await mailsOf(user)).toEqual([])
  })

  test('waits in the trail while its user cannot be looked up', async () => {
    const away = queueing({}, { contactOf: () => Promise.reject(new Unavailable('identity corp', 'away')) })
    await expect(follow(away.made, locked(unique('user')))).rejects.toThrow('identity corp: away')
  })
})
