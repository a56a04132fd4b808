import { spoolsIn } from '../accounting/spool.ts'
import type { StateRequest } from '../cluster/shared-state-client.ts'
import { SharedStateServer } from '../cluster/shared-state-server.ts'
import { type StartOptionsOf, Supervisor } from '../cluster/supervisor.ts'
import { systemClock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import { systemRandom } from '../domain/random.ts'
import type { OpenLog } from '../observe/log.ts'
import { figuresOfWorkers } from '../observe/metrics.ts'
import { holdSockets } from '../transport/held-sockets.ts'
import { expand, withPorts } from '../transport/own-addresses.ts'
import { announce, announceStop, firstSteps } from './announce.ts'
import type { ReadConfig } from './config-changes.ts'
import { localRules } from './ephemeral.ts'
import { HeldHttp } from './held-http.ts'
import { placesOf, tlsPlacesOf } from './places.ts'
import { Reloader } from './reloader.ts'
import type { Signals } from './signals.ts'
import { holdSpoolFolder } from './spool-folder.ts'
import { FIRST_SOCKET, type StartOptions, textOf, type WorkerStatus } from './worker-options.ts'

/**
 * Serves by several processes. This one holds their sockets, counts for them and replaces them, and answers no request
 * itself: whatever a datagram can do to the process that reads it, the sockets and the counts are still there.
 * @throws OperatorError
 */
export async function serveByWorkers(
  file: string,
  first: ReadConfig,
  signals: Signals,
  log: OpenLog,
): Promise<void> {
  const { radius, storage } = first.config
  const places = [
    ...expand(await withPorts(placesOf(radius))),
    ...tlsPlacesOf(radius).map((place) => ({ service: 'tls' as const, ...place })),
  ]
  const held = await holdSockets(places, radius.workers)
  const http = new HeldHttp(first.config.http)
  const state = new SharedStateServer(systemClock)
  state.countBy(localRules(first.config))
  const supervisor = new Supervisor({
    workers: radius.workers,
    entry: new URL('./worker.ts', import.meta.url),
    async fdsOf(number) {
      const httpFd = number === 0 ? await http.fd() : undefined
      return held.sockets.flatMap(({ fds }) => fds[number] ?? []).concat(httpFd ?? [])
    },
    async handle(method, argument, pid) {
      if (method === 'state') return state.answer(argument as StateRequest, pid)
      if (method === 'learned') return supervisor.broadcast('learn', argument, pid)
      return figuresOfWorkers(await supervisor.askAll('figures'), supervisor)
    },
    ended: (pid) => void state.forget(pid),
    newName: () => `accounting.${systemRandom.id()}`,
    keptNames: () => spoolsOrNone(storage.spool, log),
    clock: systemClock,
    log,
  })
  const startOptionsOf =
    (read: ReadConfig): StartOptionsOf =>
    (number, spool): StartOptions => ({
      text: textOf(file, read),
      number,
      spool,
      sockets: held.sockets.map(({ service, address, port }) => ({
        service,
        address,
        port,
      })),
      httpFd: number === 0 && http.isHeld ? FIRST_SOCKET + held.sockets.length : undefined,
    })
  let isStopping = false
  const stopped = signals.toStop.then(async () => {
    isStopping = true
    announceStop(log)
    await supervisor.stop()
  })
  try {
    using _ = holdSpoolFolder(storage.spool)
    const [status] = (await supervisor.start(startOptionsOf(first))) as readonly WorkerStatus[]
    const listening = [
      ...held.sockets,
      ...(status?.http ? [{ service: 'http' as const, ...status.http }] : []),
    ]
    announce(
      { listening: listening.map(({ service, address, port }) => ({ service, address, port })) },
      log,
      status?.isEmpty === true ? firstSteps(file) : undefined,
    )
    const reloader = new Reloader({
      file,
      serving: first,
      log,
      apply: (next) =>
        supervisor.reload(textOf(file, next), startOptionsOf(next), () => {
          state.countBy(localRules(next.config))
          http.use(next.config.http)
        }),
    })
    const reopen = () => {
      log.reopen()
      supervisor.broadcast('reopen', undefined)
    }
    signals.toReopen(reopen)
    signals.toReload(() => {
      reopen()
      reloader.ask()
    })
    await stopped
    log.info('broker.stopped')
  } catch (error) {
    // A worker that was told to stop while it was starting has not failed.
    if (!isStopping) throw error
    await stopped
  } finally {
    await Promise.all([held.release(), http.release()])
  }
}

/** If the folder cannot be read, what waits in it is for a later worker. */
function spoolsOrNone(folder: string, log: Log): readonly string[] {
  try {
    return spoolsIn(folder)
  } catch (error) {
    log.error('accounting.spool_fault', { error })
    return []
  }
}
