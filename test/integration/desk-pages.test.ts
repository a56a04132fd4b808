import { generateSync } from 'otplib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { ask } from '../http/ask.ts'
import { FormClient, headingOf, keyOn, problemOn } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { ask as askGateway, loginRequest } from '../real/radius-socket.ts'

/** Every page of the desk, but for the story of a lockout. */
const PAGES = [
  '/desk',
  '/desk/lockouts',
  '/desk/lockouts/live',
  '/desk/now/live',
  '/desk/attempts',
  '/desk/attempts/live',
  '/desk/attempts/file',
  '/desk/users',
  '/desk/sessions',
  '/desk/audit',
  '/desk/search?q=somebody',
]
const SECRET = 'between-gateway-and-broker'
const REASON = 'ticket 4711'
const CODE = /<code class="shown-code" id="code">([a-z2-9-]+)<\/code>/
const HOUR_MS = 3_600_000

let fixture: TestBroker
const resources = new AsyncDisposableStack()

beforeAll(async () => {
  // 127.0.0.2 stands for an address from which nothing is to be managed.
  fixture = await startTestBroker({ http: { allow: '127.0.0.1' } }, (end) => void resources.defer(end))
})

afterAll(() => resources.disposeAsync())

/** A browser in which somebody of these groups has signed in with both factors, having come for the desk. */
async function signedIn(name: string, groups: readonly string[], from?: string): Promise<FormClient> {
  await fixture.addUser(name, groups)
  await fixture.enrol(name)
  const client = new FormClient(fixture.url, from)
  const shown = await client.get('/?to=desk')
  expect(shown.text).toContain('name="to" value="desk"')
  await client.post('/sign-in', { name, password: PASSWORD, to: 'desk' })
  await client.post('/code', { code: fixture.code() })
  return client
}

/** An open session of the user; its identifier. */
async function connected(user: string): Promise<string> {
  const acctSession = `acct-${systemRandom.id()}`
  const { sessions } = fixture.records
  const counters = { seconds: 0, octetsIn: 0, octetsOut: 0 }
  await sessions.record({ kind: 'start', gateway: 'gw1', user, acctSession, at: Date.now(), ...counters })
  const [session] = await sessions.list({ acctSession, limit: 1 })
  return session?.id ?? ''
}

async function locked(user: string, until?: number): Promise<string> {
  const { id } = await fixture.records.lockouts.lock({
    id: systemRandom.id(),
    scope: 'user',
    user,
    reason: 'by a test',
    by: 'a test',
    since: Date.now(),
    until,
  })
  return id
}

/** Everything that the trail tells of a user. */
const trailOf = (user: string) => fixture.records.audit.list({ user, limit: 50 })

describe('access to the admin console', () => {
  test('sends users who are not signed in to the sign-in, and back from there', async () => {
    const client = new FormClient(fixture.url)
    for (const path of PAGES) {
      const { status, headers } = await ask(fixture.url + path, { headers: { accept: 'text/html' } })
      expect([path, status, headers.location]).toEqual([path, 303, '/?to=desk'])
    }
    expect(headingOf(await client.get('/desk'))).toBe('Sign in')
    await fixture.addUser('comer', ['helpdesk'])
    await fixture.enrol('comer')
    await client.post('/sign-in', { name: 'comer', password: PASSWORD, to: 'desk' })
    // A wrong code in between does not make them forget where they wanted to go.
    expect(problemOn(await client.post('/code', { code: '000000' }))).toContain('wrong')
    expect(headingOf(await client.post('/code', { code: fixture.code() }))).toBe('Now')
    expect((await client.get('/')).text).toContain('href="/desk"')
  })

  test('accepts no other destination', async () => {
    await fixture.addUser('lured', ['helpdesk'])
    await fixture.enrol('lured')
    const client = new FormClient(fixture.url)
    const { text } = await client.get('/?to=https://evil.example')
    // The menu of languages leads back to this very page, on this host.
    const menu = /href="\/language\/[^"]*"/g
    expect(text).toMatch(menu)
    expect(text.replaceAll(menu, '')).not.toContain('evil')
    await client.post('/sign-in', { name: 'lured', password: PASSWORD, to: '//evil.example' })
    const { headers } = await client.postOnly('/code', { code: fixture.code() })
    expect(headers.location).toBe('/')
  })

  test('is refused without a role, and not offered', async () => {
    const client = await signedIn('plain', ['staff'])
    const account = await client.get('/')
    expect(headingOf(account)).toBe('Your account')
    expect(account.text).not.toContain('href="/desk"')
    for (const path of [...PAGES, `/desk/lockouts/${await locked('somebody')}`]) {
      const answer = await client.get(path)
      expect([path, answer.status, headingOf(answer)]).toEqual([path, 403, 'Not permitted'])
    }
  })

  test('is refused from addresses that are not allowed, whatever the role', async () => {
    const client = await signedIn('traveller', ['admins'], '127.0.0.2')
    expect((await client.get('/')).text).not.toContain('href="/desk"')
    for (const path of PAGES) {
      const answer = await client.get(path)
      expect([path, answer.status, headingOf(answer)]).toEqual([path, 403, 'Not permitted'])
    }
    // Not even a stranger is sent to sign in from there.
    expect((await new FormClient(fixture.url, '127.0.0.2').get('/desk')).status).toBe(403)
  })

  test('is refused after a password alone, even right after an enrolment', async () => {
    await fixture.addUser('fresh', ['admins'])
    const client = new FormClient(fixture.url)
    await client.get('/')
    const shown = await client.post('/sign-in', { name: 'fresh', password: PASSWORD })
    const key = keyOn(shown) ?? expect.unreachable('there is no key')
    expect(headingOf(await client.get('/desk'))).toBe('Connect your authenticator app')
    await client.post('/enrol/confirm', { code: generateSync({ secret: key }) })
    for (const path of PAGES) {
      const answer = await client.get(path)
      expect([path, answer.status, headingOf(answer)]).toEqual([path, 403, 'Sign in with your code'])
    }
    const fields = { scope: 'user', user: 'spared', for: 'release', reason: REASON }
    expect((await client.postOnly('/desk/lock', fields)).status).toBe(403)
    expect(await fixture.records.lockouts.list({ user: 'spared', limit: 9 })).toEqual([])
  })

  test('says which gateway signs no more, for an hour', async () => {
    const client = await signedIn('watcher', ['helpdesk'])
    const { gateways } = fixture.records
    const told = async () =>
      (await client.get('/desk')).text.includes('Logins at gateway gw1 (192.0.2.9, fra)')
    await gateways.remember('gw1 192.0.2.9 fra')
    expect(await told()).toBe(false)
    await gateways.noteUnsigned('gw1 192.0.2.9 fra', Date.now() - 3_599_000)
    expect(await told()).toBe(true)
    await gateways.noteUnsigned('gw1 192.0.2.9 fra', Date.now() - 3_601_000)
    expect(await told()).toBe(false)
  })

  test('shows users who may only read no forms that write', async () => {
    const client = await signedIn('auditor-1', ['auditors'])
    const id = await locked('looked-at')
    for (const path of [...PAGES, `/desk/lockouts/${id}`, '/desk/users/comer']) {
      const answer = await client.get(path)
      expect([path, answer.status]).toEqual([path, 200])
      // Signing out is all that is left to be sent.
      expect(answer.text.replaceAll('action="/sign-out"', '')).not.toMatch(/method="post" action=/)
      expect(answer.text).not.toMatch(/href="\/desk\/lock["?]/)
    }
  })
})

test('the session list ends a session with a reason, and shows agents and what came of it', async () => {
  const { orders, agents } = fixture.records
  const client = await signedIn('ender', ['helpdesk'])
  const user = `ended-${systemRandom.id()}`
  const id = await connected(user)
  const page = `/desk/sessions?q=${user}`
  expect((await client.get(page)).text).toContain(`name="id" value="${id}"`)
  const done = await client.postOnly('/desk/sessions/end', { id, reason: REASON })
  expect([done.status, done.text]).toEqual([200, expect.stringContaining(`occtl disconnect user ${user}`)])
  const [order] = (await orders.open('gw1', 100)).filter((each) => each.user === user)
  expect(order).toMatchObject({ reason: 'operator', by: 'ender (web)', detail: REASON })
  expect((await client.get(page)).text).toContain('End ordered by ender (web), not confirmed yet')
  const failed = { id: order?.id ?? '', outcome: 'failed', detail: 'occtl did not answer' } as const
  await orders.close('gw1', [failed], 'agent', Date.now())
  expect((await client.get(page)).text).toContain('Could not be ended: occtl did not answer')
  const agent = { gateway: 'gw1', host: 'vpn-host-1', protocol: 1, version: '1', token: 't', sessions: 4 }
  const bans = [{ address: '203.0.113.99', score: 80 }]
  await agents.note({ ...agent, bans, ocservVersion: '1.1.6', heardAt: Date.now() })
  const { text } = await client.get('/desk/sessions?state=unknown')
  for (const shown of [user, 'vpn-host-1', '203.0.113.99', '4 sessions, ocserv 1.1.6'])
    expect(text).toContain(shown)
  // Somebody with more rights keeps theirs.
  await fixture.addUser('the-boss', ['admins'])
  const theirs = await connected('the-boss')
  expect((await client.postOnly('/desk/sessions/end', { id: theirs, reason: REASON })).status).toBe(403)
  const over = await client.postOnly('/desk/sessions/end', { id: systemRandom.id(), reason: REASON })
  expect([over.status, problemOn(over)]).toEqual([422, expect.stringContaining('already ended')])
})

describe('a form of the admin console', () => {
  test.each([
    ['', 'Enter a reason'],
    ['   ', 'Enter a reason'],
    ['x'.repeat(201), 'Enter a reason'],
    ['two\nlines', 'The reason holds U+000A'],
    ['nul\0', 'The reason holds U+0000'],
  ])('does nothing for the reason %j', async (reason, problem) => {
    const client = await signedIn(`reasoner-${systemRandom.id()}`, ['admins'])
    await client.get('/desk/lock')
    const user = `target-${systemRandom.id()}`
    await fixture.addUser(user)
    await fixture.enrol(user)
    for (const [path, fields] of [
      [`/desk/lockouts/${await locked(user)}/release`, {}],
      ['/desk/lock', { scope: 'user', user, for: 'release' }],
      ['/desk/users/revoke', { name: user, subject: user }],
      ['/desk/users/invite', { name: user }],
      ['/desk/users/release', { name: user }],
      ['/desk/users/invite-many', { name: user }],
      ['/desk/lockouts/release', { all: 'yes', shown: String(Date.now()) }],
      [`/desk/users/${user}/leave`, {}],
      [`/desk/users/${user}/edit`, { groups: 'staff', enabled: 'yes' }],
      ['/desk/add-user', { name: `${user}-2` }],
      [`/desk/users/${user}/password-link`, {}],
      ['/desk/user-list/carry-out', { list: `${user}-3` }],
      ['/desk/sessions/end', { id: await connected(user) }],
    ] as const) {
      const answer = await client.postOnly(path, { ...fields, reason })
      expect([path, answer.status]).toEqual([path, 422])
      expect(problemOn(answer)).toContain(problem)
    }
    expect((await trailOf(user)).map(({ kind }) => kind)).toEqual(['lockout.made'])
  })

  test('says what is wrong with a manual lockout, and keeps what was typed', async () => {
    const client = await signedIn('mistaken', ['helpdesk'])
    await client.get('/desk/lock')
    for (const [fields, said] of [
      [{ scope: 'user' }, 'A lockout of a user needs a user name'],
      [
        { scope: 'user', user: 'bob', address: '198.51.100.7' },
        'A lockout of an address needs an IP address',
      ],
      [{ scope: 'address', address: 'nowhere' }, 'A lockout of an address needs an IP address'],
      [{ scope: 'address', user: 'bob', address: '198.51.100.7' }, 'A lockout of a user needs a user name'],
      [{ scope: 'user_address', user: 'bob' }, 'A lockout of an address needs an IP address'],
    ] as const) {
      const answer = await client.postOnly('/desk/lock', {
        ...fields,
        for: '3600000',
        reason: `${REASON}"<b>`,
      })
      expect([answer.status, problemOn(answer)]).toEqual([422, expect.stringContaining(said)])
      expect(answer.text).toContain('value="ticket 4711&quot;&lt;b&gt;"')
    }
    const at = await client.postOnly('/desk/lock', {
      scope: 'user_address',
      user: 'Bob@corp.example',
      address: '::ffff:198.51.100.7',
      for: '3600000',
      reason: REASON,
    })
    expect(at.status).toBe(303)
    const [lock] = await fixture.records.lockouts.list({ user: 'bob', limit: 1 })
    expect(lock).toMatchObject({ scope: 'user_address', address: '198.51.100.7', reason: REASON })
    expect((lock?.until ?? 0) - (lock?.since ?? 0)).toBe(HOUR_MS)
  })

  test('for a lockout that has ended says so and changes nothing', async () => {
    const client = await signedIn('late', ['helpdesk'])
    const id = await locked('released-before')
    await client.get(`/desk/lockouts/${id}`)
    await fixture.records.lockouts.release(id, 'somebody quicker', 'first', Date.now())
    const answer = await client.postOnly(`/desk/lockouts/${id}/release`, { reason: REASON })
    expect([answer.status, problemOn(answer)]).toEqual([
      422,
      expect.stringContaining('someone else released it'),
    ])
    expect(answer.text).toContain('somebody quicker')
    expect((await client.postOnly('/desk/lockouts/nonsense/release', { reason: REASON })).status).toBe(404)
  })

  test('says that a directory would lock the account, and lets it be released', async () => {
    const { login } = fixture.records
    const since = Date.now()
    const { id } = await login.lockDirectory({
      ...{ source: 'corp', subject: 'shielded', cause: 'directory', user: 'shielded', gateway: 'gw1' },
      ...{ address: '203.0.113.9', since, until: since + 1_800_000 },
      reason:
        '2 wrong passwords are counted, and corp locks the account at 5: the last tries are kept for known addresses',
    })
    const client = await signedIn('shielding', ['admins'])
    expect((await client.get('/desk/lockouts')).text).toContain('corp locks the account at 5')
    const chinese = await client.get(`/desk/lockouts/${id}`, { 'accept-language': 'zh-CN' })
    expect(chinese.text).toContain('已累计 2 次密码错误，corp 在第 5 次时锁定账户')
    const shown = await client.get(`/desk/lockouts/${id}`)
    expect(shown.text).toContain('Close to the directory’s own lock')
    await client.post(`/desk/lockouts/${id}/release`, { reason: REASON })
    const account = { source: 'corp', subject: 'shielded', now: Date.now(), since }
    expect(await login.viewDirectory(account)).toMatchObject({ locks: [], releasedAt: expect.any(Number) })
  })

  test('releases the user’s other lockouts too, on request', async () => {
    const client = await signedIn('generous', ['helpdesk'])
    const [first, second, other] = [await locked('twice'), await locked('twice'), await locked('once')]
    const story = await client.get(`/desk/lockouts/${first}`)
    expect(story.text).toContain('Also release the user’s other lockout')
    await client.post(`/desk/lockouts/${first}/release`, { reason: REASON, others: 'yes' })
    const inForce = await fixture.records.lockouts.list({
      standing: { state: 'in_force', at: Date.now() },
      limit: 99,
    })
    const ids = inForce.map(({ id }) => id)
    expect([first, second, other].map((id) => ids.includes(id))).toEqual([false, false, true])
  })

  test('creates an invitation that is shown once and enrols the user', async () => {
    const client = await signedIn('inviter', ['helpdesk'])
    await fixture.addUser('newcomer')
    await client.get('/desk/users/newcomer')
    const answer = await client.post('/desk/users/invite', {
      name: 'newcomer',
      for: '3600000',
      reason: REASON,
    })
    const [, code = ''] = CODE.exec(answer.text) ?? []
    expect(code).not.toBe('')
    for (const path of ['/desk/users/newcomer', '/desk/audit?user=newcomer'])
      expect((await client.get(path)).text).not.toContain(code)
    expect(await fixture.log()).not.toContain(code)
    const newcomer = new FormClient(fixture.url)
    await newcomer.get('/enrol')
    const shown = await newcomer.post('/enrol/code', { name: 'newcomer', code })
    const key = keyOn(shown) ?? expect.unreachable('there is no key')
    await newcomer.post('/enrol/confirm', { code: generateSync({ secret: key }) })
    expect((await fixture.records.enrolments.ofSubject('newcomer'))[0]).toBeDefined()
    await client.get('/desk/lock')
    const unknown = await client.postOnly('/desk/users/invite', { name: 'nobody-at-all', reason: REASON })
    expect([unknown.status, problemOn(unknown)]).toEqual([422, 'Unknown user: not found in any directory.'])
  })
})

describe('what the admin console shows', () => {
  test('shows names and reasons as text, never as markup', async () => {
    const client = await signedIn('reader', ['helpdesk'])
    const evil = '"><script>alert(1)</script>'
    await fixture.records.lockouts.lock({
      id: systemRandom.id(),
      scope: 'user',
      user: evil,
      reason: evil,
      by: evil,
      since: Date.now(),
    })
    const [lock] = await fixture.records.lockouts.list({ user: evil, limit: 1 })
    const typed = encodeURIComponent(evil)
    for (const path of [
      '/desk/lockouts',
      '/desk/lockouts/live',
      `/desk/search?q=${typed}`,
      `/desk/lockouts/${lock?.id}`,
      `/desk/lockouts?q=${typed}`,
      `/desk/users/${typed}`,
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

  test('is paginated and stays small with many lockouts', async () => {
    const client = await signedIn('pager', ['helpdesk'])
    for (let count = 0; count < 60; count++) await locked(`many-${count}`, Date.now() + HOUR_MS)
    const seen = new Set<string>()
    let path: string | undefined = '/desk/lockouts'
    for (let page = 0; path !== undefined && page < 9; page++) {
      const { text, status }: { text: string; status: number } = await client.get(path)
      expect(status).toBe(200)
      expect(Buffer.byteLength(text)).toBeLessThan(100_000)
      for (const [row, link = ''] of text.matchAll(/class="subject" href="([^"]+)"[^>]*>many-\d+</g)) {
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
      expect([wrong, (await client.get(`/desk/lockouts?${wrong}`)).status]).toEqual([wrong, 200])
  })

  test('gives a hint on whether to release', async () => {
    const client = await signedIn('hinted', ['auditors'])
    const { records } = fixture
    const failed = async (user: string, address: string) => {
      for (let guess = 0; guess < 6; guess++)
        await askGateway(
          fixture.authPort,
          loginRequest({ secret: SECRET, user, password: 'wrong', from: address }),
        )
    }
    const at = Date.now() - 50 * HOUR_MS
    await records.login.admit({
      query: { user: 'regular', subjects: ['regular'], address: '198.51.100.9', now: at },
      codeUse: { kind: 'none' },
      session: {
        id: systemRandom.id(),
        gateway: 'gw1',
        user: 'regular',
        subject: 'regular',
        grantedAt: at,
        address: '198.51.100.9',
        updatedAt: at,
        seconds: 0,
        octetsIn: 0,
        octetsOut: 0,
      },
      event: { id: systemRandom.id(), at, kind: 'login.accepted', user: 'regular' },
    })
    await failed('regular', '198.51.100.9')
    await failed('traveller-1', '198.51.100.10')
    for (const user of ['victim-1', 'victim-2', 'victim-3']) await failed(user, '198.51.100.11')
    await locked('by-hand')
    await records.login.recordFailure({
      event: {
        id: systemRandom.id(),
        at: Date.now(),
        kind: 'login.refused',
        user: 'robbed',
        reason: 'wrong_code',
      },
      user: 'robbed',
      account: { source: 'local', subject: 'robbed' },
      factor: 'code',
      address: '198.51.100.12',
      gateway: 'gw1',
      lock: [],
      rules: { after: 5, userAfter: 20, addressAfter: 50, withinMs: 1, forMs: 1, upToMs: 1, hardAfter: 1 },
    })
    const robbed = await client.get('/desk/lockouts?q=robbed')
    expect(robbed.text).toContain('Any new address')
    const [, page = ''] = /class="subject" href="([^"]+)"/.exec(robbed.text) ?? []
    const said = async (language: string) => (await client.get(page, { 'accept-language': language })).text
    expect(await said('en')).toContain('have them choose a new password before you release')
    expect(await said('zh-CN')).toContain('密码可能已泄露')
    expect(await said('zh-CN')).toContain('须先让其修改密码再解除')
    for (const [user, hint] of [
      ['regular', 'Known place'],
      ['traveller-1', 'New place'],
      ['victim-1', 'Looks like guessing'],
      ['by-hand', 'Locked manually'],
      ['robbed', 'Password known to somebody'],
    ] as const) {
      const { text } = await client.get(`/desk/lockouts?q=${user}`)
      expect([user, /class="badge[^"]*">([^<]+)</.exec(text.slice(text.indexOf('<tbody>')))?.[1]]).toEqual([
        user,
        hint,
      ])
      const [, details = ''] = /class="subject" href="([^"]+)"/.exec(text) ?? []
      const shown = (await client.get(details)).text
      if (user !== 'by-hand' && user !== 'robbed') {
        expect(shown).toContain('<strong>5</strong>: wrong password')
        expect(shown).toMatch(/1, the last <time/)
      }
      expect(shown.includes('connected from here before, last <time')).toBe(user === 'regular')
    }
  })

  test('is searched by user, address, gateway and time, and exported', async () => {
    const client = await signedIn('searcher', ['auditors'])
    const now = Date.now()
    await fixture.records.audit.append({
      id: systemRandom.id(),
      at: now,
      kind: 'login.refused',
      user: 'sought',
      address: '203.0.113.200',
      gateway: 'gw1',
      reason: 'bad_credentials',
      detail: 'a mark to be found by',
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

  test('explains a login without counting an attempt', async () => {
    const client = await signedIn('explainer', ['auditors'])
    await fixture.addUser('waiting', ['staff'])
    const verdictOf = async (query: string) => {
      const { text } = await client.get(`/desk/users/${query}`)
      return /id="verdict">\s*<p><strong>([^<]+)/.exec(text)?.[1]
    }
    expect(await verdictOf('waiting')).toBe('Would be refused')
    await fixture.enrol('waiting')
    expect(await verdictOf('waiting?address=198.51.100.7&gateway=gw1')).toBe('Would be let in')
    expect(await verdictOf('nobody-at-all')).toBe('No such user')
    const unknown = (await client.get('/desk/users/waitign')).text
    expect(unknown).toContain('href="/desk/users/waiting"')
    expect(unknown).not.toContain('/desk/lock?')
    expect((await client.get('/desk/users/waiting?address=nonsense')).status).toBe(422)
    expect((await client.get('/desk/users/%01')).status).toBe(422)
    expect(await trailOf('waiting')).toEqual([])
  })
})

describe('prompts that nobody answered', () => {
  const prompts = (user: string, times: number, address: string, ago = HOUR_MS) =>
    fixture.records.audit.append({
      id: systemRandom.id(),
      at: Date.now() - ago,
      kind: 'login.prompt_unanswered',
      user,
      address,
      gateway: 'gw1',
      times,
    })

  test('are a hint on the first page where they are many, and always on the page of the user', async () => {
    const desk = await signedIn('hinted', ['helpdesk'])
    expect((await desk.get('/desk')).text).not.toContain('id="unanswered"')
    await prompts('robbed', 12, '203.0.113.9')
    await prompts('robbed', 1, '203.0.113.10')
    await prompts('forgetful', 1, '198.51.100.3')
    await prompts('longago', 50, '203.0.113.11', 25 * HOUR_MS)
    const hint = /id="unanswered">.*?<\/div>/
    const [listed = ''] = hint.exec((await desk.get('/desk')).text) ?? []
    expect(listed.replaceAll(/<[^>]*>/g, '')).toContain('robbed (13 times)')
    expect(listed).not.toMatch(/forgetful|longago/)
    const [ofUser = ''] = hint.exec((await desk.get('/desk/users/robbed')).text) ?? []
    expect(ofUser).toContain('13 times')
    expect(ofUser).toContain('203.0.113.10, 203.0.113.9')
    expect((await desk.get('/desk/users/forgetful')).text).toContain('typed once')
    expect((await desk.get('/desk/users/longago')).text).not.toContain('id="unanswered"')
    const audit = await desk.get('/desk/audit?kind=login.prompt_unanswered')
    expect(audit.text).toMatch(/Nobody typed the code[\s\S]*12 times/)
  })
})

test('what of gateways and strangers is dropped is on the first page, until it is mended', async () => {
  const desk = await signedIn('watching', ['helpdesk'])
  expect((await desk.get('/desk')).text).not.toContain('id="drops"')
  const at = Date.now() - 60_000
  const kind = { kind: 'login', count: 3, firstAt: at, lastAt: at } as const
  const outcome = 'bad_message_authenticator'
  const gateway = { ...kind, source: '192.0.2.7', gateway: 'gw1' } as const
  const stranger = { ...kind, source: '192.0.2.8', outcome: 'unknown_gateway', detail: '<b>' } as const
  const { traffic } = fixture.records
  await traffic.add([{ ...gateway, outcome }, stranger, { ...gateway, outcome: 'repeated' }])
  const shown = async () => /id="drops">.*?<\/section>/s.exec((await desk.get('/desk')).text)?.[0] ?? ''
  const text = (await shown()).replaceAll(/<[^>]*>/g, '')
  expect(text).toMatch(/gw1\s+192\.0\.2\.7\s+Every login is dropped .*\(3 times\)\s+Wrong secret/)
  expect(text).toMatch(/Unknown sender\s+192\.0\.2\.8[\s\S]*No gateway in the configuration/)
  const { json } = await ask(`${fixture.url}/api/v1/gateways`, { token: await fixture.token() })
  const { items, drops } = json as unknown as {
    items: readonly { name: string }[]
    drops: readonly { reason: string; state: string }[]
  }
  expect(items.map(({ name }) => name)).toEqual(['gw1'])
  expect(drops.map(({ reason, state }) => [reason, state]).toSorted()).toEqual([
    [outcome, 'every'],
    ['repeated', 'every'],
    ['unknown_gateway', 'every'],
  ])
  await traffic.add([{ ...gateway, outcome: 'taken', firstAt: at + 1000, lastAt: at + 1000 }])
  expect(await shown()).not.toContain('192.0.2.7')
})
