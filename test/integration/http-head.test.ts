import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { readContract } from '../../src/http/contract.ts'
import { ask } from '../http/ask.ts'
import { startTestBroker } from '../http/test-broker.ts'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { thisMachine } from '../real/process.ts'

/** Operations without a path parameter, and pages. */
const PATHS = [
  ...readContract()
    .operations.filter(({ method, path }) => method === 'get' && !path.includes(':'))
    .map(({ path }) => path),
  '/',
  '/enrol',
  '/desk',
  '/nothing',
]
const OF_EACH_ANSWER = new Set(['date', 'content-length', 'set-cookie', 'content-security-policy', 'etag'])

test('HEAD is answered as GET is, without a body (RFC 9110 §9.1)', async () => {
  const fixture = await startTestBroker()
  const token = await fixture.token()
  for (const path of PATHS) {
    const shown = path.startsWith('/api') || path === '/metrics' ? { token } : {}
    const head = await ask(fixture.url + path, { ...shown, method: 'HEAD' })
    expect(head.text, path).toBe('')
    // It does not end.
    if (path === '/api/v1/events') {
      expect([head.status, head.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8'])
      continue
    }
    const get = await ask(fixture.url + path, { ...shown, method: 'GET' })
    const names = (headers: object) =>
      Object.keys(headers).filter((name) => !OF_EACH_ANSWER.has(name) && name !== 'transfer-encoding')
    expect([path, head.status, names(head.headers).sort()]).toEqual([
      path,
      get.status,
      names(get.headers).sort(),
    ])
  }
  expect((await ask(`${fixture.url}/api/v1/me`, { method: 'HEAD' })).status, 'without a token').toBe(401)
})

describeWith(['haproxy'], 'HAProxy', () => {
  for (const [what, check] of [
    ['httpchk HEAD', 'option httpchk HEAD /healthz'],
    [
      'httpchk HEAD of HTTP/1.1',
      'option httpchk\n  http-check send meth HEAD uri /healthz ver HTTP/1.1 hdr Host vpn',
    ],
  ] as const) {
    test(`takes the broker for up by ${what}`, async () => {
      const fixture = await startTestBroker()
      const folder = temporaryFolder('haproxy')
      onTestFinished(folder.remove)
      const file = folder.file('haproxy.cfg')
      writeFileSync(
        file,
        `global
  stats socket ${folder.file('stats')}
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend in
  bind 127.0.0.1:${await freePort()}
  default_backend broker
backend broker
  ${check}
  server one 127.0.0.1:${fixture.port} check inter 100ms fall 1
`,
      )
      const haproxy = thisMachine.start('haproxy', ['-db', '-f', file])
      onTestFinished(() => haproxy.stop())
      const state = async () => {
        const socket = connect(folder.file('stats'))
        socket.end('show stat\n')
        let text = ''
        socket.on('data', (piece) => (text += piece))
        await once(socket, 'close').catch(() => undefined)
        const [head = '', ...lines] = text.split('\n')
        const names = head.replace('# ', '').split(',')
        const server = lines.find((line) => line.startsWith('broker,one,'))?.split(',') ?? []
        const of = (name: string) => server[names.indexOf(name)]
        return [of('status'), of('check_status'), of('check_code')]
      }
      await expect.poll(state, { timeout: 10_000 }).toEqual(['UP', 'L7OK', '200'])
    })
  }
})

describeWith(['nginx'], 'nginx', () => {
  test('passes HEAD on, to pages and to the API, and its answer back', async () => {
    const fixture = await startTestBroker({ http: { trusted_proxies: ['127.0.0.1'] } })
    const folder = temporaryFolder('nginx')
    onTestFinished(folder.remove)
    for (const name of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(folder.file(name))
    const port = await freePort()
    const temporary = ['client_body:body', 'proxy:proxy', 'fastcgi:fastcgi', 'uwsgi:uwsgi', 'scgi:scgi']
    const file = folder.file('nginx.conf')
    writeFileSync(
      file,
      `daemon off;
master_process off;
pid ${folder.file('nginx.pid')};
error_log stderr notice;
events {}
http {
  access_log off;
  ${temporary
    .map((each) => each.split(':'))
    .map(([what, name]) => `${what}_temp_path ${folder.file(name ?? '')};`)
    .join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://127.0.0.1:${fixture.port}; proxy_set_header X-Forwarded-For $remote_addr; }
  }
}
`,
    )
    const nginx = thisMachine.start('nginx', ['-c', file, '-p', folder.path])
    onTestFinished(() => nginx.stop())
    const status = (path: string) =>
      fetch(`http://127.0.0.1:${port}${path}`, { method: 'HEAD' }).then(
        (answer) => answer.status,
        () => undefined,
      )
    await expect.poll(() => status('/healthz'), { timeout: 10_000 }).toBe(200)
    expect(await status('/')).toBe(200)
    expect(await status('/api/v1/me')).toBe(401)
  })
})
