import type { ImportFault, Parsed, Place } from './file-lines.ts'

export interface ImportOutcome {
  /** The names that were taken over, or would be, in the order of the file. */
  readonly imported: readonly string[]
  /** In the order of the file. */
  readonly faults: readonly ImportFault[]
  /** The records changed after the lines were checked: nothing was written. */
  readonly isOvertaken?: true
}

/** Options of an import. */
export interface ImportManner {
  /** Import the good lines even if there are bad ones; otherwise nothing is imported. */
  readonly skipBad: boolean
  /** Check only, write nothing. */
  readonly dryRun?: boolean
  /** Called with the number of lines that were checked and the total. */
  readonly onProgress?: (done: number, all: number) => void
}

interface Steps<Entry> {
  /** @returns the fault of the entry. */
  readonly check: (entry: Entry) => Promise<ImportFault | undefined>
  /** Writes all of them in one transaction. @returns `overtaken` where the records no longer fit. */
  readonly take: (entries: readonly Entry[]) => Promise<'done' | 'overtaken'>
}

type Line<Entry> = Entry & Place

/** Entries checked at the same time. */
const AT_ONCE = 64

/** Imports the entries of a file. All lines are checked first; then all good ones are written, or none. */
export async function takeOver<Entry extends { readonly name: string }>(
  { entries, faults: unreadable }: Parsed<Entry>,
  { skipBad, dryRun = false, onProgress }: ImportManner,
  { check, take }: Steps<Line<Entry>>,
): Promise<ImportOutcome> {
  const faults: ImportFault[] = [...unreadable]
  const good: Line<Entry>[] = []
  for (let at = 0; at < entries.length; at += AT_ONCE) {
    const some = entries.slice(at, at + AT_ONCE)
    const found = await Promise.all(some.map(check))
    for (const [index, entry] of some.entries()) {
      const fault = found[index]
      if (fault === undefined) good.push(entry)
      else faults.push(fault)
    }
    onProgress?.(at + some.length, entries.length)
  }
  const wanted = faults.length === 0 || skipBad ? good : []
  const answer = dryRun || wanted.length === 0 ? 'done' : await take(wanted)
  return {
    imported: answer === 'done' ? wanted.map(({ name }) => name) : [],
    faults: faults.toSorted((one, other) => one.line - other.line),
    ...(answer === 'overtaken' && { isOvertaken: true }),
  }
}
