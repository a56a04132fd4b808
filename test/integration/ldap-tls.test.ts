import { copyFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { Unavailable } from '../../src/domain/errors.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { LdapOptions } from '../../src/identity/ldap/options.ts'
import { corpForTest } from '../identity/corp.ts'
import { type Certificates, makeCertificates } from '../real/certificates.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'
import { startLdapDouble } from '../real/hostile-ldap.ts'
import { describeWith } from '../real/needs.ts'
import {
  ADMIN,
  ADMIN_PASSWORD,
  PEOPLE,
  person,
  SLAPD_NEEDS,
  type Slapd,
  type SlapdOptions,
  startSlapd,
} from '../real/slapd.ts'

describeWith(SLAPD_NEEDS, 'LDAP under TLS', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd
  let strict: Slapd
  let folder: TemporaryFolder
  let stranger: Certificates

  async function start(options: SlapdOptions): Promise<Slapd> {
    const started = await startSlapd({ tls: true, entries: [person('bob', 'right')], ...options })
    resources.defer(started.stop)
    return started
  }

  beforeAll(async () => {
    slapd = await start({ demandsTls: true })
    strict = await start({ demandsCertificate: true })
    folder = temporaryFolder('stranger')
    resources.defer(folder.remove)
    stranger = await makeCertificates(folder)
  })

  afterAll(() => resources.disposeAsync())

  const open = (url: string, tls: LdapOptions['tls'], options: Partial<LdapOptions> = {}) =>
    corpForTest({
      urls: [url],
      user_base: PEOPLE,
      bind_dn: ADMIN,
      bind_password: new Secret(ADMIN_PASSWORD),
      ...options,
      tls: tls ?? {},
    })

  const trusted = () => ({ ca_file: slapd.certificates.authority })

  test('is spoken from the first octet or on request', async () => {
    expect(await open(slapd.tlsUrl, trusted()).login('bob', 'right')).toMatchObject({ kind: 'right' })
    const onRequest = open(slapd.url, { ...trusted(), start_tls: true })
    expect(await onRequest.login('bob', 'right')).toMatchObject({ kind: 'right' })
    expect(await onRequest.login('bob', 'wrong')).toMatchObject({ kind: 'wrong' })
  })

  test('is not done without where the server demands it', async () => {
    await expect(open(slapd.url, {}).login('bob', 'right')).rejects.toThrow('13 confidentiality required')
  })

  test('ends where an authority signed the certificate that is not trusted', async () => {
    for (const url of [slapd.tlsUrl, slapd.url]) {
      const corp = open(url, { ca_file: stranger.authority, start_tls: true })
      await expect(corp.login('bob', 'right')).rejects.toThrow(
        `not signed by an authority in ${stranger.authority}`,
      )
    }
    await expect(open(slapd.tlsUrl, {}).login('bob', 'right')).rejects.toThrow('not signed by an authority')
  })

  test('ends where the certificate is for another name', async () => {
    const byAddress = slapd.tlsUrl.replace('localhost', '127.0.0.1')
    await expect(open(byAddress, trusted()).login('bob', 'right')).rejects.toThrow(
      'its certificate is for DNS:localhost, not for 127.0.0.1',
    )
    await expect(
      open(slapd.url, { ...trusted(), start_tls: true, server_name: 'dc1.corp' }).login('bob', 'x'),
    ).rejects.toThrow('not for dc1.corp')
    const named = open(byAddress, { ...trusted(), server_name: 'localhost' })
    expect(await named.login('bob', 'right')).toMatchObject({ kind: 'right' })
  })

  test('shows a certificate of the broker’s own', async () => {
    const { authority, certificate, key } = strict.certificates
    const caFile = authority
    await expect(open(strict.tlsUrl, { ca_file: caFile }).login('bob', 'right')).rejects.toThrow(Unavailable)
    const known = open(strict.tlsUrl, { ca_file: caFile, cert_file: certificate, key_file: key })
    expect(await known.login('bob', 'right')).toMatchObject({ kind: 'right' })
    const unknown = open(strict.tlsUrl, {
      ca_file: caFile,
      cert_file: stranger.certificate,
      key_file: stranger.key,
    })
    await expect(unknown.login('bob', 'right')).rejects.toThrow(Unavailable)
  })

  test('is 1.2 or newer', async () => {
    const { certificates } = slapd
    const old = await startLdapDouble({ answer: () => {}, tls: true, certificates, maxVersion: 'TLSv1.1' })
    onTestFinished(old.stop)
    await expect(open(old.url, trusted()).login('bob', 'right')).rejects.toThrow(/TLS failed|protocol/)
    const newer = await startLdapDouble({ answer: () => {}, tls: true, certificates, maxVersion: 'TLSv1.2' })
    onTestFinished(newer.stop)
    const corp = open(newer.url, { ...trusted(), min_version: 'TLSv1.3' })
    await expect(corp.login('bob', 'right')).rejects.toThrow(/TLS failed|protocol/)
    expect(newer.requests).toEqual([])
  })

  test('goes by files that are read again when they change, in both directions', async () => {
    const caFile = folder.file('changing.pem')
    copyFileSync(stranger.authority, caFile)
    const corp = open(slapd.tlsUrl, { ca_file: caFile }, { deadlines: { retryDownMs: 200 } })
    await expect(corp.login('bob', 'right')).rejects.toThrow('not signed')
    const answers = (kind: string) =>
      expect
        .poll(
          () =>
            corp.login('bob', 'right').then(
              (answer) => answer.kind,
              () => 'unavailable',
            ),
          { timeout: 6000, interval: 100 },
        )
        .toBe(kind)
    copyFileSync(slapd.certificates.authority, caFile)
    await answers('right')
    // Connections that were made with the older file are not used again.
    copyFileSync(stranger.authority, caFile)
    await sleep(1100)
    await expect(corp.login('bob', 'right')).rejects.toThrow('not signed')
  })

  test('keeps to the files that it has read where new ones make no sense', async () => {
    const caFile = folder.file('spoilt.pem')
    copyFileSync(slapd.certificates.authority, caFile)
    const { certificate, key } = strict.certificates
    const certFile = folder.file('cert.pem')
    copyFileSync(certificate, certFile)
    const corp = open(slapd.tlsUrl, { ca_file: caFile, cert_file: certFile, key_file: key })
    expect(await corp.login('bob', 'right')).toMatchObject({ kind: 'right' })
    // Another's certificate does not go with this key.
    copyFileSync(stranger.certificate, certFile)
    await sleep(1100)
    expect(await corp.login('bob', 'right')).toMatchObject({ kind: 'right' })
    expect(corp.events.map(({ event }) => event)).toContain('ldap.tls_files_unusable')
  })

  test('names files that cannot be read', async () => {
    await expect(open(slapd.tlsUrl, { ca_file: '/nowhere/ca.pem' }).login('bob', 'right')).rejects.toThrow(
      '/nowhere/ca.pem: ENOENT',
    )
  })
})
