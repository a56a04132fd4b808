import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import { systemClock } from '../domain/clock.ts'
import { messageOf } from '../domain/errors.ts'
import type { Log } from '../domain/log.ts'
import { changedKeys, keysForRestart, type ReadConfig } from './config-changes.ts'
import { replyRules } from './reply-rules.ts'
import { tellServiceManager } from './service-manager.ts'
import { writeOutcome } from './spool-folder.ts'

export interface ReloaderOptions {
  readonly file: string
  readonly serving: ReadConfig
  /** Tries the configuration and takes it. @throws Error in words for the operator; nothing has changed then. */
  readonly apply: (next: ReadConfig) => Promise<void>
  readonly log: Log
}

/** The outcome of a reload. */
export type ReloadOutcome =
  | { readonly kind: 'done'; readonly changed: readonly string[]; readonly warnings: string }
  | { readonly kind: 'refused'; readonly why: string }

/** Reads the configuration again when it is asked to, once for all requests that come in the meantime. */
export class Reloader {
  readonly #options: ReloaderOptions
  #serving: ReadConfig
  #isWanted = false
  #isRunning = false

  constructor(options: ReloaderOptions) {
    this.#options = options
    this.#serving = options.serving
  }

  ask(): void {
    this.#isWanted = true
    if (!this.#isRunning) void this.#run()
  }

  async #run(): Promise<void> {
    const { log } = this.#options
    this.#isRunning = true
    tellServiceManager('RELOADING=1', log)
    while (this.#isWanted) {
      this.#isWanted = false
      const readAt = systemClock.now()
      const outcome = await this.#reload()
      if (outcome.kind === 'done') log.info('reload.done', { changed: outcome.changed })
      else log.error('reload.refused', { why: outcome.why })
      try {
        writeOutcome(this.#serving.config.storage.spool, { ...outcome, readAt })
      } catch (error) {
        log.warn('reload.outcome_not_written', { error })
      }
    }
    this.#isRunning = false
    tellServiceManager('READY=1', log)
  }

  async #reload(): Promise<ReloadOutcome> {
    const { file, apply } = this.#options
    const loaded = await loadConfig(file, process.env, replyRules)
    if ('faults' in loaded) return { kind: 'refused', why: describeFaults(file, loaded.faults).trimEnd() }
    const fixed = keysForRestart(this.#serving.config, loaded.config)
    if (fixed.length > 0) return { kind: 'refused', why: `${fixed.join(', ')}: a change needs a restart` }
    try {
      await apply(loaded)
    } catch (error) {
      return { kind: 'refused', why: messageOf(error) }
    }
    const changed = changedKeys(this.#serving, loaded)
    this.#serving = loaded
    const warnings = loaded.warnings.length === 0 ? '' : describeFaults(file, loaded.warnings, 'warning')
    return { kind: 'done', changed, warnings }
  }
}
