import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { KeyRing } from '../../src/domain/key-ring.ts'
import { NOTICE_KINDS } from '../../src/domain/mail.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { AccountEnds } from '../../src/mail/account-ends.ts'
import { Queueing } from '../../src/mail/queueing.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { unique, userNamed } from '../store/samples.ts'

const DAY_MS = 86_400_000
const keys = new KeyRing([{ id: 'k1', key: new Secret(Buffer.alloc(32, 3)) }], systemRandom)

/** Looks for ends all the time, by a clock that the test moves. */
async function looking() {
  const store = await openSqlite({ path: ':memory:' })
  const { records } = store
  const looks = { count: 0 }
  let ahead = 0
  const clock = { ...systemClock, now: () => systemClock.now() + ahead }
  const queueing = new Queueing({
    ...{ mails: records.mails, keys, locale: 'en', perUser: 10, kinds: new Set(NOTICE_KINDS), clock },
    contactOf: async (name) => ({ subject: name, mail: `${name}@example.org` }),
  })
  const users: Pick<typeof records.users, 'ending'> = {
    ending(search) {
      looks.count += 1
      return records.users.ending(search)
    },
  }
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const ends = AccountEnds.start({
    ...{ users, queueing, warnBeforeMs: 14 * DAY_MS, log, clock },
    ...{ firstMs: 1, everyMs: 5 },
  })
  onTestFinished(async () => {
    await ends.stop()
    await store.close()
  })
  return {
    records,
    /** Moves the clock, and waits for a look that has begun since. */
    async after(ms: number) {
      ahead += ms
      const before = looks.count
      await expect.poll(() => looks.count).toBeGreaterThan(before + 1)
    },
    told: async (user: string) => (await records.mails.list({ user, limit: 9 })).map(({ kind }) => kind),
  }
}

test('a user is told once, 14 days before the account ends, and again of another end', async () => {
  const { records, after, told } = await looking()
  const [soon, later, never] = [unique('soon'), unique('later'), unique('never')]
  const end = systemClock.now() + 15 * DAY_MS
  await records.users.add(userNamed(soon, { expiresAt: end }))
  await records.users.add(userNamed(later, { expiresAt: end + 30 * DAY_MS }))
  await records.users.add(userNamed(never))
  await after(0)
  expect(await told(soon)).toEqual([])
  await after(DAY_MS + 60_000)
  expect(await told(soon)).toEqual(['account_ends'])
  await after(DAY_MS)
  expect(await told(soon)).toEqual(['account_ends'])
  expect([await told(later), await told(never)]).toEqual([[], []])

  await records.users.change(soon, { expiresAt: end + DAY_MS })
  await after(0)
  expect(await told(soon)).toEqual(['account_ends', 'account_ends'])
})

test('nobody is told of an end that is past, nor of an account that is disabled', async () => {
  const { records, after, told } = await looking()
  const [past, disabled] = [unique('past'), unique('disabled')]
  await records.users.add(userNamed(past, { expiresAt: systemClock.now() - 1 }))
  await records.users.add(userNamed(disabled, { expiresAt: systemClock.now() + DAY_MS, enabled: false }))
  await after(60_000)
  expect([await told(past), await told(disabled)]).toEqual([[], []])
})
