import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import type { Owed } from './owed.ts'
import type { Run } from './run.ts'
import { RunFiles } from './run-files.ts'
import type { SharedTally } from './tally.ts'

export interface RunEndsOptions {
  /** Of this broker alone, and there again when it starts again. */
  readonly folder: string
  readonly run: Run
  readonly shared: Pick<SharedTally, 'end'>
  readonly owed: Pick<Owed, 'add' | 'isEmpty'>
  readonly clock: Clock
  readonly log: Log
}

/**
 * Tells the shared tally which earlier runs of this broker have ended, and lets later ones see that this one goes on.
 * Where the folder does not allow it, what a killed process had in flight lapses by itself. Never rejects.
 * @returns what is to be done when this run ends.
 */
export async function tellOfEndedRuns(options: RunEndsOptions): Promise<() => void> {
  const { folder, run, shared, owed, clock, log } = options
  const files = new RunFiles(folder)
  try {
    files.hold(run.name)
    const ended = files.ended()
    const since = clock.monotonic()
    const tell = async () => {
      await shared.end(ended)
      files.remove(ended)
      if (ended.length > 0) log.info('limits.runs_ended', { runs: ended.length })
    }
    await tell().catch(() => owed.add(tell, since))
  } catch (error) {
    log.warn('limits.runs_unknown', { folder, error })
  }
  return () => files.close(owed.isEmpty)
}
