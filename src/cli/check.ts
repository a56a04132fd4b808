import { resolve } from 'node:path'
import type { Command } from 'commander'
import { withConfig } from '../app/own-calls.ts'
import { replyRules } from '../app/reply-rules.ts'
import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import { accountOf } from '../doctor/account-access.ts'
import { OperatorError } from '../domain/errors.ts'
import { examineBeforeStart } from './check-before-start.ts'
import { type CommonOptions, command } from './command.ts'
import { findingLines } from './finding-lines.ts'
import { print } from './output.ts'

interface Options extends CommonOptions {
  readonly as?: string
}

export function checkCommand(): Command {
  return command('check')
    .option('--as <user>', 'whether this account, which will run the broker, may use its files and ports')
    .action(check)
}

async function check({ config: file, json, as }: Options): Promise<void> {
  const account = as === undefined ? undefined : await accountOf(as)
  const loaded = await loadConfig(file, process.env, replyRules)
  const faults = 'faults' in loaded ? loaded.faults : []
  const findings =
    'config' in loaded ? await examineBeforeStart({ ...loaded, file: resolve(file), account }) : []
  const { warnings } = loaded
  const told = findings.filter(({ verdict }) => verdict === 'warning' || verdict === 'fault')
  const wrong = faults.length + told.filter(({ verdict }) => verdict === 'fault').length
  const lines = () => [
    ...(faults.length > 0 ? described(file, faults) : []),
    ...(warnings.length > 0 ? described(file, warnings, 'warning') : []),
    ...told.flatMap((finding) => findingLines(finding, (remedy) => withConfig(remedy, file))),
    ...(wrong === 0 ? [`${file} is sound.`] : []),
    // Those of the file have said it above.
    ...(wrong > faults.length ? [`${file} is not sound: ${wrong} ${wrong === 1 ? 'fault' : 'faults'}.`] : []),
  ]
  print(json, { file, faults, warnings, findings }, lines)
  if (wrong > 0) throw new OperatorError('')
}

function described(...what: Parameters<typeof describeFaults>): readonly string[] {
  return describeFaults(...what)
    .trimEnd()
    .split('\n')
}
