import type { Config } from '../config/schema.ts'

/** The TCP sockets for RadSec that a configuration asks for. */
export function tlsPlacesOf({ tls }: Config['radius']) {
  return (tls?.addresses ?? []).map((address) => ({ address, port: tls?.port ?? 0 }))
}

/** The UDP sockets that a configuration asks for. */
export function placesOf({ addresses, authPort, acctPort }: Config['radius']) {
  return addresses.flatMap((address) => [
    { service: 'auth' as const, address, port: authPort },
    { service: 'acct' as const, address, port: acctPort },
  ])
}
