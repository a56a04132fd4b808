import type { Command } from 'commander'
import { buildIdentities, type Identities } from '../app/identities.ts'
import { replyRules } from '../app/reply-rules.ts'
import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { asOperatorError, OperatorError } from '../domain/errors.ts'
import { SYSTEM_RUNTIME } from '../domain/runtime.ts'
import { findUnendedSessions } from './check-session-ends.ts'
import { type CommonOptions, command } from './command.ts'
import { print } from './output.ts'

export function checkCommand(): Command {
  return command('check').action(check)
}

async function check({ config: file, json }: CommonOptions): Promise<void> {
  const loaded = await loadConfig(file, process.env, replyRules)
  const faults = 'faults' in loaded ? loaded.faults : []
  const { unavailable, remarks: ofStores } =
    'config' in loaded ? await askIdentities(loaded.config) : { unavailable: [], remarks: [] }
  const unended = 'config' in loaded ? await findUnendedSessions(loaded.config) : []
  const remarks = [...ofStores, ...unended.map(({ about, cause, remedy }) => `${about}: ${cause}: ${remedy}`)]
  const { warnings } = loaded
  const lines = () => [
    ...(faults.length > 0 ? described(file, faults) : []),
    ...(warnings.length > 0 ? described(file, warnings, 'warning') : []),
    ...remarks.map((remark) => `warning: ${remark}`),
    ...unavailable,
    ...(faults.length === 0 ? [`${file} is sound.`] : []),
  ]
  print(json, { file, faults, warnings, remarks, unavailable }, lines)
  if (faults.length + unavailable.length > 0) throw new OperatorError('')
}

function described(...what: Parameters<typeof describeFaults>): readonly string[] {
  return describeFaults(...what)
    .trimEnd()
    .split('\n')
}

const READY_WITHIN_MS = 5000

/** One line for each identity store that cannot be asked now: which, which server, and why; and for what does not fit. */
async function askIdentities(config: Config): Promise<Record<'unavailable' | 'remarks', readonly string[]>> {
  const identities = await buildOrComplain(config)
  try {
    const faults = await identities.findFaults(READY_WITHIN_MS)
    const remarks = await identities.findRemarks(READY_WITHIN_MS)
    return {
      unavailable: faults.map(({ cause }) => cause),
      remarks: remarks.map(({ store, problem, remedy }) => `identity.${store}: ${problem}: ${remedy}`),
    }
  } finally {
    await identities.close()
  }
}

/** @throws OperatorError if the settings of a store cannot be used. */
async function buildOrComplain(config: Config): Promise<Identities> {
  try {
    return await buildIdentities(config, SYSTEM_RUNTIME)
  } catch (error) {
    throw asOperatorError(error)
  }
}
