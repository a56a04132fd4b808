import type { Clock } from '../domain/clock.ts'
import { type CertificateFiles, examineCertificate } from './certificate-files.ts'
import type { Check } from './finding.ts'

const WORDS = {
  renew: 'replace it: the broker reads the new one by itself',
  certFile: 'tls.cert_file: a file in PEM that the broker’s account can read',
  keyFile: 'tls.key_file: its own key, in PEM without a passphrase, that the broker’s account can read',
  soonDays: 21,
  // A group may be there for it, as for secrets.
  tooOpen: 0o007,
}

/** Whether clients can trust the certificate that the broker shows, and the broker use it. */
export function checkCertificate(files: CertificateFiles, clock: Pick<Clock, 'now'>): Check {
  return () => examineCertificate(files, WORDS, clock.now())
}
