import type { Clock } from '../../domain/clock.ts'
import { type EnrolmentStore, MAX_ENROLMENTS, scratchCodeHash } from '../../domain/enrolment.ts'
import { freeEnrolmentName } from '../../domain/enrolment-name.ts'
import type { KeyRing } from '../../domain/key-ring.ts'
import type { Randomness } from '../../domain/random.ts'
import { faultAt, type ImportFault, type Parsed, type Place } from './file-lines.ts'
import type { ImportedToken } from './imported-token.ts'
import { type ImportManner, type ImportOutcome, takeOver } from './take-over.ts'

export interface ImportTokensOptions extends ImportManner {
  readonly enrolments: Pick<EnrolmentStore, 'ofSubject' | 'replace' | 'add'>
  readonly keys: KeyRing
  readonly clock: Clock
  readonly random: Randomness
  /** Under which name a user's authenticator is kept (`Person.subject`); undefined where there is no such user. */
  readonly subjectOf: (name: string) => Promise<string | undefined>
  /** Whether those that a user has are replaced, with the recovery codes; otherwise they are a fault. */
  readonly replace: boolean
}

/** Enrols the authenticators of a file, with recovery codes where the file has scratch codes. */
export function importTokens(
  parsed: Parsed<ImportedToken>,
  { enrolments, keys, clock, random, subjectOf, replace, ...manner }: ImportTokensOptions,
): Promise<ImportOutcome> {
  const subjects = new Map<string, string>()
  const counts = new Map<string, number>()
  /** What became of the user's authenticators that stand before in the file. */
  const before = new Map<string, Promise<boolean>>()
  const labels = new Map<string, string[]>()
  const enrolled = (entry: ImportedToken & Place): ImportFault =>
    faultAt(entry, `${entry.name} has an authenticator already; --replace takes its place`)
  return takeOver(parsed, manner, {
    check: async (entry) => {
      const subject = await subjectOf(entry.name)
      if (subject === undefined) return faultAt(entry, `there is no user ${entry.name}`)
      subjects.set(entry.name, subject)
      const count = (counts.get(subject) ?? 0) + 1
      counts.set(subject, count)
      if (count > MAX_ENROLMENTS)
        return faultAt(
          entry,
          `${entry.name} has ${MAX_ENROLMENTS} authenticators in the file before: no more are kept`,
        )
      if (replace || (await enrolments.ofSubject(subject)).length === 0) return undefined
      return enrolled(entry)
    },
    take: async (entry) => {
      const { seed, kind, digits, period, algorithm, lastStep, driftMs = 0, scratchCodes = [] } = entry
      const subject = subjects.get(entry.name) ?? entry.name
      const taken = labels.get(subject) ?? []
      const name = entry.label === undefined ? undefined : freeEnrolmentName(entry.label, taken)
      if (name !== undefined) labels.set(subject, [...taken, name])
      const enrolment = {
        id: random.id(),
        name,
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
      const fresh = { enrolment, recoveryHashes: [], scratchHashes }
      const first = before.get(subject)
      const taking =
        first === undefined
          ? enrolments.replace({ ...fresh, inPlaceOf: replace ? undefined : null })
          : first.then(async (isTaken) => isTaken && (await enrolments.add(fresh)) === 'added')
      before.set(subject, taking)
      return (await taking) ? undefined : enrolled(entry)
    },
  })
}
