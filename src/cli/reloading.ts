import { ownRules } from '../broker-passing.ts'
import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/shape.ts'
import type { Log } from '../domain/log.ts'
import type { StateDesk } from '../limits/state-desk.ts'
import type { HeldSocket } from '../transport/held-sockets.ts'
import type { OrderFor, Supervisor } from '../workers/supervisor.ts'
import { replyRules } from './reply-rules.ts'
import { ordersOf } from './worker-order.ts'

interface ReloadingOptions {
  readonly file: string
  readonly serving: Config
  readonly held: readonly HeldSocket[]
  readonly supervisor: Supervisor
  readonly desk: StateDesk
  readonly log: Log
}

/** A configuration that was read again and that the workers may follow. */
interface Wanted {
  readonly config: Config
  readonly order: OrderFor
}

/** Reads the configuration again and replaces the workers, once for however many wishes come in the meantime. */
export class Reloading {
  readonly #options: ReloadingOptions
  #reading: Promise<void> = Promise.resolve()
  #wanted: Wanted | undefined
  /** Followed by some of the workers, while others serve by the one before. */
  #unfinished: Wanted | undefined
  #isReloading = false

  constructor(options: ReloadingOptions) {
    this.#options = options
  }

  /** A file that is refused here does not disturb a reload that is under way. */
  ask(): void {
    const { log } = this.#options
    const refused = (error: unknown) => log.error('reload.refused', { error })
    // One after another: what was read last counts.
    this.#reading = this.#reading.then(() => this.#consider()).catch(refused)
  }

  async #consider(): Promise<void> {
    const { file, serving, held, log } = this.#options
    const loaded = await loadConfig(file, process.env, replyRules)
    if ('faults' in loaded) {
      log.error('reload.refused', { why: describeFaults(file, loaded.faults) })
      return
    }
    const { config, source } = loaded
    const fixed = needsRestart(serving, config)
    if (fixed.length > 0) {
      log.error('reload.refused', { why: `${fixed.join(', ')}: a change needs a restart` })
      return
    }
    this.#wanted = { config, order: ordersOf(file, source, held) }
    if (!this.#isReloading) void this.#reload()
  }

  async #reload(): Promise<void> {
    this.#isReloading = true
    while (this.#wanted !== undefined) {
      const next = this.#wanted
      this.#wanted = undefined
      await this.#follow(next)
    }
    this.#isReloading = false
  }

  async #follow(next: Wanted): Promise<void> {
    const { supervisor, desk, log } = this.#options
    try {
      const isDone = await supervisor.reload(next.order, () => this.#wanted !== undefined)
      this.#unfinished = isDone ? undefined : next
      if (!isDone) return
      desk.countBy(ownRules(next.config))
      log.info('reload.done')
    } catch (error) {
      log.error('reload.refused', { error })
      // The first worker stays with what the one before wanted, so the others are to follow it there.
      this.#wanted ??= this.#unfinished
    }
  }
}

/** What all workers must have in common at every moment. */
function needsRestart(before: Config, after: Config): readonly string[] {
  const fixed = (config: Config): Readonly<Record<string, unknown>> => ({
    'radius.address': config.radius.addresses,
    'radius.auth_port': config.radius.authPort,
    'radius.acct_port': config.radius.acctPort,
    'radius.workers': config.radius.workers,
    storage: config.storage,
    redis: config.redis,
    log: config.log,
  })
  const now = fixed(after)
  return Object.entries(fixed(before)).flatMap(([key, value]) =>
    JSON.stringify(value) === JSON.stringify(now[key]) ? [] : [key],
  )
}
