import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { Code } from '../../src/radius/codes.ts'
import { type Broker, type Sections, startBroker } from '../real/broker.ts'
import { type Authority, type IssuedCertificate, makeAuthority } from '../real/certificates.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { type Attribute, radclient } from '../real/radclient.ts'
import { radsecClient, tokenRequest } from '../real/radsec-client.ts'
import { startRadsecproxy } from '../real/radsecproxy.ts'

const PASSWORD = 'correct horse'
const PROXY_SECRET = 'between-gateway-and-proxy'

describeWith(['openssl', 'radsecproxy', 'radclient'], 'RadSec', () => {
  const resources = new AsyncDisposableStack()
  let folder: TemporaryFolder
  let authority: Authority
  let server: IssuedCertificate
  let own: IssuedCertificate
  let broker: Broker
  let port: number
  let tls: object
  let sections: Sections

  beforeAll(async () => {
    folder = temporaryFolder('radsec')
    resources.defer(folder.remove)
    authority = await makeAuthority(folder)
    server = await authority.issue('server', 'DNS:localhost, IP:127.0.0.1')
    own = await authority.issue('gateway', 'DNS:gw1.example')
    port = await freePort()
    tls = { port, cert_file: server.certificate, key_file: server.key, ca_file: authority.file }
    sections = {
      radius: { workers: 2, tls },
      gateways: [{ name: 'gw1', certificate: 'gw1.example' }],
      second_factor: { required: false },
    }
    broker = await startBroker({ sections })
    resources.defer(broker.stop)
    await addPeople(broker, [{ name: 'alice', password: PASSWORD, enrolled: false }])
  })

  afterAll(() => resources.disposeAsync())

  test('serves a real radsecproxy: logins, accounting and Status-Server', async () => {
    const proxy = await startRadsecproxy({ port, authority: authority.file, own, secret: PROXY_SECRET })
    onTestFinished(proxy.stop)
    const ask = (kind: 'auth' | 'acct', ...attributes: readonly Attribute[]) =>
      radclient({
        ...{ kind, port: proxy.port, secret: PROXY_SECRET },
        attributes: [['User-Name', 'alice'], ...attributes],
      })
    expect(await ask('auth', ['User-Password', PASSWORD])).toMatchObject({ code: 'Access-Accept' })
    expect(await ask('auth', ['User-Password', 'wrong'])).toMatchObject({ code: 'Access-Reject' })
    const session: readonly Attribute[] = [
      ['Acct-Session-Id', 's1'],
      ['NAS-Port-Type', 'Virtual'],
    ]
    expect(await ask('acct', ['Acct-Status-Type', 'Start'], ...session)).toMatchObject({
      code: 'Accounting-Response',
    })
    await expect
      .poll(() => broker.ocbroker(['session', 'list']), { timeout: 10_000 })
      .toContainEqual(expect.objectContaining({ user: 'alice', gateway: 'gw1' }))
    await broker.logUntil('tls.connected', { gateway: 'gw1', version: '1.0', tls: 'TLSv1.3' })
  })

  test('keeps its connections when certificates are renewed, and loses them with the gateway', async () => {
    const client = await radsecClient({ port, authority: authority.file, own, versions: ['radius/1.1'] })
    onTestFinished(() => void client.socket.destroy())
    const answers = async (token: string) => {
      client.send(tokenRequest(token, { user: 'alice', password: PASSWORD }))
      expect((await client.next()).code).toBe(Code.AccessAccept)
    }
    await answers('00000001')
    const renewed = await authority.issue('renewed', 'DNS:localhost, IP:127.0.0.1')
    const files = { cert_file: renewed.certificate, key_file: renewed.key }
    broker.configure({ ...sections, radius: { workers: 2, tls: { ...tls, ...files } } })
    await broker.ocbroker(['reload'])
    await answers('00000002')
    const later = await radsecClient({ port, authority: authority.file, own })
    onTestFinished(() => void later.socket.destroy())
    expect(later.socket.getPeerX509Certificate()?.subject).toBe('CN=renewed')

    broker.configure({ ...sections, gateways: [{ name: 'gw1', certificate: 'gw2.example' }] })
    await broker.ocbroker(['reload'])
    await client.closed
    await later.closed
    await broker.logUntil('tls.closed', { reason: 'unknown_certificate' })
  })
})
