import { messageOf, Unavailable } from '../../domain/errors.ts'
import type { OpenDatabase } from './database.ts'
import { mapDriverError } from './errors.ts'
import type { GroupSize } from './group-size.ts'

/** What a group is written to. */
export type GroupDatabase = Pick<OpenDatabase, 'database' | 'savepoints'>

export type Outcome =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }

/**
 * Runs writes one after another in one transaction and commits once for all, so that they share one wait for the
 * disk. One that fails is undone by itself. No caller may get an answer before this resolves; if the commit
 * fails, every write has failed.
 * @param writes each may be run twice; what the first run wrote is undone then.
 * @param size told how long it took.
 */
export async function commitTogether(
  open: GroupDatabase,
  writes: readonly (() => Promise<unknown>)[],
  size?: GroupSize,
): Promise<readonly Outcome[]> {
  open.savepoints.begin(false)
  const outcomes = await writeTogether(open, writes, size)
  if (!open.savepoints.areMissed) return outcomes
  open.savepoints.begin(true)
  return writeTogether(open, writes, size)
}

async function writeTogether(
  { database, savepoints }: GroupDatabase,
  writes: readonly (() => Promise<unknown>)[],
  size: GroupSize | undefined,
): Promise<readonly Outcome[]> {
  try {
    database.exec('begin immediate')
    const watch = size?.watch(writes.length)
    const outcomes: Outcome[] = []
    for (const write of writes) {
      const outcome = await outcomeOf(write)
      // A full disk ends the whole transaction: the neighbours are undone, and what follows would run outside of it.
      if (!database.isTransaction)
        throw outcome.kind === 'failed' ? outcome.error : new Error('no transaction')
      if (savepoints.areMissed) throw new Error('a write cannot be undone by itself')
      outcomes.push(outcome)
    }
    watch?.written()
    database.exec('commit')
    watch?.committed()
    return outcomes
  } catch (error) {
    if (database.isTransaction) database.exec('rollback')
    const failed: Outcome = { kind: 'failed', error: asUnavailable(error) }
    return writes.map(() => failed)
  }
}

/** An error as a value. */
export async function outcomeOf(write: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { kind: 'done', value: await write() }
  } catch (error) {
    return { kind: 'failed', error }
  }
}

function asUnavailable(error: unknown): Unavailable {
  const meaning = mapDriverError(error)
  if (meaning instanceof Unavailable) return meaning
  return new Unavailable('storage', messageOf(error), { cause: error })
}
