import type { CertificateName } from '../../domain/gateway.ts'
import { parseAddress } from '../../domain/network.ts'
import { echo, pathText, ValueError } from '../../schema/config-error.ts'
import { fromText } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'

/** Labels as in a certificate: ASCII, international names in their own encoding (RFC 9525 §2.2), no wildcard. */
const DNS_NAME = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i
const PIN = /^sha256:((?:[0-9a-f]{2}:?){32})$/i

/** A name or an address among the subject alternative names, or `sha256:` and the fingerprint. */
export function certificateName() {
  return fromText(readCertificateName)
}

function readCertificateName(value: string): CertificateName | ValueError {
  const [, digits] = PIN.exec(value) ?? []
  if (digits !== undefined) return { kind: 'sha256', name: digits.replaceAll(':', '').toLowerCase() }
  const address = parseAddress(value)
  if (address !== undefined) return { kind: 'ip', name: address.toString() }
  if (DNS_NAME.test(value) && /[a-z]/i.test(value)) return { kind: 'dns', name: value.toLowerCase() }
  return new ValueError(
    `${echo(value)} is not a name in a certificate`,
    'write a DNS name or an address of its subjectAltName, or sha256:… as openssl x509 -noout -fingerprint -sha256 prints it',
  )
}

interface CertifiedGateway {
  readonly name?: string
  readonly certificate?: readonly (CertificateName | undefined)[]
  readonly nas_identifier?: readonly (string | undefined)[]
}

/** Gateways may share a certificate, as those behind a proxy do, if each request shows by its NAS-Identifier whose it is. */
export function checkCertificates(
  gateways: readonly (PartialConfig<CertifiedGateway> | undefined)[],
  diagnostics: Diagnostics,
): void {
  const owners = new Map<string, { readonly index: number; readonly label: string }>()
  for (const [index, gateway] of gateways.entries()) {
    const path = ['gateways', index, 'certificate']
    const label = gateway?.name ?? pathText(['gateways', index])
    for (const each of gateway?.certificate ?? []) {
      if (each?.name === undefined) continue
      for (const identifier of gateway?.nas_identifier ?? [undefined]) {
        const key = `${each.kind} ${each.name} ${identifier ?? ''}`
        const owner = owners.get(key)
        if (owner?.index === index) diagnostics.fault(path, `${each.name} is given twice`, 'keep one')
        else if (owner !== undefined)
          diagnostics.fault(
            path,
            `${each.name} belongs to gateway ${owner.label} and to gateway ${label}`,
            'give it to one of them, or give each its nas_identifier',
          )
        else owners.set(key, { index, label })
      }
    }
    if (gateway?.certificate !== undefined && !diagnostics.given(['radius', 'tls']))
      diagnostics.fault(
        path,
        'needs radius.tls, where gateways connect',
        'add radius.tls with its port and files',
      )
  }
}
