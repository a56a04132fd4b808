import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** Where the service has its configuration. */
const SERVICE_CONFIG = '/etc/ocbroker/broker.yaml'
/** The configuration of commands that are told none. */
export const DEFAULT_CONFIG = existsSync(SERVICE_CONFIG) ? SERVICE_CONFIG : 'config/broker.yaml'

const GROUPS = 'lockout|pool|quota|session|storage|token|totp|trust|user'
const VERBS = 'audit|backup|check|doctor|explain|invite|login|ocserv-config|reload|restore|serve|usage'
const CALL = new RegExp(`\\bocbroker ((?:${GROUPS}) [a-z]+|${VERBS})\\b`, 'g')

/** Whether the project's files are run as they are: no package has put the command into a folder for programs. */
const RUNS_FROM_SOURCE = import.meta.url.endsWith('.ts')

/**
 * Calls of this program in a hint, so that they can be typed as they stand: they name the configuration, if it is not the
 * one that would be taken anyhow.
 */
export function withConfig(hint: string, configFile: string, fromSource = RUNS_FROM_SOURCE): string {
  const program = fromSource ? 'npx ocbroker' : 'ocbroker'
  const path = resolve(configFile)
  const named = path === resolve(DEFAULT_CONFIG) ? '' : ` --config ${quoted(path)}`
  return hint.replaceAll(CALL, (_, call: string) => `${program} ${call}${named}`)
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
