import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** One that the garbage collector took would be unlocked while its process goes on. */
const held = new Set<DatabaseSync>()

const FILE = /^run\.([\w-]+)$/

/**
 * The runs of a broker, each an empty file that its process keeps locked. The system drops the lock when the process
 * has ended, however it did, and not before: one that stalls, or that is still answering while another has taken its
 * sockets over, keeps it. So a run whose lock can be had has ended for certain. Node locks files by SQLite alone.
 */
export class RunFiles {
  readonly #folder: string
  #own: { readonly path: string; readonly lock: DatabaseSync } | undefined

  /** @param folder made where it is missing. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Lets others see, from now on and until this process ends, that the run goes on. @throws Error where it cannot. */
  hold(name: string): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    const path = this.#path(name)
    // Only when it is locked does it get the name by which others find it.
    const starting = join(this.#folder, `starting.${name}`)
    const lock = locked(starting)
    if (lock === undefined) throw new Error(`${starting} is locked by another process`)
    held.add(lock)
    renameSync(starting, path)
    this.#own = { path, lock }
  }

  /** @returns names of earlier runs that have ended. @throws Error where the folder cannot be read. */
  ended(): readonly string[] {
    const names = readdirSync(this.#folder).flatMap((file) => FILE.exec(file)?.[1] ?? [])
    return names.filter((name) => this.#path(name) !== this.#own?.path && this.#hasEnded(name))
  }

  /** Everybody who must know that they have ended has been told. */
  remove(names: readonly string[]): void {
    for (const name of names) rmSync(this.#path(name), { force: true })
  }

  /** This process ends. @param isDone it leaves nothing that others must be told of. */
  close(isDone: boolean): void {
    if (this.#own === undefined) return
    if (isDone) rmSync(this.#own.path, { force: true })
    held.delete(this.#own.lock)
    this.#own.lock.close()
  }

  #hasEnded(name: string): boolean {
    const lock = locked(this.#path(name))
    lock?.close()
    return lock !== undefined
  }

  #path(name: string): string {
    return join(this.#folder, `run.${name}`)
  }
}

/** SQLITE_BUSY */
const BUSY = 5

/** @returns undefined where a process has it that lives. */
function locked(path: string): DatabaseSync | undefined {
  const file = new DatabaseSync(path, { timeout: 0 })
  try {
    // Nothing is ever written, so there is no journal on disk either.
    file.exec('pragma journal_mode = memory; begin exclusive')
    return file
  } catch (error) {
    file.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === BUSY) return undefined
    throw error
  }
}
