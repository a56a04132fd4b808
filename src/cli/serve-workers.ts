import { spoolsIn } from '../accounting/spool.ts'
import { ownRules } from '../broker-passing.ts'
import { holdSpoolFolder } from '../broker-spool.ts'
import type { ConfigSource } from '../config/load.ts'
import type { Config } from '../config/shape.ts'
import { systemClock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import { systemRandom } from '../domain/random.ts'
import type { StateCall } from '../limits/state-calls.ts'
import { StateDesk } from '../limits/state-desk.ts'
import { figuresOfWorkers } from '../observe/metrics.ts'
import { type HeldSocket, holdSockets } from '../transport/held-sockets.ts'
import { Supervisor } from '../workers/supervisor.ts'
import { WorkerRefused } from '../workers/worker-process.ts'
import { announce } from './announce.ts'
import { Complaint } from './complaint.ts'
import { Reloading } from './reloading.ts'
import type { Told } from './told.ts'
import { ordersOf, type WorkerSays } from './worker-order.ts'

interface Loaded {
  readonly config: Config
  readonly source: ConfigSource
}

/**
 * Serves by several processes. This one holds their sockets, counts for them and replaces them, and answers nobody
 * itself: whatever a datagram can do to the process that reads it, the sockets and the counts are still there.
 * @throws Complaint, PortTaken, SpoolFolderTaken
 */
export async function serveByWorkers(
  file: string,
  { config, source }: Loaded,
  told: Told,
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
    newName: () => `accounting.${systemRandom.id()}`,
    keptNames: () => spoolsOrNone(config.storage.spool, log),
    clock: systemClock,
    log,
  })
  let isStopping = false
  const stopped = told.toStop.then(async () => {
    isStopping = true
    process.stderr.write('Stopping: answering what is in flight.\n')
    await supervisor.stop()
  })
  try {
    using _ = holdSpoolFolder(config.storage.spool)
    const said = await supervisor.start(ordersOf(file, source, held.sockets))
    announceAll(held.sockets, said as readonly WorkerSays[], log)
    const reloading = new Reloading({ file, serving: config, held: held.sockets, supervisor, desk, log })
    told.toReload(() => reloading.ask())
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

/** Where the folder cannot be read, what waits in it is for a later worker. */
function spoolsOrNone(folder: string, log: Log): readonly string[] {
  try {
    return spoolsIn(folder)
  } catch (error) {
    log.error('accounting.spool_fault', { error })
    return []
  }
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
