import { AGENT_PROTOCOL, type AgentStore } from '../../domain/agent.ts'
import type { Clock } from '../../domain/clock.ts'
import { Problem } from '../problem.ts'
import type { Call } from './call.ts'

interface Spoken {
  readonly call: Call
  readonly agents: Pick<AgentStore, 'note'>
  readonly clock: Clock
  /** What the agent says of itself. */
  readonly said?: { readonly host: string; readonly version: string }
}

/**
 * Refuses an agent that speaks another version of the protocol, and keeps for `doctor` that it did.
 * @param version as the agent says. @throws Problem `conflict`
 */
export async function refuseOtherProtocol(
  version: string | number | undefined,
  { call, agents, clock, said = { host: '', version: 'unknown' } }: Spoken,
): Promise<void> {
  if (String(version) === String(AGENT_PROTOCOL)) return
  const protocol = Number.isSafeInteger(Number(version)) ? Number(version) : 0
  const { name: token } = call.caller
  const gateway = call.path('gateway')
  const refused = { ...said, gateway, protocol, token, heardAt: clock.now(), sessions: 0, bans: [] }
  await agents.note(refused)
  throw new Problem('conflict', {
    detail: `This broker speaks version ${AGENT_PROTOCOL} of the agent's protocol, and the agent another one. Run the agent of the broker's own version.`,
  })
}
