import { spelledOut, spelledOutJson } from '../domain/hidden-characters.ts'

/** Text; or what the broker drew itself, which may set colours and holds nothing of anybody else's. */
export type Line = string | { readonly drawn: string }

/** Prints data as JSON, or else the lines for people. No store makes a terminal do anything by what it sent. */
export function print(json: boolean | undefined, data: unknown, lines: () => readonly Line[]): void {
  const text = json
    ? spelledOutJson(JSON.stringify(data, undefined, 2))
    : lines()
        .map((line) => (typeof line === 'string' ? spelledOut(line) : line.drawn))
        .join('\n')
  if (text !== '') process.stdout.write(`${text}\n`)
}

/** Columns as wide as their widest cell, the heading first. */
export function table(headings: readonly string[], cells: readonly (readonly string[])[]): string[] {
  const rows = cells.map((row) => row.map(spelledOut))
  const widths = headings.map((heading, column) =>
    Math.max(columnsOf(heading), ...rows.map((row) => columnsOf(row[column] ?? ''))),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => padded(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(headings), ...rows.map(line)]
}

/** Characters that terminals show in two columns, by East Asian Width (Unicode, UAX 11). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/gu

/** How many columns of a terminal a text takes. */
export function columnsOf(text: string): number {
  return [...text].length + (text.match(WIDE)?.length ?? 0)
}

/** @param width in columns of a terminal. */
export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columnsOf(text)))
}

/** Wall milliseconds as local time to the second; a dash for none. */
export function moment(at: number | undefined): string {
  if (at === undefined) return '-'
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 19).replace('T', ' ')
}

/** Octets in the unit that reads best. */
export function octets(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = count
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/** Seconds as hours and minutes. */
export function timeSpan(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')} h`
}
