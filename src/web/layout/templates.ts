import { join } from 'node:path'
import { Eta } from 'eta'
import { spelledOut } from '../../domain/hidden-characters.ts'

const VIEWS = join(import.meta.dirname, '..')

/** Characters that nobody sees are written out: a name from a directory could turn the rest of its line around. */
export function escapingEta(): Eta {
  const eta = new Eta({ views: VIEWS, autoEscape: true, cache: true, autoTrim: ['nl', 'nl'] })
  const escapeText = eta.config.escapeFunction
  // Line breaks stand between the recovery codes that are copied.
  const linesOf = (text: string) => text.split('\n').map(spelledOut).join('\n')
  eta.configure({ escapeFunction: (text: unknown) => escapeText(linesOf(String(text))) })
  return eta
}
