import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask } from '../http/ask.ts'
import { FormClient } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'

const resources = new AsyncDisposableStack()
let fixture: TestBroker
let client: FormClient

beforeAll(async () => {
  fixture = await startTestBroker({}, (end) => void resources.defer(end))
  await fixture.addUser('anna', ['admins'])
  await fixture.enrol('anna')
  client = new FormClient(fixture.url)
  await client.get('/?to=desk')
  await client.post('/sign-in', { name: 'anna', password: PASSWORD, to: 'desk' })
  await client.post('/code', { code: fixture.code() })
  await client.get('/desk')
  for (let number = 0; number < 40; number++) await fixture.addUser(`user-${number}`, ['staff'])
})

afterAll(() => resources.disposeAsync())

/** As a browser asks: `fetch` unpacks the text, and leaves the headers as they came. */
async function fetched(path: string, accepted: string, more: RequestInit = {}) {
  const headers = { cookie: client.cookie, accept: 'text/html', 'accept-encoding': accepted, ...more.headers }
  const response = await fetch(fixture.url + path, { ...more, headers })
  const text = await response.text()
  const { status } = response
  return { status, text, header: (name: string) => response.headers.get(name) }
}

test('a page is compressed for who can read that, to a fraction, and is the same page', async () => {
  const plain = await fetched('/desk/users', 'identity')
  expect(plain.header('content-encoding')).toBeNull()
  for (const accepted of ['gzip', 'gzip, deflate, br']) {
    const packed = await fetched('/desk/users', accepted)
    expect(packed.header('content-encoding')).toBe('gzip')
    expect(packed.header('vary')).toMatch(/Accept-Encoding/)
    const withoutToken = (text: string) => text.replaceAll(/name="csrf" value="[^"]+"/g, '')
    expect(withoutToken(packed.text)).toBe(withoutToken(plain.text))
    expect(Number(packed.header('content-length'))).toBeLessThan(plain.text.length / 4)
  }
  expect((await fetched('/desk/users', 'gzip;q=0')).header('content-encoding')).toBeNull()
})

test('a page that shows a code is sent as it is', async () => {
  await fixture.addUser('ivan', ['staff'])
  const form = (fields: Record<string, string>) => ({
    method: 'POST',
    body: new URLSearchParams({ csrf: client.csrf, reason: 'ticket 4711', ...fields }),
    headers: { origin: fixture.url },
  })
  for (const [path, fields] of [
    ['/desk/users/invite', { name: 'ivan' }],
    ['/desk/users/invite-many', { name: 'ivan' }],
  ] as const) {
    const page = await fetched(path, 'gzip', form(fields))
    expect([path, page.status]).toEqual([path, 200])
    expect(page.text).toMatch(/[a-z2-9]{4}-[a-z2-9]{4}/)
    expect([path, page.header('content-encoding')]).toEqual([path, null])
    expect(page.text.length).toBeGreaterThan(1000)
  }
})

test('assets are compressed, and asked for once', async () => {
  const { text } = await fetched('/desk/users', 'identity')
  const paths = [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path = '']) => path)
  expect(paths.length).toBeGreaterThan(4)
  for (const path of paths) {
    const plain = await fetched(path, 'identity')
    expect(plain.status).toBe(200)
    for (const encoding of ['br', 'gzip']) {
      const packed = await fetched(path, encoding)
      expect([path, packed.header('content-encoding')]).toEqual([path, encoding])
      expect(packed.text).toBe(plain.text)
      expect(packed.header('content-type')).toBe(plain.header('content-type'))
      expect(packed.header('cache-control')).toContain('immutable')
    }
    const etag = plain.header('etag') ?? ''
    expect(etag).toMatch(/^"/)
    const again = await ask(fixture.url + path, { headers: { 'if-none-match': etag } })
    expect([again.status, again.text]).toEqual([304, ''])
  }
  expect((await ask(`${fixture.url}${paths[0]}x`)).status).toBe(404)
})
