import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type FileLock, lockFile } from './lock-file.ts'

const FILE = /^run\.([\w-]+)$/

/**
 * The runs of a broker, each an empty file that its process keeps locked. The system drops the lock when the process
 * has ended, however it did, and not before: one that stalls, or that is still answering while another has taken its
 * sockets over, keeps it. So a run whose lock can be had has ended for certain.
 */
export class RunFiles {
  readonly #folder: string
  #own: { readonly path: string; readonly lock: FileLock } | undefined

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

  /** Everybody who must know that they have ended has been told. */
  remove(names: readonly string[]): void {
    for (const name of names) rmSync(this.#path(name), { force: true })
  }

  /** This process ends. @param isDone it leaves nothing that others must be told of. */
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
