import type { ImportFault, Parsed } from './file-lines.ts'

export interface ImportOutcome {
  /** The names that were taken over, or would be, in the order of the file. */
  readonly imported: readonly string[]
  /** In the order of the file. */
  readonly faults: readonly ImportFault[]
}

/** How an import goes about it. */
export interface ImportManner {
  /** Whether good lines are imported although there are bad ones; otherwise nothing is. */
  readonly skipBad: boolean
  /** Whether all is looked at and nothing is written. */
  readonly dryRun?: boolean
  /** Called when an entry was written, and waited for. */
  readonly onTaken?: (name: string) => Promise<void>
  /** Told how many entries are done, of how many. */
  readonly onProgress?: (done: number, all: number) => void
}

interface Steps<Entry> {
  /** @returns what is wrong with the entry, before anything was written. */
  readonly check: (entry: Entry) => Promise<ImportFault | undefined>
  /** Writes it. @returns what has come in between. */
  readonly take: (entry: Entry) => Promise<ImportFault | undefined>
}

type Line<Entry> = Entry & { readonly line: number }

/** Entries in hand at the same time: the records take many in one go. */
const AT_ONCE = 64

/** Takes over what a file holds: every line is looked at before the first is written, and one bad line stops all unless told otherwise. */
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
