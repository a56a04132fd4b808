import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { messageOf } from '../domain/errors.ts'
import { type Finding, fault, hint, ok, warning } from './finding.ts'

/** A certificate with its key, as a server uses them. */
export interface CertificateFiles {
  /** The certificate and those up to the root, PEM. */
  readonly certFile: string
  /** Absent where it cannot be read as a file. */
  readonly keyFile?: string
  /** The name or address that clients connect to; absent: not known. */
  readonly name?: string
}

/** What is said of them. */
export interface CertificateWords {
  /** What to do about one that ends. */
  readonly renew: string
  /** What else comes of one that has ended. */
  readonly expired?: string
  /** What to write where the files are named. */
  readonly certFile: string
  readonly keyFile: string
  /** Days before its end from which it is a finding. */
  readonly soonDays: number
  /** Permissions of the key that are a finding. */
  readonly tooOpen: number
}

const DAY_MS = 86_400_000
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** Whether clients can trust the certificate, and the server use it. @param now wall milliseconds. */
export async function examineCertificate(
  { certFile, keyFile, name }: CertificateFiles,
  words: CertificateWords,
  now: number,
): Promise<readonly Finding[]> {
  let chain: readonly X509Certificate[]
  try {
    const text = await readFile(certFile, 'utf8')
    chain = [...text.matchAll(PEM)].map(([pem]) => new X509Certificate(pem))
  } catch (error) {
    return [fault(certFile, messageOf(error), words.certFile)]
  }
  const [own] = chain
  if (own === undefined) return [fault(certFile, 'holds no certificate in PEM', words.certFile)]
  const findings = [
    ...dates(certFile, own, words, now),
    ...names(certFile, own, name),
    ...(keyFile === undefined ? [] : await key(keyFile, own, certFile, words)),
  ]
  if (findings.length > 0) return findings
  if (chain.length === 1 && own.issuer !== own.subject)
    return [
      hint(
        certFile,
        `holds no certificate of its issuer (${own.issuer.split('\n').at(-1)}): clients that do not know that one refuse it`,
        'append the certificates up to the root',
      ),
    ]
  return [ok(certFile, `is valid until ${own.validTo}`)]
}

function dates(
  file: string,
  { validFrom, validTo }: X509Certificate,
  { renew, expired = 'clients refuse it', soonDays }: CertificateWords,
  now: number,
): Finding[] {
  const days = Math.floor((Date.parse(validTo) - now) / DAY_MS)
  if (Date.parse(validFrom) > now) return [fault(file, `is not valid before ${validFrom}`, renew)]
  if (Date.parse(validTo) <= now) return [fault(file, `expired ${validTo}: ${expired}`, renew)]
  return days < soonDays ? [warning(file, `expires in ${days} days`, renew)] : []
}

function names(file: string, own: X509Certificate, name: string | undefined): Finding[] {
  if (name === undefined) return []
  const matches = isIP(name) === 0 ? own.checkHost(name) : own.checkIP(name)
  if (matches !== undefined) return []
  const says = `is for ${own.subjectAltName ?? own.subject}, not for ${name}`
  return [warning(file, says, `a certificate for ${name}`)]
}

async function key(
  file: string,
  own: X509Certificate,
  certificate: string,
  { keyFile: remedy, tooOpen }: CertificateWords,
): Promise<readonly Finding[]> {
  try {
    const privateKey = createPrivateKey(await readFile(file))
    if (!own.checkPrivateKey(privateKey))
      return [fault(file, `is not the key of ${certificate}: no TLS connection succeeds`, remedy)]
    const { mode } = await stat(file)
    return (mode & tooOpen) === 0
      ? []
      : [warning(file, 'can be read by others than its owner', `chmod 600 ${file}`)]
  } catch (error) {
    return [fault(file, messageOf(error), remedy)]
  }
}
