import type { Login } from '../login.ts'
import type { recordOutcome } from './record-outcome.ts'

type Outcome = Awaited<ReturnType<typeof recordOutcome>>

/**
 * Says when a refusal may be answered, so that every one takes the same time. Whoever asked waits, at the very end: a
 * login that is decided holds no place that others wait for.
 */
export function holdAnswer(decision: Outcome, { attempt, options, decidedAt, startedAt }: Login): Outcome {
  // An answer to a challenge follows a right password: there is nothing left to hide.
  if (decision.kind !== 'refusal' || attempt.state !== undefined) return decision
  return { ...decision, answerAt: options.equalizer.answerAt(decidedAt, startedAt, attempt.deadline) }
}
