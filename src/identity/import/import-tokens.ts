import type { AuditEvent } from '../../domain/audit.ts'
import type { Clock } from '../../domain/clock.ts'
import { type EnrolmentStore, MAX_ENROLMENTS, scratchCodeHash } from '../../domain/enrolment.ts'
import { freeEnrolmentName } from '../../domain/enrolment-name.ts'
import type { KeyRing } from '../../domain/key-ring.ts'
import type { Randomness } from '../../domain/random.ts'
import { faultAt, type Parsed } from './file-lines.ts'
import type { ImportedToken } from './imported-token.ts'
import { type ImportManner, type ImportOutcome, takeOver } from './take-over.ts'

export interface ImportTokensOptions extends ImportManner {
  readonly enrolments: Pick<EnrolmentStore, 'ofSubject' | 'takeOver'>
  readonly keys: KeyRing
  readonly clock: Clock
  readonly random: Randomness
  /** Under which name a user's authenticator is kept (`Person.subject`); undefined where there is no such user. */
  readonly subjectOf: (name: string) => Promise<string | undefined>
  /** Whether those that a user has are replaced, with the recovery codes; otherwise they are a fault. */
  readonly replace: boolean
  /** What the audit trail gets for each authenticator. */
  readonly eventOf: (name: string) => AuditEvent
}

/** Enrols the authenticators of a file, with recovery codes where the file has scratch codes. */
export function importTokens(
  parsed: Parsed<ImportedToken>,
  { enrolments, keys, clock, random, subjectOf, replace, eventOf, ...manner }: ImportTokensOptions,
): Promise<ImportOutcome> {
  const subjects = new Map<string, string>()
  const counts = new Map<string, number>()
  const labels = new Map<string, string[]>()

  /** Several authenticators of a subject have different names. */
  function nameOf({ label }: ImportedToken, subject: string): string | undefined {
    if (label === undefined) return undefined
    const taken = labels.get(subject) ?? []
    const name = freeEnrolmentName(label, taken)
    labels.set(subject, [...taken, name])
    return name
  }

  function imported(entry: ImportedToken) {
    const { seed, kind, digits, period, algorithm, lastStep, driftMs = 0, scratchCodes = [] } = entry
    const subject = subjects.get(entry.name) ?? entry.name
    const enrolment = {
      ...{ id: random.id(), name: nameOf(entry, subject), subject, sealedSeed: keys.seal(seed, subject) },
      ...{ digits, period, algorithm, lastStep, driftMs, createdAt: clock.now() },
      kind: kind === 'hotp' ? kind : undefined,
    }
    return { enrolment, scratchHashes: scratchCodes.map((code) => scratchCodeHash(seed, subject, code)) }
  }

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
      return faultAt(entry, `${entry.name} has an authenticator already; --replace takes its place`)
    },
    take: (entries) =>
      enrolments.takeOver({
        enrolments: entries.map(imported),
        replace,
        events: entries.map(({ name }) => eventOf(name)),
      }),
  })
}
