import type { Clock } from '../domain/clock.ts'
import { clientOf, type Gateway, UNSIGNED_IS_NEWS_MS } from '../domain/gateway.ts'
import type { GatewayStore } from '../domain/login-records.ts'
import { type Check, type Finding, fault, hint, ok } from './finding.ts'

/**
 * Whether the gateways sign their requests. Otherwise an attacker on the network can turn a reject into an accept
 * (CVE-2024-3596).
 */
export function checkSignedGateways(
  gateways: readonly Gateway[],
  memory: Pick<GatewayStore, 'signing'>,
  clock: Pick<Clock, 'now'>,
): Check {
  return async () => {
    const signing = await memory.signing()
    return gateways.map(({ name, messageAuthenticator }): Finding => {
      const about = `gateway ${name}`
      if (messageAuthenticator === 'require') return ok(about, 'must sign its requests')
      if (messageAuthenticator === 'off')
        return hint(
          about,
          'need not sign its requests',
          'with radcli 1.5.0 or newer: message_authenticator: require',
        )
      const clients = signing.filter(({ key }) => clientOf(key).gateway === name)
      const since = clock.now() - UNSIGNED_IS_NEWS_MS
      const unsigned = clients.find(({ unsignedAt = 0 }) => unsignedAt > since)
      if (unsigned !== undefined) {
        const { address, nasIdentifier } = clientOf(unsigned.key)
        const who = nasIdentifier === undefined ? address : `${address}, NAS-Identifier ${nasIdentifier}`
        return fault(
          about,
          `signed its requests before and does not now (${who}): its logins are dropped`,
          'upgrade its radcli to 1.5.0 or newer, or set message_authenticator: off for it and reload; if it does sign, somebody forges its requests',
        )
      }
      if (clients.length > 0)
        return ok(about, `signs its requests, and must from now on (clients: ${clients.length})`)
      return hint(
        about,
        'has signed no request yet, so it need not',
        'see docs/gateways.md for an ocserv that signs',
      )
    })
  }
}
