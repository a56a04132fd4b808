import { readFile, stat } from 'node:fs/promises'
import type { Server } from 'node:https'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Log } from '../domain/log.ts'

export interface CertificateFiles {
  /** The certificate and those that lead to its root, PEM. */
  readonly certFile: string
  readonly keyFile: string
}

const LOOK_EVERY_MS = 10_000

/** TLS 1.2 or newer (RFC 9325 §3.1.1); what TLS 1.2 offers is left to forward secrecy and authenticated encryption. */
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

/** @throws Error that names the file: not there, not PEM, or a key that does not belong to the certificate. */
export async function readCertificate({
  certFile,
  keyFile,
}: CertificateFiles): Promise<SecureContextOptions> {
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)])
  const context = { ...VERSIONS, cert, key }
  try {
    createSecureContext(context)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${certFile} and ${keyFile} cannot be used for TLS: ${why}`, { cause })
  }
  return context
}

/**
 * Looks every few seconds whether the files are others than before, and takes them on for new connections; files that
 * cannot be used, as when one of the two is not written yet, change nothing.
 * @returns what ends the looking.
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
  const lookOrSay = () =>
    look().catch((error: unknown) => log.error('http.certificate_refused', { file: files.certFile, error }))
  void lookOrSay()
  const timer = setInterval(() => void lookOrSay(), everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** Differs where either file was written or replaced. */
async function markOf({ certFile, keyFile }: CertificateFiles): Promise<string> {
  const facts = await Promise.all([certFile, keyFile].map((file) => stat(file)))
  return facts.map(({ ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`).join(', ')
}
