import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Certificates, makeCertificates } from '../real/certificates.ts'
import { temporaryFolder } from '../real/folder.ts'
import { configOf, GATEWAY, load } from './loading.ts'

const made = temporaryFolder('audit-certificates')
const other = temporaryFolder('other-certificates')
let certificates: Certificates
let others: Certificates
beforeAll(async () => {
  certificates = await makeCertificates(made)
  others = await makeCertificates(other)
})
afterAll(async () => {
  await made.remove()
  await other.remove()
})

const KEY = `whsec_${Buffer.alloc(32, 1).toString('base64')}`

const loadAudit = (audit: object, key = KEY) =>
  load(`${GATEWAY}\naudit: ${JSON.stringify(audit)}\n`, (folder) => {
    writeFileSync(folder.file('key'), `${key}\n`, { mode: 0o600 })
  })
const problemsOf = async (audit: object, key?: string) => {
  const loaded = await loadAudit(audit, key)
  const all = 'faults' in loaded ? loaded.faults : loaded.warnings
  return all.map(({ path, problem }) => `${path} ${problem}`)
}
const syslog = (url: string, more: object = {}) => ({ syslog: [{ name: 'siem', url, ...more }] })
const webhook = (more: object = {}) => ({
  webhook: [{ name: 'soc', url: 'https://soc.example.org/x', secret_file: 'key', ...more }],
})

test('the trail is sent nowhere, and the log is the broker’s own, where nothing is said', async () => {
  const { audit, log } = await configOf(GATEWAY)
  expect(audit).toEqual({ syslog: [], webhook: [] })
  expect(log.format).toBe('json')
})

test('receivers have the ports of the RFCs, and their files are read', async () => {
  const tls = {
    ca_file: certificates.authority,
    cert_file: certificates.certificate,
    key_file: certificates.key,
  }
  const loaded = await loadAudit({ ...syslog('tls://[2001:db8::1]', { tls }), ...webhook() })
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
  const [siem] = loaded.config.audit.syslog
  expect(siem).toMatchObject({ transport: 'tls', host: '2001:db8::1', port: 6514, facility: 'authpriv' })
  expect(siem?.tls?.authorities).toBe(certificates.authorityPem)
  const [soc] = loaded.config.audit.webhook
  expect(soc).toMatchObject({ url: 'https://soc.example.org/x', batch: 100 })
  expect(soc?.secret.reveal()).toBe(KEY)
  expect(JSON.stringify(loaded.config.audit)).not.toContain('PRIVATE KEY')
})

test('every fault is told at once', async () => {
  const tls = { cert_file: certificates.certificate, key_file: others.key }
  const faults = await problemsOf({
    syslog: [
      { name: 'log', url: 'syslog://host' },
      { name: 'siem', url: 'tls://host', tls },
      { name: 'siem', url: 'tcp://127.0.0.1', tls: { cert_file: certificates.certificate } },
    ],
    webhook: [{ name: 'soc', url: 'https://user:pass@host/', secret_file: 'none' }],
  })
  expect(faults).toEqual([
    'audit.syslog[0].url is not an address of a syslog server',
    'audit.webhook[0].url holds a password',
    'audit.syslog[0].name log is the name of the log itself',
    'audit.syslog[2].name siem is already the name of audit.syslog[1]',
    'audit.syslog[2].tls has a cert_file and no key_file',
    'audit.syslog[2].tls has no meaning without TLS',
    'audit.syslog[1].tls.key_file is not the key of cert_file',
    expect.stringMatching(/^audit\.webhook\[0\]\.secret_file .*there is no such file$/),
  ])
})

test.each(['a-good-secret', 'whsec_', 'whsec_AAAA', `whsec_${'!'.repeat(44)}`])(
  'the webhook’s key is none: %s',
  async (key) => {
    const [problem, ...more] = await problemsOf(webhook(), key)
    expect(problem).toBe('audit.webhook[0].secret_file holds no key of a webhook')
    expect(more).toEqual([])
  },
)

test('what crosses the network without TLS is warned of', async () => {
  const warned = ['audit.syslog[0].url sends names and addresses of users across the network unencrypted']
  expect(await problemsOf(syslog('udp://192.0.2.5'))).toEqual(warned)
  expect(await problemsOf(syslog('tcp://localhost'))).toEqual([])
  expect(await problemsOf(webhook({ url: 'http://soc.example.org/' }))).toHaveLength(1)
})
