import { expect, test } from 'vitest'
import { Unavailable } from '../../src/domain/errors.ts'
import type { ManualLockout } from '../../src/domain/lockout.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Lockouts } from '../../src/manage/lockouts.ts'

async function locked(user: string, subjectOf: () => Promise<string | undefined>) {
  const made: ManualLockout[] = []
  const ended: string[] = []
  const lockouts = new Lockouts({
    store: {
      lock: async (lockout: ManualLockout) => {
        made.push(lockout)
        return { ...lockout, cause: 'by_hand' }
      },
    } as never,
    sessions: {
      deleteAllOf: async (name: string) => {
        ended.push(name)
        return ''
      },
    },
    subjectOf,
    clock: { now: () => 0, monotonic: () => 0 },
    random: systemRandom,
  })
  await lockouts.lock({ scope: 'user', user }, 'alice', 'has left')
  return [...made.map((lockout) => lockout.user), ...ended]
}

test('locks the account of a user by whatever name, or the name while no identity store can tell', async () => {
  const robert = async () => 'robert@corp.example'
  expect(await locked('Bob.Smith@corp.example', robert)).toEqual(['robert', 'robert'])
  expect(await locked('Nobody', async () => undefined)).toEqual(['nobody', 'nobody'])
  const down = () => Promise.reject(new Unavailable('identity corp', 'down'))
  expect(await locked('Bob.Smith', down)).toEqual(['bob.smith', 'bob.smith'])
})
