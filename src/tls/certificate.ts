import { X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { messageOf } from '../domain/errors.ts'

export interface CertificateFiles {
  /** The certificate chain, PEM. */
  readonly certFile: string
  readonly keyFile: string
  /** The authorities that sign the certificates of clients, PEM; absent where clients show none. */
  readonly caFile?: string
}

export interface CertificateFollower {
  /** Takes what the files hold now. */
  readonly replaced: (context: SecureContextOptions) => void
  /** They cannot be used, for example when only one of two has been written yet. */
  readonly refused: (error: unknown) => void
}

const LOOK_EVERY_MS = 10_000

/** TLS 1.2 or newer (RFC 9325 §3.1.1); for TLS 1.2 only ciphers with forward secrecy and authenticated encryption. */
const VERSIONS: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'TLS_AES_128_GCM_SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
  ].join(':'),
  honorCipherOrder: true,
}

/** @throws Error that names the files: one is missing or not PEM, or the key does not match the certificate. */
export async function readCertificate({
  certFile,
  keyFile,
  caFile,
}: CertificateFiles): Promise<SecureContextOptions> {
  const [cert, key, ca] = await Promise.all([
    readFile(certFile),
    readFile(keyFile),
    caFile === undefined ? undefined : readAuthorities(caFile),
  ])
  const context = { ...VERSIONS, cert, key, ca }
  try {
    createSecureContext(context)
  } catch (cause) {
    const why = messageOf(cause)
    throw new Error(`${certFile} and ${keyFile} cannot be used for TLS: ${why}`, { cause })
  }
  return context
}

/** Checks every few seconds whether the files have changed. @returns a function that ends the checking. */
export function followCertificate(
  files: CertificateFiles,
  { replaced, refused }: CertificateFollower,
  everyMs = LOOK_EVERY_MS,
): () => void {
  let known: string | undefined
  const look = async () => {
    const found = await markOf(files)
    if (known === undefined || found === known) {
      known = found
      return
    }
    known = found
    replaced(await readCertificate(files))
  }
  const lookAndTell = () => look().catch(refused)
  void lookAndTell()
  const timer = setInterval(() => void lookAndTell(), everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** OpenSSL takes a file without certificates in silence, and then believes no client. */
async function readAuthorities(caFile: string): Promise<string> {
  const text = await readFile(caFile, 'latin1')
  const certificates = text.match(PEM_CERTIFICATE) ?? []
  try {
    for (const certificate of certificates) new X509Certificate(certificate)
  } catch (cause) {
    throw new Error(`${caFile} holds a certificate that cannot be read: ${messageOf(cause)}`, { cause })
  }
  if (certificates.length === 0) throw new Error(`${caFile} holds no certificate in PEM`)
  return certificates.join('\n')
}

/** A text that changes when a file is written or replaced. */
async function markOf({ certFile, keyFile, caFile }: CertificateFiles): Promise<string> {
  const files = [certFile, keyFile, ...(caFile === undefined ? [] : [caFile])]
  const facts = await Promise.all(files.map((file) => stat(file)))
  return facts.map(({ ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`).join(', ')
}
