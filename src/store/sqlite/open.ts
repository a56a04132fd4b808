import type { OpenRecords } from '../records.ts'
import { IN_MEMORY, type StoreFile } from './calls.ts'
import { remoteRecords } from './remote.ts'
import { StoreThread } from './thread.ts'

export interface SqliteOptions {
  /** The file, made where it is missing, or `:memory:`. */
  readonly path: string
  /** Calls that may wait for an answer in each thread; more are refused as unavailable (10,000). */
  readonly maxWaiting?: number
  /** Milliseconds that a write waits for another process, such as the command line, to finish its own (2,000). */
  readonly busyMs?: number
  /**
   * Whether reads get a thread and a connection of their own (true). Under 100 parallel logins a read that had to
   * wait for the writers' group and its fsync took 17 ms at the median, beside them 0.2 ms, and the writers lost
   * nothing. Without it the store opens in half the time, which suits a single command.
   */
  readonly readThread?: boolean
}

/** @throws Error that names the file and says what to do. Nothing of a file that is refused is changed. */
export async function openSqlite(options: SqliteOptions): Promise<OpenRecords> {
  const { path, maxWaiting = 10_000, busyMs = 2_000, readThread = true } = options
  const start = (readOnly: boolean): Promise<StoreThread> => {
    const data: StoreFile = { path, readOnly, busyMs }
    return StoreThread.start({ entry: new URL('./worker.ts', import.meta.url), data, maxWaiting })
  }
  const writer = await start(false)
  const reader = readThread && path !== IN_MEMORY ? await start(true).catch(closing(writer)) : writer
  const served = remoteRecords((access, ...call) =>
    (access === 'read' ? reader : writer).call(access, ...call),
  )
  return {
    records: served,
    checkReady: async () => {
      await Promise.all([served.storage.check(), served.gateways.authenticating()])
    },
    close: async () => {
      await Promise.all([reader.finish(), writer.finish()])
      // The last to close the file folds the write-ahead log into it, which a reader may not.
      if (reader !== writer) await reader.close()
      await writer.close()
    },
  }
}

function closing(thread: StoreThread): (error: unknown) => Promise<never> {
  return async (error) => {
    await thread.close()
    throw error
  }
}
