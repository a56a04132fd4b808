import type { StoreChallenge } from '../domain/identity-provider.ts'
import type { LoginAttempt } from '../domain/login-attempt.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { AskForCode } from './ask-for-code.ts'

/** More than any login needs; ocserv itself fails one at its sixteenth stage. */
const MAX_ROUNDS = 20

/**
 * Passes on the question that an identity store asks before it accepts or refuses. A question that follows an answer is no
 * failure: whether the answer was wrong or the store has several questions only the store knows, which counts for itself.
 * @param rounds how often the store has asked in this login before.
 */
export function relayUpstreamChallenge(
  attempt: LoginAttempt,
  store: string,
  { prompt, state }: StoreChallenge,
  rounds: number,
): AskForCode | Refusal {
  if (rounds >= MAX_ROUNDS) return refuse('wrong_code', `${store}: asked again after the answer`)
  const { name, gateway, address } = attempt
  return {
    kind: 'ask',
    pending: { user: name.username, gateway, address, upstream: { store, state, rounds: rounds + 1 } },
    prompt: { kind: 'store', text: prompt },
    failure: undefined,
  }
}
