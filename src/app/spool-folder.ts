import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeSpoolFolder } from '../accounting/spool.ts'
import { lockFile } from '../cluster/lock-file.ts'
import { OperatorError } from '../domain/errors.ts'
import type { ReloadOutcome } from './reloader.ts'

/** When the file was read, in milliseconds since 1970, and the outcome. */
export type DatedOutcome = ReloadOutcome & { readonly readAt: number }

const lockIn = (folder: string) => join(folder, 'lock')
const pidIn = (folder: string) => join(folder, 'broker.pid')
const outcomeIn = (folder: string) => join(folder, 'broker.reload')

/**
 * Keeps the folder for one broker, until it is released or this process ends, and names this process in it.
 * @throws OperatorError, Error if it cannot be written.
 */
export function holdSpoolFolder(folder: string): Disposable {
  makeSpoolFolder(folder)
  const lock = lockFile(lockIn(folder))
  if (lock === undefined)
    throw new OperatorError(
      `accounting waits in ${folder}, which another broker uses: name another folder as storage.spool`,
    )
  writeFileSync(pidIn(folder), `${process.pid}\n`, { mode: 0o600 })
  return {
    [Symbol.dispose]() {
      rmSync(pidIn(folder), { force: true })
      lock[Symbol.dispose]()
    },
  }
}

/** The process of the broker that uses the folder. @returns undefined if none runs. @throws Error if it cannot be read. */
export function runningBroker(folder: string): number | undefined {
  const text = contentOf(pidIn(folder))
  if (text === undefined) return undefined
  const pid = Number(text)
  // 0 and less would be whole groups of processes, or all of them (kill(2)); a file that is being written is empty.
  if (!Number.isSafeInteger(pid) || pid < 1 || !isAlive(pid)) return undefined
  // A broker that was killed leaves the file behind; a process that has its number now does not have the lock.
  using lock = lockFile(lockIn(folder))
  return lock === undefined ? pid : undefined
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Lets the command that asked for a reload see the outcome. @throws Error if it cannot be written. */
export function writeOutcome(folder: string, outcome: DatedOutcome): void {
  const draft = `${outcomeIn(folder)}.new`
  writeFileSync(draft, JSON.stringify(outcome), { mode: 0o600 })
  renameSync(draft, outcomeIn(folder))
}

/** @returns undefined if there has been no reload. @throws Error if it cannot be read. */
export function readOutcome(folder: string): DatedOutcome | undefined {
  const text = contentOf(outcomeIn(folder))
  return text === undefined ? undefined : (JSON.parse(text) as DatedOutcome)
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
