import type { Command } from 'commander'
import { buildIdentities, type Identities } from '../broker-identity.ts'
import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/shape.ts'
import { systemClock } from '../domain/clock.ts'
import { quietLog } from '../domain/log.ts'
import { systemRandom } from '../domain/random.ts'
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
  const unavailable = 'config' in loaded ? await findUnavailable(loaded.config) : []
  const { warnings } = loaded
  const lines = () => [
    ...(faults.length > 0 ? [describeFaults(file, faults).trimEnd()] : []),
    ...(warnings.length > 0 ? [describeFaults(file, warnings, 'warning').trimEnd()] : []),
    ...unavailable,
    ...(faults.length === 0 ? [`${file} is sound.`] : []),
  ]
  print(json, { file, faults, warnings, unavailable }, lines)
  if (faults.length + unavailable.length > 0) throw new Complaint('')
}

const READY_WITHIN_MS = 5000

/** One line for each identity store that cannot be asked now: which, which server, and why. */
async function findUnavailable(config: Config): Promise<string[]> {
  const identities = buildOrComplain(config)
  try {
    return (await identities.findFaults(READY_WITHIN_MS)).map(({ cause }) => cause)
  } finally {
    await identities.close()
  }
}

/** @throws Complaint where the settings of a store cannot be used. */
function buildOrComplain(config: Config): Identities {
  try {
    return buildIdentities(config, { clock: systemClock, random: systemRandom, log: quietLog })
  } catch (error) {
    throw error instanceof Error ? new Complaint(error.message, { cause: error }) : error
  }
}
