import type { Store } from '../app/storage.ts'
import { readSmallFile } from '../config/small-file.ts'
import { systemClock } from '../domain/clock.ts'
import { OperatorError, Unavailable } from '../domain/errors.ts'
import { hiddenCharacterFault } from '../domain/hidden-characters.ts'
import { parseLoginName } from '../domain/login-name.ts'
import { hasSecondFactor } from '../domain/roll-out.ts'
import { linesIn } from '../identity/import/file-lines.ts'
import type { Invitee, NotInvited } from '../manage/inviting-many.ts'
import { type RollOutSearch, rollOut } from '../manage/roll-out.ts'
import { subjectOf } from '../manage/subject.ts'
import { ValueError } from '../schema/config-error.ts'

/** Who is to be invited: people who are named, or all whom a search finds. */
export type Selection =
  | { readonly names: readonly string[]; readonly missing?: boolean }
  | { readonly search: RollOutSearch }

const MAX_FILE_OCTETS = 16 * 1024 * 1024
const MAX_FAULTS_SHOWN = 20
const PATIENCE_MS = 10_000

/** @throws OperatorError with every line that holds no name. */
export async function namesInFile(path: string): Promise<readonly string[]> {
  const file = await readSmallFile(path, MAX_FILE_OCTETS)
  if (file instanceof ValueError) throw new OperatorError(`--file: ${file.problem}`)
  const lines = linesIn(file.content.toString('utf8'))
  const faults = lines.flatMap(({ content, line }) => {
    const problem = nameFault(content.trim())
    return problem === undefined ? [] : [`--file: ${path}, line ${line}: ${problem}`]
  })
  if (faults.length > MAX_FAULTS_SHOWN)
    faults.splice(MAX_FAULTS_SHOWN, faults.length, `and ${faults.length - MAX_FAULTS_SHOWN} more`)
  if (faults.length > 0) throw new OperatorError(`${faults.join('\n')}\nNobody was invited.`)
  if (lines.length === 0) throw new OperatorError(`--file: ${path} holds no names: write one a line`)
  return lines.map(({ content }) => content.trim())
}

/** @returns what keeps a text from being a user's name. */
export function nameFault(typed: string): string | undefined {
  const hidden = hiddenCharacterFault(typed)
  if (hidden !== undefined) return `the name ${hidden}`
  return parseLoginName(typed) === undefined ? `"${typed}" cannot be a user's name` : undefined
}

/** @param takesPasskeys whether a passkey is a second factor at every login. */
type InvitingStore = Store & { readonly takesPasskeys: boolean }

/** Each once, under whichever of their names they come. @throws Unavailable where a search cannot go on */
export async function* inviteesOf(
  selection: Selection,
  store: InvitingStore,
): AsyncGenerator<Invitee | NotInvited> {
  const seen = new Set<string>()
  const all = 'names' in selection ? named(selection, store) : found(selection.search, store)
  for await (const each of all) {
    if ('subject' in each) {
      if (seen.has(each.subject)) continue
      seen.add(each.subject)
    }
    yield each
  }
}

async function* named(
  { names, missing }: { readonly names: readonly string[]; readonly missing?: boolean },
  store: InvitingStore,
): AsyncGenerator<Invitee | NotInvited> {
  for (const name of names) {
    const each = await inviteeNamed(name, store)
    const isEnrolled = missing === true && 'subject' in each && (await isMissingNothing(each.subject, store))
    yield isEnrolled ? { name, why: 'enrolled' } : each
  }
}

async function inviteeNamed(name: string, { candidates }: Store): Promise<Invitee | NotInvited> {
  try {
    const subject = await subjectOf(name, { candidates, clock: systemClock, patienceMs: PATIENCE_MS })
    return subject === undefined ? { name, why: 'unknown' } : { name: subject, subject }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    return { name, why: 'unavailable' }
  }
}

async function isMissingNothing(
  subject: string,
  { records, takesPasskeys }: InvitingStore,
): Promise<boolean> {
  const standing = (await records.rollOut.standingsOf([subject])).get(subject)
  return standing !== undefined && hasSecondFactor(standing, takesPasskeys)
}

async function* found(search: RollOutSearch, store: InvitingStore): AsyncGenerator<Invitee | NotInvited> {
  for await (const page of rollOut(search, { ...store, clock: systemClock }))
    for (const { name, subject, store: source, groups, mail, barred } of page) {
      if (barred !== undefined) yield { name: subject ?? name, why: 'barred' }
      else if (subject === undefined) yield await inviteeNamed(name, store)
      else yield { name: subject, subject, store: source, groups, mail }
    }
}
