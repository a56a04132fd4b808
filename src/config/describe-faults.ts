import type { ConfigError } from '../schema/config-error.ts'

/** Errors or warnings for people: a heading, then each with its line, path and suggestion. Ends with a line break. */
export function describeFaults(
  file: string,
  found: readonly ConfigError[],
  kind: 'fault' | 'warning' = 'fault',
): string {
  const heading = `${file}: ${found.length} ${kind}${found.length === 1 ? '' : 's'}`
  return [heading, ...found.flatMap(linesOf), ''].join('\n')
}

function linesOf({ path, line, problem, suggestion }: ConfigError): string[] {
  const place = [line === undefined ? '' : `line ${line}`, path].filter((part) => part !== '').join(', ')
  const first = place === '' ? `  ${problem}` : `  ${place}: ${problem}`
  return suggestion === undefined ? [first] : [first, `      ${suggestion}`]
}
