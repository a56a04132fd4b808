import type { Clock } from '../../domain/clock.ts'
import type { EnrolmentStore } from '../../domain/enrolment.ts'
import type { KeyRing } from '../../domain/key-ring.ts'
import type { Randomness } from '../../domain/random.ts'
import type { ImportFault, Parsed } from './file-lines.ts'
import { type ImportManner, type ImportOutcome, takeOver } from './take-over.ts'
import type { ImportedToken } from './users-oath.ts'

export interface ImportTokensOptions extends ImportManner {
  readonly enrolments: Pick<EnrolmentStore, 'find' | 'replace'>
  readonly keys: KeyRing
  readonly clock: Clock
  readonly random: Randomness
  /** Under which name a user's authenticator is kept (`Person.subject`); undefined where there is no such user. */
  readonly subjectOf: (name: string) => Promise<string | undefined>
}

/** Enrols the authenticators of a file, without recovery codes. One that a user has already is not replaced. */
export function importTokens(
  parsed: Parsed<ImportedToken>,
  { enrolments, keys, clock, random, subjectOf, ...manner }: ImportTokensOptions,
): Promise<ImportOutcome> {
  const subjects = new Map<string, string>()
  const enrolled = ({ name, line }: ImportedToken & { line: number }): ImportFault => ({
    line,
    problem: `${name} has an authenticator already`,
  })
  return takeOver(parsed, manner, {
    check: async (entry) => {
      const subject = await subjectOf(entry.name)
      if (subject === undefined) return { line: entry.line, problem: `there is no user ${entry.name}` }
      subjects.set(entry.name, subject)
      return (await enrolments.find(subject)) === undefined ? undefined : enrolled(entry)
    },
    take: async (entry) => {
      const { seed, kind, digits, period, algorithm, lastStep } = entry
      const subject = subjects.get(entry.name) ?? entry.name
      const enrolment = {
        id: random.id(),
        subject,
        sealedSeed: keys.seal(seed, subject),
        digits,
        period,
        algorithm,
        lastStep,
        driftMs: 0,
        kind: kind === 'hotp' ? kind : undefined,
        createdAt: clock.now(),
      }
      const isNew = await enrolments.replace({ enrolment, recoveryHashes: [], inPlaceOf: null })
      return isNew ? undefined : enrolled(entry)
    },
  })
}
