import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type { Clock } from '../../domain/clock.ts'
import { messageOf } from '../../domain/errors.ts'
import { type Finding, fault, hint, notApplicable, ok, warning } from '../finding.ts'
import type { GatewayCheck } from './gateway-check.ts'
import type { OcservSettings } from './ocserv-conf.ts'

const DAY_MS = 86_400_000
const SOON_DAYS = 30
const OTHERS = 0o077
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** Whether clients can trust ocserv's certificates. */
export function checkServerCertificate(clock: Pick<Clock, 'now'>): GatewayCheck {
  return async (host) => {
    const { main, vhosts } = await host.conf()
    const found = await Promise.all([main, ...vhosts].map((settings) => ofHost(settings, clock.now())))
    return found.flat().length > 0 ? found.flat() : [notApplicable('server-cert', 'there is none')]
  }
}

async function ofHost(settings: OcservSettings, now: number): Promise<readonly Finding[]> {
  const [file, keyFile] = [settings.last('server-cert'), settings.last('server-key')]
  if (file === undefined || /^(pkcs11|tpmkey|system):/.test(file)) return []
  let chain: readonly X509Certificate[]
  try {
    const text = await readFile(file, 'utf8')
    chain = [...text.matchAll(PEM)].map(([pem]) => new X509Certificate(pem))
  } catch (error) {
    return [fault(file, messageOf(error), 'server-cert = a file in PEM')]
  }
  const [own] = chain
  if (own === undefined) return [fault(file, 'holds no certificate in PEM', 'server-cert = a file in PEM')]
  const findings = [
    ...dates(file, own, now),
    ...names(file, own, settings.vhost),
    ...(keyFile === undefined || /^(pkcs11|tpmkey|system):/.test(keyFile)
      ? []
      : await key(keyFile, own, file)),
  ]
  const [bad] = findings
  if (bad !== undefined) return findings
  if (chain.length === 1 && own.issuer !== own.subject)
    return [
      hint(
        file,
        `holds no certificate of its issuer (${own.issuer.split('\n').at(-1)}): clients that do not know that one refuse it`,
        'append the certificates up to the root',
      ),
    ]
  return [ok(file, `is valid until ${own.validTo}`)]
}

function dates(file: string, { validFrom, validTo }: X509Certificate, now: number): Finding[] {
  const remedy = `renew it, then: occtl reload`
  const days = Math.floor((Date.parse(validTo) - now) / DAY_MS)
  if (Date.parse(validFrom) > now) return [fault(file, `is not valid before ${validFrom}`, remedy)]
  if (Date.parse(validTo) <= now)
    return [fault(file, `expired ${validTo}: clients refuse it, and ocserv starts with it`, remedy)]
  return days < SOON_DAYS ? [warning(file, `expires in ${days} days`, remedy)] : []
}

function names(file: string, own: X509Certificate, vhost: string | undefined): Finding[] {
  if (vhost === undefined || own.checkHost(vhost) !== undefined) return []
  return [
    warning(
      file,
      `is for ${own.subjectAltName ?? own.subject}, not for ${vhost}`,
      `a certificate for ${vhost}`,
    ),
  ]
}

async function key(file: string, own: X509Certificate, certificate: string): Promise<readonly Finding[]> {
  try {
    const privateKey = createPrivateKey(await readFile(file))
    if (!own.checkPrivateKey(privateKey))
      return [
        fault(
          file,
          `is not the key of ${certificate}: no TLS connection succeeds`,
          'server-key = its own key',
        ),
      ]
    const { mode } = await stat(file)
    return (mode & OTHERS) === 0
      ? []
      : [warning(file, 'can be read by others than its owner', `chmod 600 ${file}`)]
  } catch (error) {
    return [fault(file, messageOf(error), 'server-key = a key in PEM without a passphrase')]
  }
}
