import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { withConfig } from '../app/own-calls.ts'
import { type DatedOutcome, readOutcome, runningBroker } from '../app/spool-folder.ts'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { type CommonOptions, command, readConfig } from './command.ts'
import { print } from './output.ts'

/** Longer than any broker takes to try a configuration. */
const WITHIN_MS = 120_000
const LOOK_EVERY_MS = 50

export function reloadCommand(): Command {
  return command('reload').action(reload)
}

async function reload(options: CommonOptions): Promise<void> {
  // A file with faults is refused here as it would be there.
  const { spool } = (await readConfig(options)).storage
  const outcome = await reloaded(spool, options.config)
  if (outcome.kind === 'refused') throw new OperatorError(`refused, nothing has changed:\n${outcome.why}`)
  const { changed, warnings } = outcome
  process.stderr.write(warnings)
  print(options.json, { changed }, () => [
    changed.length === 0
      ? 'reloaded: the configuration is the same; the files that it names were read again'
      : `reloaded, changed: ${changed.join(', ')}`,
  ])
}

async function reloaded(spool: string, configFile: string): Promise<DatedOutcome> {
  try {
    const pid = runningBroker(spool)
    if (pid === undefined)
      throw new OperatorError(
        `no broker runs that keeps ${spool} (storage.spool): start it with "${withConfig('ocbroker serve', configFile)}"`,
      )
    const since = systemClock.now()
    process.kill(pid, 'SIGHUP')
    for (const until = since + WITHIN_MS; systemClock.now() < until; await sleep(LOOK_EVERY_MS)) {
      const outcome = readOutcome(spool)
      if (outcome !== undefined && outcome.readAt >= since) return outcome
    }
    throw new OperatorError(
      `the broker (pid ${pid}) has not said within ${WITHIN_MS / 1000} s what came of it: see its log`,
    )
  } catch (error) {
    if (error instanceof OperatorError || !(error instanceof Error)) throw error
    throw new OperatorError(
      `the broker cannot be told to reload: ${error.message}. Run this as its user, or as root`,
      {
        cause: error,
      },
    )
  }
}
