import type { Diagnostics } from '../diagnostics.ts'

/** Reports each name in a list of sections that an earlier entry has. @param noun of one entry: `gateway`. */
export function checkUniqueNames(
  section: string,
  noun: string,
  entries: readonly ({ readonly name?: string | undefined } | undefined)[],
  diagnostics: Diagnostics,
): void {
  const names = entries.map((entry) => entry?.name)
  for (const [index, name] of names.entries()) {
    const earlier = names.indexOf(name)
    if (name !== undefined && earlier < index)
      diagnostics.fault(
        [section, index, 'name'],
        `${name} is already the name of ${section}[${earlier}]`,
        `give each ${noun} a name of its own`,
      )
  }
}
