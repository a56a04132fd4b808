import { readFileSync, writeFileSync } from 'node:fs'
import type { TemporaryFolder } from './folder.ts'
import { outputOf, thisMachine } from './process.ts'

/** Files in PEM. */
export interface Certificates {
  readonly authority: string
  readonly authorityPem: string
  readonly certificate: string
  readonly key: string
}

/** An authority, and a certificate that it has signed for one host name. */
export async function makeCertificates(folder: TemporaryFolder, host = 'localhost'): Promise<Certificates> {
  const authority = folder.file('authority.pem')
  const authorityKey = folder.file('authority.key')
  const certificate = folder.file('server.pem')
  const key = folder.file('server.key')
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const openssl = (...args: string[]) => outputOf(thisMachine, 'openssl', args)
  await openssl(
    ...['req', '-x509', ...newKey, '-keyout', authorityKey, '-out', authority],
    ...['-subj', '/CN=An authority for tests', '-days', '2'],
  )
  await openssl(
    ...['req', ...newKey, '-keyout', key, '-out', folder.file('server.csr'), '-subj', `/CN=${host}`],
  )
  writeFileSync(folder.file('server.ext'), `subjectAltName = DNS:${host}\n`)
  await openssl(
    ...['x509', '-req', '-in', folder.file('server.csr'), '-CA', authority, '-CAkey', authorityKey],
    ...['-CAcreateserial', '-days', '2', '-out', certificate, '-extfile', folder.file('server.ext')],
  )
  return { authority, authorityPem: readFileSync(authority, 'utf8'), certificate, key }
}
