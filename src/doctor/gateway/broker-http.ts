import { notApplicable } from '../finding.ts'
import type { GatewayCheck } from './gateway-check.ts'

/** Whether the running broker says what it expects of this gateway. */
export const checkBrokerHttp: GatewayCheck = async ({ brokerAnswer }) => [
  brokerAnswer ?? notApplicable('broker', 'is asked with --broker URL --name NAME --token-file FILE'),
]
