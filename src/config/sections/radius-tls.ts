import { resolve } from 'node:path'
import { z } from 'zod'
import { address, duration, filePath, oneOrMany } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'

/** RadSec: RADIUS over TLS (RFC 6614). Absent: no such connections. */
export const radiusTlsSchema = z.strictObject({
  /** As those for UDP where absent. */
  address: oneOrMany(address()).optional(),
  /** 0: any free port. */
  port: z.int().min(0).max(65_535).default(2083),
  cert_file: filePath(),
  key_file: filePath(),
  /** The authorities that sign the certificates of gateways. */
  ca_file: filePath(),
  /** By the names that TLS negotiates them by (RFC 9765 §3). */
  versions: oneOrMany(z.enum(['radius/1.0', 'radius/1.1'])).default(['radius/1.0', 'radius/1.1']),
  max_connections: z.int().min(1).max(100_000).default(1000),
  /** A connection without requests for so long is closed. TCP itself finds those whose gateway is gone. */
  idle: duration({ min: '10s', max: '365d' }).default(7 * 86_400_000),
})

type Parsed = z.output<typeof radiusTlsSchema>

export function checkRadiusTls(
  tls: PartialConfig<Parsed>,
  http: { readonly address?: string; readonly port?: number } | undefined,
  ownAddresses: readonly (string | undefined)[],
  diagnostics: Diagnostics,
): void {
  const addresses = tls.address ?? ownAddresses
  const isShared = addresses.some((each) => each === http?.address || isAny(each) || isAny(http?.address))
  if (tls.port !== undefined && tls.port !== 0 && tls.port === http?.port && isShared)
    diagnostics.fault(['radius', 'tls', 'port'], `http has port ${tls.port} too`, 'write 2083')
  const gateways = diagnostics.at(['gateways'])
  const isUsed =
    Array.isArray(gateways) && gateways.some((_, index) => isKnownByCertificate(index, diagnostics))
  if (!isUsed)
    diagnostics.warn(
      ['radius', 'tls'],
      'no gateway has a certificate, so every connection is refused',
      'name the certificate of each gateway in gateways[].certificate',
    )
}

export function isKnownByCertificate(gateway: number, diagnostics: Diagnostics): boolean {
  return diagnostics.given(['gateways', gateway, 'certificate'])
}

function isAny(address: string | undefined): boolean {
  return address === '::' || address === '0.0.0.0'
}

export function resolveRadiusTls(parsed: Parsed, ownAddresses: readonly string[], folder: string) {
  return {
    addresses: parsed.address ?? ownAddresses,
    port: parsed.port,
    certFile: resolve(folder, parsed.cert_file),
    keyFile: resolve(folder, parsed.key_file),
    caFile: resolve(folder, parsed.ca_file),
    versions: parsed.versions.map((name) => (name === 'radius/1.1' ? ('1.1' as const) : ('1.0' as const))),
    maxConnections: parsed.max_connections,
    idleMs: parsed.idle,
  }
}
