import type { DatabaseSync } from 'node:sqlite'
import { Unavailable } from '../../domain/person.ts'
import { translated } from './errors.ts'
import type { GroupSize } from './group-size.ts'

export type Outcome =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }

/**
 * Runs writes one after another in one transaction and commits once for all, so that they share one wait for the
 * disk. One that fails is undone by itself: the driver gives each a savepoint. Nothing may be told to a caller
 * before this resolves; where the commit fails, every write has failed.
 * @param size told how long it took.
 */
export async function commitTogether(
  database: DatabaseSync,
  writes: readonly (() => Promise<unknown>)[],
  size?: GroupSize,
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
  const meaning = translated(error)
  if (meaning instanceof Unavailable) return meaning
  return new Unavailable('storage', error instanceof Error ? error.message : String(error), { cause: error })
}
