import type { ImportFault, Parsed } from './file-lines.ts'

export interface ImportOutcome {
  /** The names that were taken over, in the order of the file. */
  readonly imported: readonly string[]
  /** In the order of the file. */
  readonly faults: readonly ImportFault[]
}

interface Steps<Entry> {
  readonly skipBad: boolean
  /** @returns what is wrong with the entry, before anything was written. */
  readonly check: (entry: Entry) => Promise<ImportFault | undefined>
  /** Writes it. @returns what has come in between. */
  readonly take: (entry: Entry) => Promise<ImportFault | undefined>
}

/** Takes over what a file holds: every line is looked at before the first is written, and one bad line stops all unless told otherwise. */
export async function takeOver<Entry extends { readonly name: string }>(
  { entries, faults: unreadable }: Parsed<Entry>,
  { skipBad, check, take }: Steps<Entry & { readonly line: number }>,
): Promise<ImportOutcome> {
  const faults: ImportFault[] = [...unreadable]
  const good: (Entry & { readonly line: number })[] = []
  for (const entry of entries) {
    const fault = await check(entry)
    if (fault === undefined) good.push(entry)
    else faults.push(fault)
  }
  const imported: string[] = []
  if (faults.length === 0 || skipBad) {
    for (const entry of good) {
      const fault = await take(entry)
      if (fault === undefined) imported.push(entry.name)
      else faults.push(fault)
    }
  }
  return { imported, faults: faults.toSorted((one, other) => one.line - other.line) }
}
