import type { Secret } from '../../domain/secret.ts'

/** By what a receiver is checked, and the broker shows itself, in PEM. */
export interface SinkTls {
  /** Absent: the system's. */
  readonly authorities?: string
  readonly certificate?: string
  readonly key?: Secret
  /** The name in the receiver's certificate, if it is not the host's. */
  readonly serverName?: string
}

/** The same in Node's words. */
export function optionsOf({ authorities, certificate, key, serverName }: SinkTls = {}) {
  return {
    ca: authorities,
    cert: certificate,
    key: key?.reveal(),
    ...(serverName !== undefined && { servername: serverName }),
    minVersion: 'TLSv1.2' as const,
  }
}
