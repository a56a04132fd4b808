import type { Command } from 'commander'
import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import { Complaint } from './complaint.ts'
import { type CommonOptions, verb } from './office.ts'
import { print } from './output.ts'
import { replyRules } from './reply-rules.ts'

export function checkCommand(): Command {
  return verb('check', 'read the configuration and tell everything that is wrong with it').action(check)
}

async function check({ config: file, json }: CommonOptions): Promise<void> {
  const loaded = await loadConfig(file, process.env, replyRules)
  const faults = 'faults' in loaded ? loaded.faults : []
  const { warnings } = loaded
  const lines = () => [
    ...(faults.length > 0 ? [describeFaults(file, faults).trimEnd()] : []),
    ...(warnings.length > 0 ? [describeFaults(file, warnings, 'warning').trimEnd()] : []),
    ...(faults.length === 0 ? [`${file} is sound.`] : []),
  ]
  print(json, { file, faults, warnings }, lines)
  if (faults.length > 0) throw new Complaint('')
}
