import type { Clock } from '../../domain/clock.ts'
import { type CertificateWords, examineCertificate } from '../certificate-files.ts'
import { type Finding, notApplicable } from '../finding.ts'
import type { GatewayCheck } from './gateway-check.ts'
import type { OcservSettings } from './ocserv-conf.ts'

const WORDS: CertificateWords = {
  renew: 'renew it, then: occtl reload',
  expired: 'clients refuse it, and ocserv starts with it',
  certFile: 'server-cert = a file in PEM',
  keyFile: 'server-key = its own key, in PEM without a passphrase',
  soonDays: 30,
  tooOpen: 0o077,
}

/** Whether clients can trust ocserv's certificates. */
export function checkServerCertificate(clock: Pick<Clock, 'now'>): GatewayCheck {
  return async (host) => {
    const { main, vhosts } = await host.conf()
    const found = await Promise.all([main, ...vhosts].map((settings) => ofHost(settings, clock.now())))
    return found.flat().length > 0 ? found.flat() : [notApplicable('server-cert', 'there is none')]
  }
}

async function ofHost(settings: OcservSettings, now: number): Promise<readonly Finding[]> {
  const certFile = fileOf(settings, 'server-cert')
  if (certFile === undefined) return []
  const files = { certFile, keyFile: fileOf(settings, 'server-key'), name: settings.vhost }
  return examineCertificate(files, WORDS, now)
}

/** Undefined for what lies in a token or a chip. */
function fileOf(settings: OcservSettings, key: string): string | undefined {
  const value = settings.last(key)
  return value === undefined || /^(pkcs11|tpmkey|system):/.test(value) ? undefined : value
}
