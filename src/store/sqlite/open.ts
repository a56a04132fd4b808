import { systemClock } from '../../domain/clock.ts'
import { Unavailable } from '../../domain/errors.ts'
import type { OpenStore } from '../repositories.ts'
import { IN_MEMORY, type Services, type StoreFile } from './calls.ts'
import { remoteRecords, type Send } from './remote.ts'
import { StoreThread } from './thread.ts'

export interface SqliteOptions {
  /** The file, made where it is missing, or `:memory:`. */
  readonly path: string
  /** Calls that may wait for an answer in each thread; more are refused as unavailable (10,000). */
  readonly maxWaiting?: number
  /** Milliseconds that a write waits for another process, such as the command line, to finish its own (2,000). */
  readonly busyMs?: number
  /**
   * Whether the store is for a process that serves (true). Its logins read in the thread that asks; for all other reads
   * a second thread is started when the first of them comes: a read that waits for a group of writes and its fsync
   * takes 17 ms at the median of 100 parallel logins, and 0.2 ms beside them. A single command has the one thread.
   */
  readonly serves?: boolean
}

/** @throws Error that names the file and says what to do. A file that is refused is left as it is. */
export async function openSqlite(options: SqliteOptions): Promise<OpenStore> {
  const { path, maxWaiting = 10_000, busyMs = 2_000, serves = true } = options
  const start = (readOnly: boolean): Promise<StoreThread> => {
    const data: StoreFile = { path, readOnly, busyMs }
    return StoreThread.start({ entry: new URL('./worker.ts', import.meta.url), data, maxWaiting })
  }
  const writer = await start(false)
  const hasReader = serves && path !== IN_MEMORY
  let reader: Promise<StoreThread> | undefined
  const startReader = () => {
    reader = start(true).catch((error: unknown) => {
      reader = undefined
      throw new Unavailable('storage', 'the thread that reads cannot be started', { cause: error })
    })
    return reader
  }
  const send: Send = (access, method, args) =>
    access === 'read' && hasReader && !writer.isClosing
      ? (reader ?? startReader()).then((thread) => thread.call(method, args))
      : writer.call(method, args)
  const remote = remoteRecords(send)
  const own = hasReader ? await openDirectReads(path, remote) : undefined
  const direct = own ?? remote
  const records = {
    ...remote,
    users: { ...remote.users, find: direct.users.find },
    login: { ...remote.login, view: direct.login.view },
    usage: { ...remote.usage, spent: direct.usage.spent },
  }
  return {
    records,
    checkReady: async () => {
      await Promise.all([remote.storage.check(), remote.gateways.signing()])
    },
    close: async () => {
      const written = writer.finish()
      const reading = await reader?.catch(() => undefined)
      await Promise.all([reading?.finish(), written])
      own?.close()
      // The last to close the file folds the write-ahead log into it, which a reader may not.
      await reading?.close()
      await writer.close()
    },
  }
}

/** A command does without, and without loading what makes its queries a second time. */
async function openDirectReads(path: string, other: Services) {
  const { DirectReads } = await import('./direct-reads.ts')
  return new DirectReads(path, other, systemClock)
}
