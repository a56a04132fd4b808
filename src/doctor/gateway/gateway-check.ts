import type { Finding } from '../finding.ts'
import type { GatewayHost } from './gateway-host.ts'

/** Looks at one thing on the host of a gateway and changes nothing. May reject: then it could not look. */
export type GatewayCheck = (host: GatewayHost) => Promise<readonly Finding[]>

/** Without what the broker expects there is nothing to compare with. */
export const NO_EXPECTATION = 'needs --expect FILE or --broker to compare with'
/** Another check names the cause. */
export const NO_RADIUS = 'ocserv asks no RADIUS server'
