import type { Command } from 'commander'
import { startBroker } from '../broker.ts'
import { SpoolFolderTaken } from '../broker-spool.ts'
import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/shape.ts'
import type { Log } from '../domain/log.ts'
import { PortNotOpen } from '../http/server.ts'
import { jsonLog } from '../observe/log.ts'
import { LogNotWritable } from '../observe/log-sink.ts'
import { PortTaken } from '../transport/port-taken.ts'
import { announce } from './announce.ts'
import { askIdentities } from './ask-identities.ts'
import { Complaint } from './complaint.ts'
import { type CommonOptions, openStoreOrComplain, verb } from './office.ts'
import { replyRules } from './reply-rules.ts'
import { serveByWorkers } from './serve-workers.ts'
import { type Told, told } from './told.ts'

export function serveCommand(): Command {
  return verb('serve', 'run the broker until SIGTERM or SIGINT').action(serve)
}

async function serve({ config: file }: CommonOptions): Promise<void> {
  // From here on: whoever is told something while starting does it as well as later.
  const signals = told()
  const loaded = await loadConfig(file, process.env, replyRules)
  if (loaded.warnings.length > 0) process.stderr.write(describeFaults(file, loaded.warnings, 'warning'))
  if ('faults' in loaded) throw new Complaint(describeFaults(file, loaded.faults))
  const { config } = loaded
  const log = openLog(config)
  try {
    if (config.radius.workers > 1) await serveByWorkers(file, loaded, signals, log)
    else await serveAlone(config, signals, log)
  } catch (error) {
    const isKnown = [PortTaken, PortNotOpen, SpoolFolderTaken].some((known) => error instanceof known)
    throw isKnown && error instanceof Error ? new Complaint(error.message, { cause: error }) : error
  }
}

async function serveAlone(config: Config, { toStop, toReload }: Told, log: Log): Promise<void> {
  toReload(() => log.warn('reload.refused', { why: NO_RELOAD }))
  const store = await openStoreOrComplain(config, log, 'serving')
  try {
    await askIdentities(store, log)
    const broker = await startBroker(config, store, log)
    announce(broker, log, (await store.records.users.list({ limit: 1 })).length === 0)
    await toStop
    process.stderr.write('Stopping: answering what is in flight.\n')
    await broker.stop()
    log.info('broker.stopped')
  } finally {
    await store.close()
  }
}

const NO_RELOAD = 'one process reads its configuration at its start: restart it, or set radius.workers'

function openLog(config: Config): Log {
  try {
    return jsonLog(config.log)
  } catch (error) {
    throw error instanceof LogNotWritable ? new Complaint(error.message, { cause: error }) : error
  }
}
