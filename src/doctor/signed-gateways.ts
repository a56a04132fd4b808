import type { Gateway } from '../domain/gateway.ts'
import type { GatewayStore } from '../domain/login-records.ts'
import type { Check, Finding } from './finding.ts'

/**
 * Whether the gateways sign what they ask. Without it somebody on the way between can make an accept out of a reject
 * (CVE-2024-3596).
 */
export function checkSignedGateways(
  gateways: readonly Gateway[],
  memory: Pick<GatewayStore, 'authenticating'>,
): Check {
  return async () => {
    const learned = await memory.authenticating()
    return gateways.map(({ name, messageAuthenticator }): Finding => {
      const about = `gateway ${name}`
      if (messageAuthenticator === 'require') return { about, level: 'good', says: 'must sign its requests' }
      if (messageAuthenticator === 'off')
        return {
          ...{ about, level: 'warning', says: 'need not sign its requests' },
          advice: 'with radcli 1.5.0 or newer: message_authenticator: require',
        }
      const peers = learned.filter((key) => key.startsWith(`${name} `)).length
      if (peers > 0)
        return {
          about,
          level: 'good',
          says: `signs its requests, and must from now on (addresses: ${peers})`,
        }
      return {
        ...{ about, level: 'warning', says: 'has signed no request yet, so it need not' },
        advice: 'see docs/gateways.md for an ocserv that signs',
      }
    })
  }
}
