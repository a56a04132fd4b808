import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Runtime } from '../domain/runtime.ts'
import { LogThrottle } from '../pacing/log-throttle.ts'

/** Why a connection did not come about, and what the operator can do: stable words, found in the log and in docs/log.md. */
const REMEDIES = {
  unknown_address: 'no gateway with a certificate has this address: add it to gateways[].address',
  too_many_connections: 'raise radius.tls.max_connections, or see why the gateway opens so many',
  too_many_handshakes: 'too many clients connect at once and do not show who they are',
  handshake_timeout: 'the client did not finish the TLS handshake: does it speak TLS, and to this port?',
  handshake_failed:
    'the TLS handshake failed: does the client speak TLS 1.2 or newer, trust the authority of radius.tls.cert_file, and expect a name that it holds?',
  no_common_version: 'the client and radius.tls.versions have no version of RADIUS in common',
  needs_tls_1_3: 'RADIUS/1.1 needs TLS 1.3 (RFC 9765 §3.5)',
  no_certificate: 'the client showed no certificate: give it one that radius.tls.ca_file has signed',
  untrusted_certificate:
    'the certificate is expired, not for clients, or not signed by an authority of radius.tls.ca_file',
  unknown_certificate: 'name the certificate in gateways[].certificate',
  foreign_address: 'the gateway of this certificate has other addresses: add this one to gateways[].address',
} as const

export interface Refused {
  readonly refused: keyof typeof REMEDIES
  readonly source: string
  readonly detail?: string
}

/** Counts every connection that is refused, and logs each reason and source once a minute. */
export class TlsRefusals {
  readonly #options: Pick<Runtime, 'log' | 'metrics'>
  readonly #throttle: LogThrottle

  constructor(options: Pick<Runtime, 'clock' | 'log' | 'metrics'>) {
    this.#options = options
    this.#throttle = new LogThrottle(options)
  }

  refuse(socket: Socket, { refused, source: peer, detail }: Refused): void {
    const { log, metrics } = this.#options
    metrics.tlsRefused(refused)
    this.#throttle.tell(`${refused} ${peer}`, (before) =>
      log.warn('tls.refused', { reason: refused, peer, detail, hint: REMEDIES[refused], before }),
    )
    socket.destroy()
  }
}

const MAX_SHOWN = 300

/** What the operator may write into the configuration. Its authority has signed it, so its names are no stranger's. */
export function describeCertificate({ subjectAltName = '', fingerprint256 }: X509Certificate): string {
  return `sha256:${fingerprint256}, ${subjectAltName.slice(0, MAX_SHOWN) || 'no subject alternative name'}`
}
