import type { Clock } from '../../domain/clock.ts'
import { type EnrolmentStore, scratchCodeHash } from '../../domain/enrolment.ts'
import type { KeyRing } from '../../domain/key-ring.ts'
import type { Randomness } from '../../domain/random.ts'
import { faultAt, type ImportFault, type Parsed, type Place } from './file-lines.ts'
import type { ImportedToken } from './imported-token.ts'
import { type ImportManner, type ImportOutcome, takeOver } from './take-over.ts'

export interface ImportTokensOptions extends ImportManner {
  readonly enrolments: Pick<EnrolmentStore, 'ofSubject' | 'replace'>
  readonly keys: KeyRing
  readonly clock: Clock
  readonly random: Randomness
  /** Under which name a user's authenticator is kept (`Person.subject`); undefined where there is no such user. */
  readonly subjectOf: (name: string) => Promise<string | undefined>
  /** Whether one that a user has is replaced, with its recovery codes; otherwise it is a fault. */
  readonly replace: boolean
}

/** Enrols the authenticators of a file, with recovery codes where the file has scratch codes. */
export function importTokens(
  parsed: Parsed<ImportedToken>,
  { enrolments, keys, clock, random, subjectOf, replace, ...manner }: ImportTokensOptions,
): Promise<ImportOutcome> {
  const subjects = new Map<string, string>()
  const enrolled = (entry: ImportedToken & Place): ImportFault =>
    faultAt(entry, `${entry.name} has an authenticator already; --replace takes its place`)
  return takeOver(parsed, manner, {
    check: async (entry) => {
      const subject = await subjectOf(entry.name)
      if (subject === undefined) return faultAt(entry, `there is no user ${entry.name}`)
      subjects.set(entry.name, subject)
      if (replace || (await enrolments.ofSubject(subject)).length === 0) return undefined
      return enrolled(entry)
    },
    take: async (entry) => {
      const { seed, kind, digits, period, algorithm, lastStep, driftMs = 0, scratchCodes = [] } = entry
      const subject = subjects.get(entry.name) ?? entry.name
      const enrolment = {
        id: random.id(),
        subject,
        sealedSeed: keys.seal(seed, subject),
        digits,
        period,
        algorithm,
        lastStep,
        driftMs,
        kind: kind === 'hotp' ? kind : undefined,
        createdAt: clock.now(),
      }
      const scratchHashes = [...new Set(scratchCodes)].map((code) => scratchCodeHash(seed, subject, code))
      const inPlaceOf = replace ? undefined : null
      const isTaken = await enrolments.replace({ enrolment, recoveryHashes: [], scratchHashes, inPlaceOf })
      return isTaken ? undefined : enrolled(entry)
    },
  })
}
