import { expect, test } from 'vitest'
import { Unavailable } from '../../src/domain/errors.ts'
import type { Lockout } from '../../src/domain/lockout.ts'
import { Leaving, type LeavingOptions } from '../../src/manage/leaving.ts'

const context = { actor: 'ada (web)', reason: 'last day', mayChangeUsers: true }

/** A user with everything that can be taken away. */
function leaving(more: Partial<LeavingOptions> = {}) {
  const done: string[] = []
  const user = { name: 'leo', enabled: true, groups: [], attributes: {}, createdAt: 0 }
  const options: LeavingOptions = {
    records: {
      users: { find: async () => user },
      lockouts: { list: async () => [] },
      sessions: { list: async () => [] },
      invitations: { revoke: async () => void done.push('invitation') },
    },
    lockouts: {
      lock: async ({ scope, user: name, until }) => {
        done.push(`${scope} ${name} locked until ${until}`)
        return { kind: 'locked', lockout: {} as Lockout }
      },
    },
    users: {
      change: async (name, { enabled }) => {
        done.push(`${name} enabled ${enabled}`)
        return { kind: 'done', user }
      },
    },
    enrolling: {
      revoke: async () => {
        done.push('authenticator')
        return true
      },
    },
    passkeys: {
      removeAllOf: async () => {
        done.push('passkeys')
        return 1
      },
    },
    trusts: { revokeAllOf: async () => 2 },
    webSessions: {
      deleteAllOf: async (name) => {
        done.push(`${name} signed out`)
        return ''
      },
    },
    ending: { end: async () => ({ kind: 'nothing' }) },
    clock: { now: () => 0, monotonic: () => 0 },
    ...more,
  }
  return { done, leave: (extra = {}) => new Leaving(options).leave('leo', { ...context, ...extra }) }
}

test('locks first, then takes everything away', async () => {
  const { done, leave } = leaving()
  expect((await leave()).steps).toEqual({
    lock: 'done',
    disable: 'done',
    authenticator: 'done',
    trusts: 'done',
    sign_out: 'done',
    sessions: 'nothing',
  })
  expect(done).toEqual([
    'user leo locked until undefined',
    'leo enabled false',
    'invitation',
    'passkeys',
    'authenticator',
    'leo signed out',
  ])
})

test('tries every step, whatever cannot be reached, and says which', async () => {
  const lock = () => Promise.reject(new Unavailable('records', 'down'))
  const { done, leave } = leaving({ lockouts: { lock } })
  expect((await leave()).steps).toMatchObject({ lock: 'failed', disable: 'done', sign_out: 'done' })
  expect(done).toContain('leo signed out')
})

test('leaves a local user enabled whom the caller may not change', async () => {
  const { done, leave } = leaving()
  expect((await leave({ mayChangeUsers: false })).steps).toMatchObject({ lock: 'done', disable: 'forbidden' })
  expect(done).not.toContain('leo enabled false')
})
