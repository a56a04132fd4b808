import type { Request, Response } from 'express'
import { expect, test } from 'vitest'
import { KeyRing } from '../../src/domain/key-ring.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { readerOf } from '../../src/http/browser-session.ts'
import { hasUnsent, keepUnsent, takeUnsent } from '../../src/web/layout/unsent-form.ts'

/** A browser with its cookies, where somebody was signed in last. */
function browserOf(user: string) {
  const cookies = new Map([['ocbroker-seen', `in.1700000000000.1700000000000.${readerOf(user)}`]])
  const response = {
    cookie: (name: string, value: string) => cookies.set(name, value),
    clearCookie: (name: string) => cookies.delete(name),
  } as unknown as Response
  const request = (body?: Readonly<Record<string, unknown>>) =>
    ({
      path: '/desk/lock',
      secure: false,
      body,
      app: { get: () => '' },
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    }) as unknown as Request
  return { cookies, request, response }
}

const formKeys = new KeyRing([{ id: 'k', key: new Secret(Buffer.alloc(32, 1)) }], systemRandom)
const clock = { now: () => 1_700_000_000_000, monotonic: () => 0 }
const options = { clock, formKeys }
const FORM = { reason: 'a ticket', user: ['bob', 'carol'] }

test('is taken by its own user, once, without passwords and codes', () => {
  const { request, response } = browserOf('ada')
  const secrets = { csrf: 'x', password: 'x', newPassword: 'x', code: 'x', secret: 'x' }
  expect(keepUnsent(request({ ...FORM, ...secrets }), response, options)).toBe(true)
  expect(hasUnsent(request())).toBe(true)
  expect(takeUnsent(request(), response, 'ada', options)).toMatchObject({
    path: '/desk/lock',
    values: [
      ['reason', 'a ticket'],
      ['user', 'bob'],
      ['user', 'carol'],
    ],
  })
  expect(takeUnsent(request(), response, 'ada', options)).toBeUndefined()
})

test('is not taken by another user, nor when it was changed, nor late', () => {
  for (const [user, change, later] of [
    ['eve', (text: string) => text, 0],
    ['ada', (text: string) => `${text.slice(0, -2)}AA`, 0],
    ['ada', (text: string) => text, 16 * 60_000],
  ] as const) {
    const { cookies, request, response } = browserOf('ada')
    keepUnsent(request(FORM), response, options)
    const sealed = cookies.get('ocbroker-unsent') ?? ''
    expect(sealed).not.toContain('ticket')
    cookies.set('ocbroker-unsent', change(sealed))
    const at = { ...clock, now: () => clock.now() + later }
    expect(takeUnsent(request(), response, user, { ...options, clock: at })).toBeUndefined()
    expect(hasUnsent(request())).toBe(false)
  }
})

test('is not kept where nobody was signed in, nor where it is long', () => {
  const { cookies, request, response } = browserOf('ada')
  expect(keepUnsent(request({ reason: 'a'.repeat(3000) }), response, options)).toBe(false)
  cookies.delete('ocbroker-seen')
  expect(keepUnsent(request(FORM), response, options)).toBe(false)
  expect(hasUnsent(request())).toBe(false)
})
