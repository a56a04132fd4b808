import type { Request, Response } from 'express'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { quietLog } from '../../src/domain/log.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { type RoleGrants, rightsOf } from '../../src/domain/scope.ts'
import type { WebSession } from '../../src/domain/web-session.ts'
import { Authentication, demandLock } from '../../src/http/api/authenticate.ts'
import { withBrowserSession } from '../../src/http/browser-session.ts'

const unused = () => Promise.reject(new Error('not asked for'))

/** Whoever has the cookie of such a session, as the API sees them. */
async function callerWith(session: Partial<WebSession>) {
  const now = systemClock.now()
  const whole: WebSession = {
    stage: 'in',
    user: 'alice',
    typed: 'alice',
    subject: 'alice',
    groups: ['admins'],
    factors: 2,
    createdAt: now,
    seenAt: now,
    ...session,
  }
  const sessions = {
    put: unused,
    touch: unused,
    change: unused,
    rotate: unused,
    delete: unused,
    deleteAllOf: unused,
    endingsOf: unused,
    // What the cookie says is kept nowhere.
    get: async (id: string) => (/^[0-9a-f]{64}$/.test(id) ? whole : undefined),
  }
  const authentication = new Authentication({
    tokens: { add: unused, findByHash: unused, list: unused, revoke: unused, noteUse: unused },
    roles: { admin: [{ groups: ['admins'] }], desk: [], auditor: [] },
    limits: { count: async () => undefined, refund: async () => {} },
    clock: systemClock,
    log: quietLog,
  })
  const headers: Readonly<Record<string, string>> = { cookie: `ocbroker=${'x'.repeat(43)}` }
  const response = { locals: {} } as Response
  const request = {
    headers,
    secure: false,
    socket: { remoteAddress: '192.0.2.7' },
    app: { get: () => () => false },
    get: (name: string) => headers[name],
    res: response,
  } as unknown as Request
  const identify = withBrowserSession({
    sessions,
    limits: { idleMs: 1, absoluteMs: 1 },
    clock: systemClock,
    random: systemRandom,
  })
  await identify(request, response, () => {})
  return authentication.callerOf(request, 'known')
}

test('a browser session is a caller of the API only after two factors', async () => {
  expect(await callerWith({})).toMatchObject({ kind: 'person', actor: 'alice (web)' })
  await expect(callerWith({ factors: 1 })).rejects.toMatchObject({ problem: 'unauthenticated' })
  await expect(callerWith({ stage: 'code' })).rejects.toMatchObject({ problem: 'unauthenticated' })
  await expect(callerWith({ stage: 'enrol' })).rejects.toMatchObject({ problem: 'unauthenticated' })
})

test('a lock is of the part for which its maker may lock, whatever else they read, by whatever name', async () => {
  const roles: RoleGrants = {
    admin: [],
    desk: [{ groups: ['helpdesk'] }, { groups: ['helpdesk-fra'], over: ['staff-fra'] }],
    auditor: [{ groups: ['auditors'] }],
  }
  const services = {
    // Ada of Berlin has a namesake in Frankfurt, who is called by a mail address too.
    mayActOn: async (target: string) => ['anna', 'ada.l'].includes(target),
    subjectOf: async (typed: string) => (typed === 'ada.l' ? 'ada' : typed),
  }
  const lock = (groups: readonly string[], user?: string) =>
    demandLock(
      user === undefined ? { scope: 'address' } : { scope: 'user', user },
      { rights: rightsOf(groups, roles) },
      services,
    )
  for (const groups of [['helpdesk-fra'], ['helpdesk-fra', 'auditors']]) {
    await lock(groups, 'anna')
    for (const user of ['zoe', 'ada', 'ada.l', undefined])
      await expect(lock(groups, user)).rejects.toMatchObject({ problem: 'missing-scope' })
  }
  await lock(['helpdesk'])
  await lock(['helpdesk', 'helpdesk-fra'], 'zoe')
})
