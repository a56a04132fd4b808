import { type CodeClue, clueTo, clueWords } from '../../domain/code-clue.ts'
import type { Enrolment } from '../../domain/enrolment.ts'
import type { Refusal } from '../../domain/refusal.ts'
import { Secret } from '../../domain/secret.ts'
import type { Login } from '../login.ts'
import type { Verdict } from './record-outcome.ts'

/** A code that was wrong, and the authenticators one of which should have shown it. */
export interface WrongCode {
  readonly enrolments: readonly Enrolment[]
  readonly typed: Secret
}

/**
 * Tells the operator what would have made a wrong code right. The verdict is decided by then, and its reason, what it
 * counts and the words for the user stay the same. Every wrong code costs the same work, and where a code comes with the
 * password, every failed guess does.
 */
export function explainCode(verdict: Verdict, login: Login): Verdict {
  const failure = verdict.kind === 'ask' ? verdict.failure : verdict
  if (failure?.kind !== 'refusal' || !failure.counts) return verdict
  const { wrongCode, attempt, rules } = login
  const comesWithPassword =
    attempt.state === undefined && rules.mode !== 'challenge' && rules.mode !== 'approve'
  if (wrongCode === undefined && comesWithPassword) lookInVain(login)
  const clue = wrongCode && clueOf(wrongCode, login)
  if (clue === undefined) return verdict
  const told: Refusal = { ...failure, detail: `${failure.detail}: ${clueWords(clue)}`, clue }
  return verdict.kind === 'ask' ? { ...verdict, failure: told } : told
}

function clueOf({ enrolments, typed }: WrongCode, { options: { keys, clock } }: Login): CodeClue | undefined {
  const clues = enrolments.map((enrolment) => {
    const seed = keys.open(enrolment.sealedSeed, enrolment.subject)
    return clueTo(typed.reveal(), seed, enrolment, clock.now())
  })
  return clues.find((clue) => clue !== undefined)
}

const NOBODYS_SEED = new Secret(Buffer.alloc(20))
const USUAL = { digits: 6, period: 30, algorithm: 'sha1', lastStep: -1 } as const

/** As often as a wrong code of the user would be looked for. */
function lookInVain({ authenticators, options: { clock } }: Login): void {
  for (let each = 0; each < Math.max(1, authenticators); each += 1)
    clueTo('000000', NOBODYS_SEED, USUAL, clock.now())
}
