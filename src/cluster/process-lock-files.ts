import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type FileLock, lockFile } from './lock-file.ts'

const FILE = /^run\.([\w-]+)$/

/**
 * The runs of a broker, each an empty file that its process keeps locked. The system drops the lock when the process has
 * ended, for whatever reason, and not before: a process that stalls keeps it. So a run whose lock can be taken has ended.
 */
export class ProcessLockFiles {
  readonly #folder: string
  #own: { readonly path: string; readonly lock: FileLock } | undefined

  /** @param folder made if it is missing. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Lets others see, from now on and until this process ends, that the run goes on. @throws Error if it cannot. */
  hold(name: string): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    const path = this.#path(name)
    // It gets the name by which others find it only after it is locked.
    const starting = join(this.#folder, `starting.${name}`)
    const lock = lockFile(starting)
    if (lock === undefined) throw new Error(`${starting} is locked by another process`)
    renameSync(starting, path)
    this.#own = { path, lock }
  }

  /** @returns names of earlier runs that have ended. @throws Error where the folder cannot be read. */
  ended(): readonly string[] {
    const names = readdirSync(this.#folder).flatMap((file) => FILE.exec(file)?.[1] ?? [])
    return names.filter((name) => this.#path(name) !== this.#own?.path && this.#hasEnded(name))
  }

  /** Everybody who must know that these runs have ended knows it now. */
  remove(names: readonly string[]): void {
    for (const name of names) rmSync(this.#path(name), { force: true })
  }

  /** This process ends. @param isDone whether nothing is left that others must learn of it. */
  close(isDone: boolean): void {
    if (this.#own === undefined) return
    if (isDone) rmSync(this.#own.path, { force: true })
    this.#own.lock[Symbol.dispose]()
  }

  #hasEnded(name: string): boolean {
    using lock = lockFile(this.#path(name))
    return lock !== undefined
  }

  #path(name: string): string {
    return join(this.#folder, `run.${name}`)
  }
}
