import type { ImportFault, Parsed, Place } from './file-lines.ts'

export interface ImportOutcome {
  /** The names that were taken over, or would be, in the order of the file. */
  readonly imported: readonly string[]
  /** In the order of the file. */
  readonly faults: readonly ImportFault[]
}

/** Options of an import. */
export interface ImportManner {
  /** Import the good lines even if there are bad ones; otherwise nothing is imported. */
  readonly skipBad: boolean
  /** Check only, write nothing. */
  readonly dryRun?: boolean
  /** Awaited after each entry that was written. */
  readonly onTaken?: (name: string) => Promise<void>
  /** Called with the number of entries done and the total. */
  readonly onProgress?: (done: number, all: number) => void
}

interface Steps<Entry> {
  /** @returns the fault of the entry; nothing is written yet. */
  readonly check: (entry: Entry) => Promise<ImportFault | undefined>
  /** Writes it. @returns the fault if the records have changed since the check. */
  readonly take: (entry: Entry) => Promise<ImportFault | undefined>
}

type Line<Entry> = Entry & Place

/** Entries processed at the same time: the store writes many in one transaction. */
const AT_ONCE = 64

/** Imports the entries of a file. All lines are checked before the first is written, and a bad line stops the import unless `skipBad` is set. */
export async function takeOver<Entry extends { readonly name: string }>(
  { entries, faults: unreadable }: Parsed<Entry>,
  { skipBad, dryRun = false, onTaken, onProgress }: ImportManner,
  { check, take }: Steps<Line<Entry>>,
): Promise<ImportOutcome> {
  const faults: ImportFault[] = [...unreadable]
  /** @returns those entries with which nothing was wrong. */
  async function pass(
    over: readonly Line<Entry>[],
    step: (entry: Line<Entry>) => Promise<ImportFault | undefined>,
    onDone?: (done: number) => void,
  ): Promise<Line<Entry>[]> {
    const good: Line<Entry>[] = []
    for (let at = 0; at < over.length; at += AT_ONCE) {
      const some = over.slice(at, at + AT_ONCE)
      const found = await Promise.all(some.map(step))
      for (const [index, entry] of some.entries()) {
        const fault = found[index]
        if (fault === undefined) good.push(entry)
        else faults.push(fault)
      }
      onDone?.(at + some.length)
    }
    return good
  }

  const good = await pass(entries, check)
  const wanted = faults.length === 0 || skipBad ? good : []
  const taken = dryRun
    ? wanted
    : await pass(
        wanted,
        async (entry) => {
          const fault = await take(entry)
          if (fault === undefined) await onTaken?.(entry.name)
          return fault
        },
        (done) => onProgress?.(done, wanted.length),
      )
  return {
    imported: taken.map(({ name }) => name),
    faults: faults.toSorted((one, other) => one.line - other.line),
  }
}
