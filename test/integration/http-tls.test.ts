import { copyFileSync, renameSync, writeFileSync } from 'node:fs'
import { connect, type SecureVersion } from 'node:tls'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Log } from '../../src/domain/log.ts'
import { openHttpServer } from '../../src/http/server.ts'
import { ask } from '../http/ask.ts'
import { startTestBroker } from '../http/test-broker.ts'
import { makeCertificates } from '../real/certificates.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { thisMachine } from '../real/process.ts'

describeWith(['openssl'], 'HTTP over TLS', () => {
  const resources = new AsyncDisposableStack()
  let folder: TemporaryFolder
  let files: { readonly cert_file: string; readonly key_file: string }

  beforeAll(async () => {
    folder = temporaryFolder('http-tls')
    resources.defer(folder.remove)
    const { certificate, key } = await makeCertificates(folder)
    files = { cert_file: certificate, key_file: key }
  })

  afterAll(() => resources.disposeAsync())

  /** How a handshake of these versions goes, by OpenSSL itself. */
  async function handshake(port: number, ...words: readonly string[]): Promise<string> {
    const { stdout, stderr } = await thisMachine.run('openssl', [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-cipher',
      'ALL:@SECLEVEL=0',
      ...words,
    ])
    return stdout + stderr
  }

  test('is TLS 1.2 or newer, with forward secrecy and HSTS', async () => {
    const fixture = await startTestBroker({ http: { tls: files } })
    expect(fixture.url).toMatch(/^https:/)
    expect(await handshake(fixture.port, '-tls1_3')).toMatch(/New, TLSv1\.3, Cipher is TLS_/)
    expect(await handshake(fixture.port, '-tls1_2')).toMatch(/New, TLSv1\.2, Cipher is ECDHE-/)
    for (const old of ['-tls1_1', '-tls1'])
      expect(await handshake(fixture.port, old)).toMatch(/Cipher is \(NONE\)/)
    const weak = ['-tls1_2', '-cipher', 'AES128-SHA:AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0']
    expect(await handshake(fixture.port, ...weak)).toMatch(/Cipher is \(NONE\)/)
    const { headers } = await ask(`${fixture.url}/healthz`)
    expect(headers['strict-transport-security']).toBe('max-age=31536000')
    const page = await ask(fixture.url, { headers: { accept: 'text/html' } })
    expect(page.headers['set-cookie']?.[0]).toMatch(/^__Host-ocbroker=.*; Secure; SameSite=Lax$/)
  })

  test('does not answer a client that speaks no TLS', async () => {
    const fixture = await startTestBroker({ http: { tls: files } })
    await expect(ask(fixture.url.replace('https:', 'http:'))).rejects.toThrow()
    expect((await ask(`${fixture.url}/healthz`)).status).toBe(200)
  })

  test('loads a new certificate by itself, and keeps the old one while the new one is invalid', async () => {
    const own = temporaryFolder('certificate')
    onTestFinished(own.remove)
    const [certFile, keyFile] = [own.file('portal.pem'), own.file('portal.key')]
    const put = (certificate: string, key: string) => {
      // As certbot and others do it: each file is replaced at once, and one of them comes first.
      copyFileSync(certificate, `${certFile}.new`)
      renameSync(`${certFile}.new`, certFile)
      copyFileSync(key, `${keyFile}.new`)
      renameSync(`${keyFile}.new`, keyFile)
    }
    put(files.cert_file, files.key_file)
    const events: string[] = []
    const keep = (event: string) => void events.push(event)
    const log: Log = { error: keep, warn: keep, info: keep, debug: keep }
    const server = await openHttpServer({
      address: '127.0.0.1',
      port: 0,
      maxBody: 100,
      log,
      tls: { certFile, keyFile, lookEveryMs: 50 },
      connections: { all: 10, perAddress: 10, isProxy: () => false },
      answer: (_request, response) => void response.end('here'),
    })
    onTestFinished(server.stop)
    const name = () => nameShown(server.port)
    expect(await name()).toBe('localhost')

    const next = await makeCertificates(ownFolderFor('next'), 'vpn.example')
    writeFileSync(certFile, 'half of a certific')
    await expect.poll(() => events, { timeout: 5_000 }).toContain('http.certificate_refused')
    expect(await name()).toBe('localhost')
    copyFileSync(next.certificate, certFile)
    await new Promise((resolve) => setTimeout(resolve, 300))
    // Its key is still the old one.
    expect(await name()).toBe('localhost')
    put(next.certificate, next.key)
    await expect.poll(name, { timeout: 5_000 }).toBe('vpn.example')
    expect(events).toContain('http.certificate_replaced')
  })

  function ownFolderFor(purpose: string): TemporaryFolder {
    const own = temporaryFolder(purpose)
    onTestFinished(own.remove)
    return own
  }

  test('does not start with a certificate and another one’s key', async () => {
    const other = await makeCertificates(ownFolderFor('other'))
    const start = startTestBroker({ http: { tls: { ...files, key_file: other.key } } }, () => {})
    await expect(start).rejects.toThrow(/cannot be used for TLS/)
  })
})

/** The name in the certificate that a new connection is shown. */
function nameShown(port: number, minVersion: SecureVersion = 'TLSv1.2'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', minVersion, rejectUnauthorized: false }, () => {
      const { CN } = socket.getPeerCertificate().subject
      resolve(String(CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}
