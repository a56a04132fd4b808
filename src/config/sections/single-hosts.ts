import { parseNetwork } from '../../domain/network.ts'
import { echo, type Path } from '../../schema/config-error.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { isMapping } from '../partial-config.ts'

/** Where networks are named; `*` stands for each of a list or of a mapping. */
const PLACES: readonly (readonly string[])[] = [
  ['gateways', '*', 'address'],
  ['http', 'allow'],
  ['http', 'trusted_proxies'],
  ['lockout', 'exempt'],
  ['policies', '*', 'when', 'networks'],
  ['pools', '*', 'exclude'],
]

/** Warns of addresses that look like those of networks: without a mask each is one host, which nobody has. */
export function checkSingleHosts(diagnostics: Diagnostics): void {
  for (const place of PLACES) for (const path of pathsOf(place, [], diagnostics)) warnAt(path, diagnostics)
}

function warnAt(path: Path, diagnostics: Diagnostics): void {
  const value = diagnostics.at(path)
  if (Array.isArray(value)) {
    for (const index of value.keys()) warnAt([...path, index], diagnostics)
    return
  }
  if (typeof value !== 'string' || value.includes('/') || parseNetwork(value) === undefined) return
  const mask = likelyMask(value)
  if (mask !== undefined)
    diagnostics.warn(
      path,
      `${echo(value)} has no mask, so it is one address, and looks like that of a network`,
      `write ${value}/${mask}, or ${value}/${value.includes(':') ? 128 : 32} for the one address`,
    )
}

/** The mask of an address that ends in zeros. */
function likelyMask(address: string): number | undefined {
  if (address.includes(':')) return address.endsWith('::') ? 64 : undefined
  const zeros = /(?:\.0)+$/.exec(address)?.[0].length ?? 0
  return zeros === 0 ? undefined : 32 - 4 * zeros
}

function pathsOf([first, ...rest]: readonly string[], before: Path, diagnostics: Diagnostics): Path[] {
  if (first === undefined) return [before]
  if (first !== '*') return pathsOf(rest, [...before, first], diagnostics)
  const value = diagnostics.at(before)
  const steps = Array.isArray(value) ? [...value.keys()] : isMapping(value) ? Object.keys(value) : []
  return steps.flatMap((step) => pathsOf(rest, [...before, step], diagnostics))
}
