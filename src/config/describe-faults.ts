import type { Fault } from './fault.ts'

/** What is found, for people: a heading, then each with its line, its place, and what to do. Ends with a line break. */
export function describeFaults(
  file: string,
  found: readonly Fault[],
  kind: 'fault' | 'warning' = 'fault',
): string {
  const heading = `${file}: ${found.length} ${kind}${found.length === 1 ? '' : 's'}`
  return [heading, ...found.flatMap(linesOf), ''].join('\n')
}

function linesOf({ path, line, problem, suggestion }: Fault): string[] {
  const place = [line === undefined ? '' : `line ${line}`, path].filter((part) => part !== '').join(', ')
  const first = place === '' ? `  ${problem}` : `  ${place}: ${problem}`
  return suggestion === undefined ? [first] : [first, `      ${suggestion}`]
}
