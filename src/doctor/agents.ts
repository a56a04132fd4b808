import { AGENT_PROTOCOL, type Agent, type AgentStore, isSilent } from '../domain/agent.ts'
import type { Clock } from '../domain/clock.ts'
import { type Check, type Finding, fault, ok, warning } from './finding.ts'

/**
 * The agents beside the gateways, with their last news.
 * @param gateways of the configuration. @param version of this program.
 */
export function checkAgents(
  agents: Pick<AgentStore, 'list'>,
  gateways: readonly string[],
  version: string,
  clock: Pick<Clock, 'now'>,
): Check {
  return async () => {
    const now = clock.now()
    return (await agents.list()).flatMap((agent) => findingOf(agent, gateways, version, now) ?? [])
  }
}

function findingOf(
  agent: Agent,
  gateways: readonly string[],
  version: string,
  now: number,
): Finding | undefined {
  const { gateway, host, protocol, token, sessions, ocservVersion } = agent
  const about = host === '' ? `agent of ${gateway}` : `agent of ${gateway} at ${host}`
  const heard = new Date(agent.heardAt).toISOString()
  if (!gateways.includes(gateway))
    return warning(
      about,
      `the configuration has no gateway ${gateway}; last heard ${heard}`,
      `revoke its token: ocbroker token revoke ${token}`,
    )
  if (protocol !== AGENT_PROTOCOL) {
    const says = `speaks another version of the agent's protocol (${protocol}, and this broker ${AGENT_PROTOCOL}) and was refused ${heard}`
    const advice = 'run the agent of the same version as the broker'
    // It was replaced, or it would come again.
    return isSilent(agent, now) ? undefined : fault(about, says, advice)
  }
  if (isSilent(agent, now))
    return warning(
      about,
      `was last heard ${heard}: nobody ends sessions there, and sessions are as accounting tells them`,
      'look at the agent’s log on the gateway, and whether the gateway reaches the broker',
    )
  if (agent.version !== version)
    return warning(
      about,
      `is version ${agent.version}, and this program ${version}`,
      'run the same version at the gateway when you can',
    )
  return ok(
    about,
    `last heard ${heard}, sessions: ${sessions}, ocserv ${ocservVersion ?? 'of unknown version'}`,
  )
}
