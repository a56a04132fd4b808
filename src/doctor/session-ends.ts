import { type ApiToken, type TokenStore, tokenStateOf } from '../domain/api-token.ts'
import type { Clock } from '../domain/clock.ts'
import type { Gateway } from '../domain/gateway.ts'
import type { Policy } from '../domain/policy.ts'
import { type Check, type Finding, warning } from './finding.ts'

/** Tokens that are looked at. */
const MAX_TOKENS = 1000

/** Which policies end the oldest session at a gateway that has neither an agent's token nor `disconnect`. */
export function checkSessionEnds(
  policies: readonly Pick<Policy, 'name' | 'when' | 'sessions'>[],
  gateways: readonly Pick<Gateway, 'name' | 'disconnect'>[],
  tokens: Pick<TokenStore, 'list'>,
  clock: Pick<Clock, 'now'>,
): Check {
  return async () => {
    const ending = policies.filter(endsSessions)
    if (ending.length === 0) return []
    const found = await tokens.list(MAX_TOKENS)
    const isReached = ({ name, disconnect }: Pick<Gateway, 'name' | 'disconnect'>) =>
      disconnect !== undefined || found.some((token) => isOfAgent(token, name, clock.now()))
    const out = gateways.filter((gateway) => !isReached(gateway)).map(({ name }) => name)
    return ending.flatMap(({ name, when }) => findingOn(name, out, when.gateways) ?? [])
  }
}

export function endsSessions({ sessions }: Pick<Policy, 'sessions'>): boolean {
  return sessions?.whenFull === 'end_oldest'
}

function isOfAgent(token: ApiToken, gateway: string, now: number): boolean {
  return token.gateway === gateway && tokenStateOf(token, now) === 'valid'
}

function findingOn(
  policy: string,
  out: readonly string[],
  only: readonly string[] | undefined,
): Finding | undefined {
  const [gateway, ...others] = out.filter((name) => only?.includes(name) !== false)
  if (gateway === undefined) return undefined
  return warning(
    `policy ${policy}`,
    `sessions: then: end_oldest can end no session at ${[gateway, ...others].join(', ')}: there is no token of an agent, and no disconnect`,
    `ocbroker token create --name agent-${gateway} --scope gateway:${gateway}, and run ocbroker agent there; or write then: refuse`,
  )
}
