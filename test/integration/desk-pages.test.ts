import { generateSync } from 'otplib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { ask } from '../http/ask.ts'
import { type BrokerHouse, openBrokerHouse, PASSWORD } from '../http/broker-house.ts'
import { FormClient, headingOf, keyOn, problemOn } from '../http/form-client.ts'
import { ask as askGateway, loginRequest } from '../real/radius-socket.ts'

/** Every page of the desk, but for the story of a lockout. */
const PAGES = ['/desk', '/desk/live', '/desk/users', '/desk/sessions', '/desk/audit']
const SECRET = 'between-gateway-and-broker'
const REASON = 'ticket 4711'
const CODE = /<code class="shown-code" id="code">([a-z2-9-]+)<\/code>/
const HOUR_MS = 3_600_000

let house: BrokerHouse
const resources = new AsyncDisposableStack()

beforeAll(async () => {
  // 127.0.0.2 stands for an address from which nothing is to be managed.
  house = await openBrokerHouse({ http: { allow: '127.0.0.1' } }, (end) => void resources.defer(end))
})

afterAll(() => resources.disposeAsync())

/** A browser in which somebody of these groups has signed in with both factors, having come for the desk. */
async function signedIn(name: string, groups: readonly string[], from?: string): Promise<FormClient> {
  await house.addUser(name, groups)
  await house.enrol(name)
  const client = new FormClient(house.url, from)
  const shown = await client.get('/?to=desk')
  expect(shown.text).toContain('name="to" value="desk"')
  await client.post('/sign-in', { name, password: PASSWORD, to: 'desk' })
  await client.post('/code', { code: house.code() })
  return client
}

async function locked(user: string, until?: number): Promise<string> {
  const { id } = await house.records.lockoutDesk.lock({
    ...{ id: systemRandom.id(), scope: 'user', user, reason: 'by a test', by: 'a test' },
    ...{ since: Date.now(), until },
  })
  return id
}

/** Everything that the trail tells of a user. */
const trailOf = (user: string) => house.records.audit.list({ user, limit: 50 })

describe('the way to the desk', () => {
  test('leads strangers to the sign-in, and back from there', async () => {
    const client = new FormClient(house.url)
    for (const path of PAGES) {
      const { status, headers } = await ask(house.url + path, { headers: { accept: 'text/html' } })
      expect([path, status, headers.location]).toEqual([path, 303, '/?to=desk'])
    }
    expect(headingOf(await client.get('/desk'))).toBe('Sign in')
    await house.addUser('comer', ['helpdesk'])
    await house.enrol('comer')
    await client.post('/sign-in', { name: 'comer', password: PASSWORD, to: 'desk' })
    // A wrong code in between does not make them forget where they wanted to go.
    expect(problemOn(await client.post('/code', { code: '000000' }))).toContain('wrong')
    expect(headingOf(await client.post('/code', { code: house.code() }))).toBe('Locked out now')
    expect((await client.get('/')).text).toContain('href="/desk"')
  })

  test('leads nowhere else', async () => {
    await house.addUser('lured', ['helpdesk'])
    await house.enrol('lured')
    const client = new FormClient(house.url)
    expect((await client.get('/?to=https://evil.example')).text).not.toContain('evil')
    await client.post('/sign-in', { name: 'lured', password: PASSWORD, to: '//evil.example' })
    const { headers } = await client.postOnly('/code', { code: house.code() })
    expect(headers.location).toBe('/')
  })

  test('is closed to whom no role covers, and not shown to them', async () => {
    const client = await signedIn('plain', ['staff'])
    const account = await client.get('/')
    expect(headingOf(account)).toBe('Your account')
    expect(account.text).not.toContain('href="/desk"')
    for (const path of [...PAGES, `/desk/lockouts/${await locked('somebody')}`]) {
      const told = await client.get(path)
      expect([path, told.status, headingOf(told)]).toEqual([path, 403, 'Not permitted'])
    }
  })

  test('is closed from other addresses than those that are allowed, whatever the role', async () => {
    const client = await signedIn('traveller', ['admins'], '127.0.0.2')
    expect((await client.get('/')).text).not.toContain('href="/desk"')
    for (const path of PAGES) {
      const told = await client.get(path)
      expect([path, told.status, headingOf(told)]).toEqual([path, 403, 'Not permitted'])
    }
    // Not even a stranger is sent to sign in from there.
    expect((await new FormClient(house.url, '127.0.0.2').get('/desk')).status).toBe(403)
  })

  test('is closed to a password alone, even where an authenticator was enrolled just now', async () => {
    await house.addUser('fresh', ['admins'])
    const client = new FormClient(house.url)
    await client.get('/')
    const shown = await client.post('/sign-in', { name: 'fresh', password: PASSWORD })
    const key = keyOn(shown) ?? expect.unreachable('there is no key')
    expect(headingOf(await client.get('/desk'))).toBe('Connect your authenticator app')
    await client.post('/enrol/confirm', { code: generateSync({ secret: key }) })
    for (const path of PAGES) {
      const told = await client.get(path)
      expect([path, told.status, headingOf(told)]).toEqual([path, 403, 'Sign in with your code'])
    }
    const fields = { scope: 'user', user: 'spared', for: 'release', reason: REASON }
    expect((await client.postOnly('/desk/lock', fields)).status).toBe(403)
    expect(await house.records.lockouts.list({ user: 'spared', limit: 9 })).toEqual([])
  })

  test('shows those who may only look nothing that writes', async () => {
    const client = await signedIn('auditor-1', ['auditors'])
    const id = await locked('looked-at')
    for (const path of [...PAGES, `/desk/lockouts/${id}`, '/desk/users?name=comer']) {
      const told = await client.get(path)
      expect([path, told.status]).toEqual([path, 200])
      // Signing out is all that is left to be sent.
      expect(told.text.replaceAll('action="/sign-out"', '')).not.toMatch(/method="post" action=/)
      expect(told.text).not.toMatch(/href="\/desk\/lock["?]/)
    }
  })
})

describe('a form of the desk', () => {
  test.each(['', '   ', 'x'.repeat(201), 'two\nlines', 'nul\0'])(
    'does nothing for the reason %j',
    async (reason) => {
      const client = await signedIn(`reasoner-${systemRandom.id()}`, ['admins'])
      await client.get('/desk/lock')
      const user = `target-${systemRandom.id()}`
      await house.addUser(user)
      await house.enrol(user)
      for (const [path, fields] of [
        [`/desk/lockouts/${await locked(user)}/release`, {}],
        ['/desk/lock', { scope: 'user', user, for: 'release' }],
        ['/desk/users/revoke', { name: user, subject: user }],
        ['/desk/users/invite', { name: user }],
      ] as const) {
        const told = await client.postOnly(path, { ...fields, reason })
        expect([path, told.status]).toEqual([path, 422])
        expect(problemOn(told)).toContain('Give a reason')
      }
      expect((await trailOf(user)).map(({ kind }) => kind)).toEqual(['lockout.made'])
    },
  )

  test('says what is wrong with a lock, and keeps what was typed', async () => {
    const client = await signedIn('mistaken', ['helpdesk'])
    await client.get('/desk/lock')
    for (const [fields, said] of [
      [{ scope: 'user' }, 'Name a user'],
      [{ scope: 'user', user: 'bob', address: '198.51.100.7' }, 'Give an IP address'],
      [{ scope: 'address', address: 'nowhere' }, 'Give an IP address'],
      [{ scope: 'address', user: 'bob', address: '198.51.100.7' }, 'Name a user'],
      [{ scope: 'user_address', user: 'bob' }, 'Give an IP address'],
    ] as const) {
      const told = await client.postOnly('/desk/lock', { ...fields, for: '3600000', reason: `${REASON}"<b>` })
      expect([told.status, problemOn(told)]).toEqual([422, expect.stringContaining(said)])
      expect(told.text).toContain('value="ticket 4711&quot;&lt;b&gt;"')
    }
    const at = await client.postOnly('/desk/lock', {
      ...{ scope: 'user_address', user: 'Bob@corp.example', address: '::ffff:198.51.100.7' },
      ...{ for: '3600000', reason: REASON },
    })
    expect(at.status).toBe(303)
    const [lock] = await house.records.lockouts.list({ user: 'bob', limit: 1 })
    expect(lock).toMatchObject({ scope: 'user_address', address: '198.51.100.7', reason: REASON })
    expect((lock?.until ?? 0) - (lock?.since ?? 0)).toBe(HOUR_MS)
  })

  test('that comes too late says so and changes nothing', async () => {
    const client = await signedIn('late', ['helpdesk'])
    const id = await locked('released-before')
    await client.get(`/desk/lockouts/${id}`)
    await house.records.lockoutDesk.release(id, 'somebody quicker', 'first', Date.now())
    const told = await client.postOnly(`/desk/lockouts/${id}/release`, { reason: REASON })
    expect([told.status, problemOn(told)]).toEqual([
      422,
      expect.stringContaining('somebody else was quicker'),
    ])
    expect(told.text).toContain('somebody quicker')
    expect((await client.postOnly('/desk/lockouts/nonsense/release', { reason: REASON })).status).toBe(404)
  })

  test('releases the other lockouts of the user too, where that was asked for', async () => {
    const client = await signedIn('generous', ['helpdesk'])
    const [first, second, other] = [await locked('twice'), await locked('twice'), await locked('once')]
    const story = await client.get(`/desk/lockouts/${first}`)
    expect(story.text).toContain('Release the user’s other lockout too')
    await client.post(`/desk/lockouts/${first}/release`, { reason: REASON, others: 'yes' })
    const inForce = await house.records.lockouts.list({ inForceAt: Date.now(), limit: 99 })
    const ids = inForce.map(({ id }) => id)
    expect([first, second, other].map((id) => ids.includes(id))).toEqual([false, false, true])
  })

  test('makes an invitation that is shown once and enrols the user', async () => {
    const client = await signedIn('inviter', ['helpdesk'])
    await house.addUser('newcomer')
    await client.get('/desk/users?name=newcomer')
    const told = await client.post('/desk/users/invite', { name: 'newcomer', for: '3600000', reason: REASON })
    const [, code = ''] = CODE.exec(told.text) ?? []
    expect(code).not.toBe('')
    for (const path of ['/desk/users?name=newcomer', '/desk/audit?user=newcomer'])
      expect((await client.get(path)).text).not.toContain(code)
    expect(house.log()).not.toContain(code)
    const newcomer = new FormClient(house.url)
    await newcomer.get('/enrol')
    const shown = await newcomer.post('/enrol/code', { name: 'newcomer', code })
    const key = keyOn(shown) ?? expect.unreachable('there is no key')
    await newcomer.post('/enrol/confirm', { code: generateSync({ secret: key }) })
    expect(await house.records.enrolments.find('newcomer')).toBeDefined()
    await client.get('/desk/lock')
    const unknown = await client.postOnly('/desk/users/invite', { name: 'nobody-at-all', reason: REASON })
    expect([unknown.status, problemOn(unknown)]).toEqual([422, 'No identity store knows this user.'])
  })
})

describe('what is shown', () => {
  test('never runs: names and reasons are only text', async () => {
    const client = await signedIn('reader', ['helpdesk'])
    const evil = '"><script>alert(1)</script>'
    await house.records.lockoutDesk.lock({
      ...{ id: systemRandom.id(), scope: 'user', user: evil, reason: evil, by: evil, since: Date.now() },
    })
    const [lock] = await house.records.lockouts.list({ user: evil, limit: 1 })
    const typed = encodeURIComponent(evil)
    for (const path of [
      '/desk',
      '/desk/live',
      `/desk/lockouts/${lock?.id}`,
      `/desk?q=${typed}`,
      `/desk/users?name=${typed}`,
      `/desk/audit?user=${typed}&from=${typed}&zone=${typed}`,
      `/desk/sessions?q=${typed}&ip=${typed}`,
    ]) {
      const { status, text, headers } = await client.get(path)
      expect([path, status]).toEqual([path, 200])
      expect(text).toContain('&lt;script&gt;alert(1)')
      expect(text).not.toContain('<script>alert')
      expect(text).not.toMatch(/<script(?![^>]* src=)|<style| style=| on\w+=/)
      expect(headers['content-security-policy']).toContain("default-src 'none'")
      expect(headers['cache-control']).toBe('no-store')
    }
  })

  test('comes in pages, and stays small where there is much', async () => {
    const client = await signedIn('pager', ['helpdesk'])
    for (let count = 0; count < 60; count++) await locked(`many-${count}`, Date.now() + HOUR_MS)
    const seen = new Set<string>()
    let path: string | undefined = '/desk'
    for (let page = 0; path !== undefined && page < 9; page++) {
      const { text, status }: { text: string; status: number } = await client.get(path)
      expect(status).toBe(200)
      expect(Buffer.byteLength(text)).toBeLessThan(100_000)
      for (const [row, link = ''] of text.matchAll(/class="whom" href="([^"]+)"[^>]*>many-\d+</g)) {
        expect(seen.has(link), row).toBe(false)
        seen.add(link)
      }
      path = /rel="next" href="([^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&')
    }
    expect(seen.size).toBe(60)
    for (const wrong of [
      'after=nonsense',
      'after=%00',
      'state=nonsense',
      'gateway=nonsense',
      'q=%00',
      'q=a&q=b',
    ])
      expect([wrong, (await client.get(`/desk?${wrong}`)).status]).toEqual([wrong, 200])
  })

  test('gives a hint on whom to let in', async () => {
    const client = await signedIn('hinted', ['auditors'])
    const { records } = house
    const failed = async (user: string, address: string) => {
      for (let guess = 0; guess < 6; guess++)
        await askGateway(
          house.authPort,
          loginRequest({ secret: SECRET, user, password: 'wrong', from: address }),
        )
    }
    const at = Date.now() - 50 * HOUR_MS
    await records.login.admit({
      query: { user: 'regular', subjects: ['regular'], address: '198.51.100.9', now: at },
      claim: { kind: 'none' },
      session: {
        ...{ id: systemRandom.id(), gateway: 'gw1', user: 'regular', subject: 'regular', grantedAt: at },
        ...{ address: '198.51.100.9', updatedAt: at, seconds: 0, octetsIn: 0, octetsOut: 0 },
      },
      event: { id: systemRandom.id(), at, kind: 'login.accepted', user: 'regular' },
    })
    await failed('regular', '198.51.100.9')
    await failed('traveller-1', '198.51.100.10')
    for (const user of ['victim-1', 'victim-2', 'victim-3']) await failed(user, '198.51.100.11')
    await locked('by-hand')
    for (const [user, hint] of [
      ['regular', 'Known place'],
      ['traveller-1', 'New place'],
      ['victim-1', 'Looks like guessing'],
      ['by-hand', 'Locked on purpose'],
    ] as const) {
      const { text } = await client.get(`/desk?q=${user}`)
      expect([user, /class="badge[^"]*">([^<]+)</.exec(text.slice(text.indexOf('<tbody>')))?.[1]]).toEqual([
        user,
        hint,
      ])
      if (user !== 'by-hand') expect(text).toContain('<strong>5 failures</strong>: wrong password')
      expect(text.includes('1 more try since')).toBe(user !== 'by-hand')
    }
    expect((await client.get('/desk?q=regular')).text).toContain('last connected <time')
  })

  test('is found by user, by address, by gateway and by time, and taken along', async () => {
    const client = await signedIn('searcher', ['auditors'])
    const now = Date.now()
    await house.records.audit.append({
      ...{ id: systemRandom.id(), at: now, kind: 'login.refused', user: 'sought', address: '203.0.113.200' },
      ...{ gateway: 'gw1', reason: 'bad_credentials', detail: 'a mark to be found by' },
    })
    const minute = (at: number) => new Date(at).toISOString().slice(0, 16)
    const [before, after] = [minute(now - HOUR_MS), minute(now + HOUR_MS)]
    for (const [query, isFound] of [
      ['user=SOUGHT%40corp.example', true],
      ['address=203.0.113.200', true],
      ['user=203.0.113.200', true],
      ['user=sought&gateway=gw1', true],
      ['user=sought&gateway=portal', false],
      ['user=sought&kind=login.refused', true],
      ['user=sought&kind=login.accepted', false],
      [`user=sought&from=${before}&to=${after}&zone=UTC`, true],
      [`user=sought&from=${after}&zone=UTC`, false],
      [`user=sought&to=${before}&zone=UTC`, false],
      // The same hour by another clock was long ago.
      [`user=sought&from=${after}&zone=Pacific%2FKiritimati`, true],
      ['address=nonsense', false],
    ] as const) {
      const { text } = await client.get(`/desk/audit?${query}`)
      expect([query, text.includes('a mark to be found by')]).toEqual([query, isFound])
    }
    const { text } = await client.get('/desk/audit?user=sought')
    const exports = [...text.matchAll(/href="(\/api\/v1\/audit-events\/export[^"]+)"/g)]
    expect(exports).toHaveLength(2)
    for (const [, href = ''] of exports) {
      const file = await client.get(href.replaceAll('&amp;', '&'))
      expect(file.status).toBe(200)
      expect(file.text).toContain('a mark to be found by')
    }
  })

  test('explains a login without counting anything', async () => {
    const client = await signedIn('explainer', ['auditors'])
    await house.addUser('waiting', ['staff'])
    const verdictOf = async (query: string) => {
      const { text } = await client.get(`/desk/users?${query}`)
      return /id="verdict">\s*<p><strong>([^<]+)/.exec(text)?.[1]
    }
    expect(await verdictOf('name=waiting')).toBe('Would be refused')
    await house.enrol('waiting')
    expect(await verdictOf('name=waiting&address=198.51.100.7&gateway=gw1')).toBe('Would get in')
    expect(await verdictOf('name=nobody-at-all')).toBe('Would be refused')
    expect((await client.get('/desk/users?name=waiting&address=nonsense')).status).toBe(422)
    expect((await client.get('/desk/users?name=%01')).status).toBe(422)
    expect(await trailOf('waiting')).toEqual([])
  })
})
