import type { Config } from '../config/schema.ts'
import type { AgentGateway } from '../domain/agent.ts'

/** What agents and orders need of the gateways. */
export function agentGatewaysOf({ gateways }: Pick<Config, 'gateways'>): readonly AgentGateway[] {
  return gateways.map(({ name, networks, hosts, disconnect }) => ({
    ...{ name, networks, hosts },
    takesDisconnect: disconnect !== undefined,
  }))
}
