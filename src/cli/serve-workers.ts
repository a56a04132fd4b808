import { spoolsIn } from '../accounting/spool.ts'
import { ownRules } from '../broker-passing.ts'
import { describeFaults } from '../config/describe-faults.ts'
import { type ConfigSource, loadConfig } from '../config/load.ts'
import type { Config } from '../config/shape.ts'
import { systemClock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import type { StateCall } from '../limits/state-calls.ts'
import { StateDesk } from '../limits/state-desk.ts'
import { figuresOfWorkers } from '../observe/metrics.ts'
import { type HeldSocket, holdSockets } from '../transport/held-sockets.ts'
import { type OrderFor, Supervisor } from '../workers/supervisor.ts'
import { WorkerRefused } from '../workers/worker-process.ts'
import { announce } from './announce.ts'
import { Complaint } from './complaint.ts'
import { replyRules } from './reply-rules.ts'
import { spoolOf, type WorkerOrder, type WorkerSays } from './worker-order.ts'

interface Loaded {
  readonly config: Config
  readonly source: ConfigSource
}

/**
 * Serves by several processes. This one holds their sockets, counts for them and replaces them, and answers nobody
 * itself: whatever a datagram can do to the process that reads it, the sockets and the counts are still there.
 * @throws Complaint, PortTaken
 */
export async function serveByWorkers(
  file: string,
  { config, source }: Loaded,
  stop: Promise<void>,
  log: Log,
): Promise<void> {
  const { addresses, authPort, acctPort, workers } = config.radius
  const places = addresses.flatMap((address) => [
    { service: 'auth' as const, address, port: authPort },
    { service: 'acct' as const, address, port: acctPort },
  ])
  const held = await holdSockets(places, workers)
  const desk = new StateDesk(systemClock)
  desk.countBy(ownRules(config))
  const supervisor = new Supervisor({
    workers,
    entry: new URL('./worker.ts', import.meta.url),
    fdsOf: (number) => held.sockets.flatMap(({ fds }) => fds[number] ?? []),
    answer: (what, about, pid) =>
      what === 'state' ? desk.answer(about as StateCall, pid) : figuresOf(supervisor),
    ended: (pid) => void desk.forget(pid),
    leftBy: spoolOf,
    clock: systemClock,
    log,
  })
  let isStopping = false
  const stopped = stop.then(async () => {
    isStopping = true
    process.stderr.write('Stopping: answering what is in flight.\n')
    await supervisor.stop()
  })
  try {
    const left = spoolsIn(config.storage.spool)
    const said = await supervisor.start(ordersOf(file, source, held.sockets), left)
    announceAll(held.sockets, said as readonly WorkerSays[], log)
    const reloading = new Reloading({ file, serving: config, held: held.sockets, supervisor, desk, log })
    process.on('SIGHUP', () => reloading.ask())
    await stopped
    log.info('broker.stopped')
  } catch (error) {
    // A worker that was told to stop while it was starting has not failed.
    if (!isStopping)
      throw error instanceof WorkerRefused ? new Complaint(error.message, { cause: error }) : error
    await stopped
  } finally {
    await held.release()
  }
}

function ordersOf(file: string, source: ConfigSource, sockets: readonly HeldSocket[]): OrderFor {
  const places = sockets.map(({ service, address, port }) => ({ service, address, port }))
  const { isOpenToAll } = source
  // Between a process and its own children it may be seen as it is.
  return (number, follows): WorkerOrder => ({
    ...{ file, text: source.text.reveal(), isOpenToAll, number, places },
    heldHttpPort: (follows as WorkerSays | undefined)?.http?.port,
  })
}

async function figuresOf(supervisor: Supervisor): Promise<string> {
  return figuresOfWorkers(await supervisor.askAll('figures'), supervisor)
}

function announceAll(sockets: readonly HeldSocket[], said: readonly WorkerSays[], log: Log): void {
  const [first] = said
  const listening = [
    ...sockets.map(({ service, address, port }) => ({ service, address, port })),
    ...(first?.http === undefined ? [] : [{ service: 'http' as const, ...first.http }]),
  ]
  announce({ listening }, log, first?.isEmpty === true)
}

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
class Reloading {
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
