import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import type { SharedAttemptCounter } from '../limits/attempt-counter.ts'
import type { ProcessId } from '../limits/process-id.ts'
import type { RetryQueue } from '../redis/retry-queue.ts'
import { ProcessLockFiles } from './process-lock-files.ts'

export interface EndedProcessesOptions {
  /** Belongs to this broker alone, and is still there after a restart. */
  readonly folder: string
  readonly run: ProcessId
  readonly shared: Pick<SharedAttemptCounter, 'endProcesses'>
  readonly retries: Pick<RetryQueue, 'add' | 'isEmpty'>
  readonly clock: Clock
  readonly log: Log
}

/**
 * Tells the shared counter which earlier runs of this broker have ended, and lets later runs see that this one still
 * runs. If the folder does not allow it, the attempts of a killed process expire by themselves. Never rejects.
 * @returns what to call when this run ends.
 */
export async function announceEndedProcesses(options: EndedProcessesOptions): Promise<() => void> {
  const { folder, run, shared, retries, clock, log } = options
  const files = new ProcessLockFiles(folder)
  try {
    files.hold(run.name)
    const ended = files.ended()
    const since = clock.monotonic()
    const tell = async () => {
      await shared.endProcesses(ended)
      files.remove(ended)
      if (ended.length > 0) log.info('limits.runs_ended', { runs: ended.length })
    }
    await tell().catch(() => retries.add(tell, since))
  } catch (error) {
    log.warn('limits.runs_unknown', { folder, error })
  }
  return () => files.close(retries.isEmpty)
}
