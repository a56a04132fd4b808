import type { Command } from 'commander'
import { otherOwnerOf, storageFolder } from '../app/folder-owner.ts'
import { replyRules } from '../app/reply-rules.ts'
import { listenToSignals } from '../app/signals.ts'
import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import { OperatorError } from '../domain/errors.ts'
import { jsonLog } from '../observe/log.ts'
import { type CommonOptions, command } from './command.ts'

export function serveCommand(): Command {
  return command('serve').action(serve)
}

async function serve({ config: file }: CommonOptions): Promise<void> {
  const signals = listenToSignals()
  const loaded = await loadConfig(file, process.env, replyRules)
  if (loaded.warnings.length > 0) process.stderr.write(describeFaults(file, loaded.warnings, 'warning'))
  if ('faults' in loaded) throw new OperatorError(describeFaults(file, loaded.faults))
  refuseAsRoot(storageFolder(loaded.config.storage))
  const log = jsonLog(loaded.config.log)
  // The process that holds the sockets for its workers needs little of what a broker is made of.
  const isAlone = loaded.config.radius.workers === 1
  if (isAlone) await (await import('../app/serve-alone.ts')).serveAlone(file, loaded, signals, log)
  else await (await import('../app/serve-processes.ts')).serveByWorkers(file, loaded, signals, log)
}

/** Lock files, spooled accounting and the log would be root's, and the service could not write them any more. */
function refuseAsRoot(folder: string): void {
  const owner = otherOwnerOf(folder)
  if (owner === undefined) return
  throw new OperatorError(
    `${folder} belongs to another account (uid ${owner.uid}), which could not use what root makes there: run "systemctl start ocbroker", or this command as that account (runuser -u ACCOUNT -- ocbroker serve …)`,
  )
}
