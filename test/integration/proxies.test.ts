import { generateSync } from 'otplib'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ask } from '../http/ask.ts'
import { FormClient, headingOf, keyOn } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { BROWSER_NEEDS, startChromium } from '../real/chromium.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { adapted, snippet, startCaddy, startHaproxy, startNginx } from '../real/proxies.ts'

/** An address on loopback that nothing allows. */
const OUTSIDE = '127.0.0.5'
const ALLOW = '127.0.0.1'

const KINDS = [
  ['nginx', startNginx, snippet('nginx'), adapted(snippet('nginx'), [['location /', 'location /vpn/']])],
  ['caddy', startCaddy, snippet('caddy'), adapted(snippet('caddy', 1), [['www.', 'vpn.']])],
  [
    'haproxy',
    startHaproxy,
    snippet('haproxy'),
    adapted(snippet('haproxy'), [['default_backend ocbroker', 'use_backend ocbroker if { path_beg /vpn/ }']]),
  ],
] as const

const SENT = { host: 'vpn.example.org' }
const OWN_FORM = { ...SENT, origin: 'https://vpn.example.org' }

type Headers = Readonly<Record<string, string>>

const FOREIGN_FORM = { ...SENT, origin: 'https://evil.example' }

/** What a client says of itself. `Connection` names headers that proxies do not pass on: they must still add their own. */
const CLAIMS: readonly Headers[] = [
  { 'x-forwarded-for': ALLOW },
  { 'x-real-ip': ALLOW },
  { forwarded: `for=${ALLOW}` },
  { connection: 'x-forwarded-for, x-real-ip' },
]

describe.each([
  ['a host of its own', 'https://vpn.example.org', ''],
  ['a path', 'https://vpn.example.org/vpn', '/vpn'],
])('behind a proxy, with %s', (_, publicUrl, base) => {
  const resources = new AsyncDisposableStack()
  let fixture: TestBroker

  beforeAll(async () => {
    fixture = await startTestBroker(
      { http: { trusted_proxies: ['127.0.0.1'], allow: ALLOW }, portal: { public_url: publicUrl } },
      (end) => void resources.defer(end),
    )
  })
  afterAll(() => resources.disposeAsync())

  for (const [name, start, ofHost, ofPath] of KINDS) {
    describeWith([name, 'openssl'], name, () => {
      test('the snippet of docs/proxies.md lets users in and keeps the console closed', async () => {
        const proxy = await start(base === '' ? ofHost : ofPath, { port: fixture.port })
        onTestFinished(proxy.stop)
        const url = `https://127.0.0.1:${proxy.port}`
        const status = statusAt(url + base)
        await expect.poll(() => status('/healthz'), { timeout: 20_000 }).toBe(200)

        const user = `${name}-user`
        await fixture.addUser(user)
        const client = new FormClient(url, OUTSIDE)
        const shown = await client.get(`${base}/`, SENT)
        const links = [...shown.text.matchAll(/ (?:href|src|action)="(\/[^"]*)"/g)].map(
          ([, link]) => link ?? '',
        )
        expect(links.filter((link) => !link.startsWith(`${base}/`))).toEqual([])
        for (const asset of links.filter((link) => link.includes('/assets/')))
          expect([asset, (await client.get(asset, SENT)).status]).toEqual([asset, 200])
        expect(shown.headers['set-cookie']?.[0]).toMatch(
          base === '' ? /^__Host-ocbroker=[^;]+; Path=\/;/ : /^__Secure-ocbroker=[^;]+; Path=\/vpn;/,
        )
        const fields = { name: user, password: PASSWORD }
        expect((await client.post(`${base}/sign-in`, fields, FOREIGN_FORM)).status).toBe(403)
        const begun = await client.postOnly(`${base}/sign-in`, fields, OWN_FORM)
        expect([begun.status, begun.headers.location]).toEqual([303, `${base}/`])
        const key = keyOn(await client.get(`${base}/enrol`, SENT)) ?? ''
        const proof = { code: generateSync({ secret: key }) }
        const done = await client.postOnly(`${base}/enrol/confirm`, proof, OWN_FORM)
        expect([done.status, done.headers.location]).toEqual([303, `${base}/recovery-codes`])
        const codes = await client.get(`${base}/recovery-codes`, SENT)
        expect(headingOf(codes)).toBe('Save your recovery codes')
        const events = await fixture.records.audit.list({ user, limit: 10 })
        expect(events.map(({ address }) => address)).toContain(OUTSIDE)

        for (const path of ['/desk', '/docs/', '/readyz', '/metrics'])
          for (const claim of [{}, ...CLAIMS])
            expect([path, claim, await status(path, OUTSIDE, claim)]).toEqual([path, claim, 403])
        expect([await status('/docs/'), await status('/readyz')]).toEqual([200, 200])
      })
    })
  }
})

function statusAt(url: string) {
  return (path: string, from = ALLOW, more: Headers = {}) =>
    ask(url + path, { from, headers: { ...SENT, ...more } }).then(
      (answer) => answer.status,
      () => undefined,
    )
}

describe('a proxy that is not named', () => {
  const NAKED = {
    nginx: [startNginx, 'server { listen 80; location / { proxy_pass http://127.0.0.1:8080; } }\n', 'http'],
    caddy: [startCaddy, snippet('caddy'), 'https'],
    haproxy: [
      startHaproxy,
      snippet('haproxy').replace(/^ {2}(option forwardfor|http-request .*)\n/gm, ''),
      'https',
    ],
  } as const

  const resources = new AsyncDisposableStack()
  let fixture: TestBroker

  beforeAll(async () => {
    fixture = await startTestBroker({ http: { allow: [ALLOW, OUTSIDE] } }, (end) => void resources.defer(end))
  })
  afterAll(() => resources.disposeAsync())

  const told = async (event: string) =>
    (await fixture.log())
      .split('\n')
      .filter((line) => line.includes(event))
      .map((line) => JSON.parse(line))

  for (const [name, [start, text, scheme]] of Object.entries(NAKED)) {
    describeWith([name, 'openssl'], name, () => {
      test('opens nothing to its clients', async () => {
        const proxy = await start(text, { port: fixture.port })
        onTestFinished(proxy.stop)
        const status = statusAt(`${scheme}://127.0.0.1:${proxy.port}`)
        await expect.poll(() => status('/healthz'), { timeout: 20_000 }).toBe(200)
        for (const path of ['/desk', '/docs/', '/readyz', '/metrics', '/api/v1/users'])
          expect([path, await status(path)]).toEqual([path, 403])
        // The portal is for everybody, and programs on this machine still ask directly.
        expect(await status('/')).toBe(200)
        expect((await ask(`${fixture.url}/readyz`)).status).toBe(200)
      })
    })
  }

  test('is known by any header that proxies send, and by the name of the host on loopback', async () => {
    const status = async (headers: Headers, from = ALLOW) =>
      (await ask(`${fixture.url}/readyz`, { from, headers })).status
    const signs: readonly Headers[] = [
      { 'x-forwarded-for': '192.0.2.7' },
      { 'X-Forwarded-Proto': 'https' },
      { forwarded: 'for=192.0.2.7' },
      { 'x-real-ip': '' },
      { via: '1.1 proxy' },
      { host: 'vpn.example.org' },
    ]
    for (const headers of signs)
      expect([headers, await status(headers), await status(headers, OUTSIDE)]).toEqual([headers, 403, 403])
    for (const host of [
      'localhost',
      'localhost:8080',
      'broker:8080',
      '127.0.0.1',
      '[::1]:8080',
      'a.localhost',
    ])
      expect([host, await status({ host })]).toEqual([host, 200])
    // Once for each, the proxies above included.
    expect((await told('http.unnamed_proxy')).map(({ level, peer }) => [level, peer])).toEqual([
      ['warn', ALLOW],
      ['warn', OUTSIDE],
    ])
  })

  test('that changes the host makes forms look foreign, and the log names the remedy once', async () => {
    const client = new FormClient(fixture.url)
    await client.get('/')
    const fields = { name: 'alice', password: PASSWORD }
    for (let count = 0; count < 2; count++)
      expect((await client.post('/sign-in', fields, { origin: 'https://vpn.example.org' })).status).toBe(403)
    expect(await told('http.other_origin')).toMatchObject([
      {
        browser: 'https://vpn.example.org',
        broker: fixture.url,
        remedy: expect.stringContaining('portal.public_url'),
      },
    ])
  })
})

describeWith(['nginx', ...BROWSER_NEEDS], 'a browser below a path', () => {
  test('signs in, opens the console and the API’s page, where the proxy takes the path away', async () => {
    const own = await freePort()
    const publicUrl = `http://127.0.0.1:${own}/vpn`
    const fixture = await startTestBroker({
      http: { trusted_proxies: ['127.0.0.1'] },
      portal: { public_url: publicUrl },
    })
    const forwarded = 'proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;'
    const proxy = await startNginx(
      `server { listen 80; location /vpn/ { ${forwarded} proxy_pass http://127.0.0.1:8080/; } }\n`,
      { port: fixture.port, own },
    )
    onTestFinished(proxy.stop)
    await fixture.addUser('boss', ['admins'])
    await fixture.enrol('boss')
    const browser = await startChromium()
    onTestFinished(browser.close)
    const { page, complaints, leave } = await browser.visit(new URL(publicUrl).origin)
    onTestFinished(leave)
    const addresses = new Set<string>()
    page.on('request', (request) => addresses.add(new URL(request.url()).pathname))

    await expect
      .poll(() =>
        fetch(`${publicUrl}/healthz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      )
      .toBe(true)
    await page.goto(`${publicUrl}/`)
    await page.fill('input[name=name]', 'boss')
    await page.fill('input[name=password]', PASSWORD)
    await page.keyboard.press('Enter')
    await page.locator('#code').fill(fixture.code())
    await page.keyboard.press('Enter')
    await page.locator('nav a[href="/vpn/desk"]').first().click()
    await page.waitForURL('**/vpn/desk')
    for (const path of ['users', 'sessions', 'audit']) {
      await page.locator(`nav a[href="/vpn/desk/${path}"]`).first().click()
      await page.waitForURL(`**/vpn/desk/${path}`)
    }
    await page.goto(`${publicUrl}/docs/`)
    const operation = page.locator('#operations-service-getMe')
    await operation.locator('.opblock-summary').click()
    await operation.locator('.try-out__btn').click()
    await operation.locator('.execute').click()
    await expect.poll(() => operation.locator('.live-responses-table').innerText()).toContain('200')
    expect([...addresses].filter((path) => !path.startsWith('/vpn/'))).toEqual([])
    expect(complaints()).toEqual([])
  })
})
