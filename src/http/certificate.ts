import { readFile, stat } from 'node:fs/promises'
import type { Server } from 'node:https'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { messageOf } from '../domain/errors.ts'
import type { Log } from '../domain/log.ts'

export interface CertificateFiles {
  /** The certificate chain, PEM. */
  readonly certFile: string
  readonly keyFile: string
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
}: CertificateFiles): Promise<SecureContextOptions> {
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)])
  const context = { ...VERSIONS, cert, key }
  try {
    createSecureContext(context)
  } catch (cause) {
    const why = messageOf(cause)
    throw new Error(`${certFile} and ${keyFile} cannot be used for TLS: ${why}`, { cause })
  }
  return context
}

/**
 * Checks every few seconds whether the files have changed, and uses them for new connections. Files that cannot be
 * used change nothing, for example when only one of the two has been written yet.
 * @returns a function that ends the checking.
 */
export function followCertificate(
  server: Server,
  files: CertificateFiles,
  log: Log,
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
    server.setSecureContext(await readCertificate(files))
    log.info('http.certificate_replaced', { file: files.certFile })
  }
  const lookAndLog = () =>
    look().catch((error: unknown) => log.error('http.certificate_refused', { file: files.certFile, error }))
  void lookAndLog()
  const timer = setInterval(() => void lookAndLog(), everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** A text that changes when either file is written or replaced. */
async function markOf({ certFile, keyFile }: CertificateFiles): Promise<string> {
  const facts = await Promise.all([certFile, keyFile].map((file) => stat(file)))
  return facts.map(({ ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`).join(', ')
}
