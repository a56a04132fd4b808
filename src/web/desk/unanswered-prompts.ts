import type { HttpServices } from '../../http/services.ts'
import { eventsSince } from './recent-events.ts'

export interface UnansweredPrompts {
  readonly user: string
  /** How often a password was right and nobody typed the code. */
  readonly times: number
  readonly addresses: readonly string[]
}

const LOOK_BACK_MS = 24 * 3_600_000
const MAX_EVENTS = 500
const MAX_USERS = 5
/** Fewer come from a phone that was left at home. */
const MANY = 3

type Audit = Pick<HttpServices['records']['audit'], 'list'>

/** Users whose password may be known to somebody else, most prompts first. @param now wall milliseconds. */
export async function usersWithUnansweredPrompts(
  audit: Audit,
  now: number,
): Promise<readonly UnansweredPrompts[]> {
  const all = await findPrompts(audit, now)
  return all
    .filter(({ times }) => times >= MANY)
    .toSorted((one, other) => other.times - one.times)
    .slice(0, MAX_USERS)
}

/** @param user canonical. @param now wall milliseconds. */
export async function unansweredPromptsOf(
  user: string,
  audit: Audit,
  now: number,
): Promise<UnansweredPrompts | undefined> {
  return (await findPrompts(audit, now, user))[0]
}

async function findPrompts(audit: Audit, now: number, about?: string): Promise<readonly UnansweredPrompts[]> {
  const kinds = ['login.prompt_unanswered'] as const
  const events = await eventsSince(audit, now - LOOK_BACK_MS, { user: about, kinds, limit: MAX_EVENTS })
  const found = new Map<string, UnansweredPrompts>()
  for (const { user = '', address, times = 1 } of events) {
    const known = found.get(user) ?? { user, times: 0, addresses: [] }
    const isNew = address !== undefined && !known.addresses.includes(address)
    const addresses = isNew ? [...known.addresses, address] : known.addresses
    found.set(user, { user, times: known.times + times, addresses })
  }
  return [...found.values()]
}
