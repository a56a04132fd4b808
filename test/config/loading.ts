import { writeFileSync } from 'node:fs'
import { replyRules } from '../../src/app/reply-rules.ts'
import { type ConfigError, type Loaded, loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'

/** A gateway, the least that a configuration must hold beside its policies. */
export const GATEWAY = 'gateways: [{ name: gw1, address: 192.0.2.1, secret: a-secret-of-good-length }]\n'

const POLICIES = '\npolicies: [{ name: everyone, reply: {} }]\n'

/** Adds the policies that a configuration must hold where a test is not about them. */
function withPolicies(text: string | Buffer): string | Buffer {
  const isWhole = typeof text === 'string' && text.includes('gateways:') && !text.includes('policies')
  return isWhole ? `${text}${POLICIES}` : text
}

/** Loads a text as the file `broker.yaml` of a folder that is gone afterwards. */
export async function load(
  text: string | Buffer,
  prepare: (folder: TemporaryFolder) => void = () => {},
): Promise<Loaded> {
  const folder = temporaryFolder('config')
  try {
    prepare(folder)
    writeFileSync(folder.file('broker.yaml'), withPolicies(text), { mode: 0o600 })
    return await loadConfig(folder.file('broker.yaml'), {}, replyRules)
  } finally {
    await folder.remove()
  }
}

export async function configOf(text: string): Promise<Config> {
  const loaded = await load(text)
  if ('config' in loaded) return loaded.config
  throw new Error(JSON.stringify(loaded.faults))
}

export async function faultsOf(text: string | Buffer): Promise<readonly ConfigError[]> {
  const loaded = await load(text)
  return 'faults' in loaded ? loaded.faults : []
}

/** The only fault. */
export async function faultOf(text: string): Promise<ConfigError> {
  const [fault, ...others] = await faultsOf(text)
  if (fault === undefined || others.length > 0)
    throw new Error(`expected one fault: ${JSON.stringify([fault, ...others])}`)
  return fault
}

export async function warningsOf(text: string): Promise<readonly ConfigError[]> {
  const loaded = await load(text)
  if ('config' in loaded) return loaded.warnings
  throw new Error(JSON.stringify(loaded.faults))
}
