import type { Attempt } from '../domain/attempt.ts'
import type { StoreChallenge } from '../domain/person.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { AskForCode } from './ask-for-code.ts'

/** ocserv fails a login at its sixteenth stage; a store that asks without end is stopped well before. */
const MAX_ROUNDS = 8

/**
 * An identity store asks something of the user before it says yes or no. The first question is part of a login; one
 * that follows an answer may say that the answer was wrong, and nobody here can tell, so it counts as a failed guess
 * (a login that succeeds in the end takes its failures back).
 * @param rounds how often the store has asked in this login before.
 */
export function passOn(
  attempt: Attempt,
  store: string,
  { prompt, state }: StoreChallenge,
  rounds: number,
): AskForCode | Refusal {
  const failure = rounds === 0 ? undefined : refuse('wrong_code', `${store}: asked again after the answer`)
  if (failure !== undefined && rounds >= MAX_ROUNDS) return failure
  const { name, gateway, address } = attempt
  return {
    kind: 'ask',
    pending: { user: name.stem, gateway, address, upstream: { store, state, rounds: rounds + 1 } },
    prompt: { kind: 'store', text: prompt },
    failure,
  }
}
