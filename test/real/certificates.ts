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

/** Files in PEM. */
export interface IssuedCertificate {
  readonly certificate: string
  readonly key: string
}

export interface Authority {
  /** Its certificate, in PEM. */
  readonly file: string
  /**
   * Signs a certificate. @param name of its files, and its common name. @param subjectAltName as `DNS:gw1.example`.
   * @param extensions more of them, as `extendedKeyUsage = serverAuth`.
   */
  issue(name: string, subjectAltName: string, ...extensions: readonly string[]): Promise<IssuedCertificate>
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
const openssl = (...args: string[]) => outputOf(thisMachine, 'openssl', args)

export async function makeAuthority(folder: TemporaryFolder, name = 'authority'): Promise<Authority> {
  const [file, authorityKey] = [folder.file(`${name}.pem`), folder.file(`${name}.key`)]
  await openssl(
    ...['req', '-x509', ...NEW_KEY, '-keyout', authorityKey, '-out', file],
    ...['-subj', '/CN=An authority for tests', '-days', '2'],
  )
  return {
    file,
    async issue(issued, subjectAltName, ...extensions) {
      const of = (ending: string) => folder.file(`${issued}.${ending}`)
      await openssl('req', ...NEW_KEY, '-keyout', of('key'), '-out', of('csr'), '-subj', `/CN=${issued}`)
      writeFileSync(of('ext'), [`subjectAltName = ${subjectAltName}`, ...extensions, ''].join('\n'))
      await openssl(
        ...['x509', '-req', '-in', of('csr'), '-CA', file, '-CAkey', authorityKey, '-CAcreateserial'],
        ...['-days', '2', '-out', of('pem'), '-extfile', of('ext')],
      )
      return { certificate: of('pem'), key: of('key') }
    },
  }
}

/** An authority, and a certificate that it has signed for one host name. */
export async function makeCertificates(folder: TemporaryFolder, host = 'localhost'): Promise<Certificates> {
  const authority = await makeAuthority(folder)
  const { certificate, key } = await authority.issue(host, `DNS:${host}`)
  return {
    authority: authority.file,
    authorityPem: readFileSync(authority.file, 'utf8'),
    certificate,
    key,
  }
}
