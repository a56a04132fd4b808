import type { Request } from 'express'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import { SYSTEM_RUNTIME } from '../../src/domain/runtime.ts'
import { memoryStore } from '../../src/ephemeral/memory-store.ts'
import { SingleSignOn } from '../../src/http/single-sign-on.ts'

const REQUEST = {
  socket: { remoteAddress: '192.0.2.1' },
  app: { get: () => () => true },
  ips: ['192.0.2.1'],
} as unknown as Request

test('a sign-out by the provider that an outage has stopped is carried out when it comes again, and once', async () => {
  const unused = () => Promise.reject(new Error('not asked for'))
  const ended: string[] = []
  let isAway = true
  const open = (name: string) => memoryStore<never>({ name, clock: systemClock, capacity: 10 })
  const signOn = new SingleSignOn({
    ...SYSTEM_RUNTIME,
    name: 'Company login',
    rules: { userClaim: 'sub', acr: [], amr: [] },
    provider: {
      ...{ signInUrl: unused, redeem: unused, signOutUrl: unused },
      readSignOut: async () => ({ issuer: 'https://login.example.org', subject: 'ada', id: 'one' }),
    },
    ...{ pending: open('pending'), signOuts: open('sign-outs') },
    signingIn: { withClaims: unused },
    sessions: {
      async deleteAllOf(name) {
        if (isAway) throw new Unavailable('sessions', 'away')
        ended.push(name)
        return 'an ending'
      },
    },
  })
  await expect(signOn.signOut(REQUEST, 'a token')).rejects.toThrow(Unavailable)
  isAway = false
  expect(await signOn.signOut(REQUEST, 'a token')).toBe(true)
  expect(await signOn.signOut(REQUEST, 'a token')).toBe(true)
  expect(ended).toHaveLength(1)
})
