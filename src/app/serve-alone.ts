import { SYSTEM_RUNTIME } from '../domain/runtime.ts'
import type { OpenLog } from '../observe/log.ts'
import { announce, announceStop, firstSteps } from './announce.ts'
import { startBroker } from './broker.ts'
import { checkIdentities } from './check-identities.ts'
import type { ReadConfig } from './config-changes.ts'
import { Reloader } from './reloader.ts'
import type { Signals } from './signals.ts'
import { openStore } from './storage.ts'

/** Serves by this process alone. @throws OperatorError */
export async function serveAlone(
  file: string,
  first: ReadConfig,
  signals: Signals,
  log: OpenLog,
): Promise<void> {
  const runtime = { ...SYSTEM_RUNTIME, log }
  const store = await openStore(first.config, runtime)
  try {
    await checkIdentities(store, log)
    const broker = await startBroker(first.config, store, runtime)
    const isEmpty = (await store.records.users.list({ limit: 1 })).length === 0
    announce(broker, log, isEmpty ? firstSteps(file) : undefined)
    const reloader = new Reloader({
      file,
      serving: first,
      log,
      async apply({ config }) {
        await broker.swap.prepare(config)
        broker.swap.commit()
      },
    })
    signals.toReopen(() => log.reopen())
    signals.toReload(() => {
      log.reopen()
      reloader.ask()
    })
    await signals.toStop
    announceStop(log)
    await broker.stop()
    log.info('broker.stopped')
  } finally {
    await store.close()
  }
}
