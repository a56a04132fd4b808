import type { ExportedToken } from './exported-token.ts'

export const OATH_CSV_HEAD = 'user,type,secret,digits,interval,counter,algorithm,label'

/** A line of the table, the seed in hexadecimal. */
export function oathCsvLine({
  name,
  kind,
  seed,
  digits,
  period,
  counter,
  algorithm,
  label = '',
}: ExportedToken): string {
  const [interval, next] = kind === 'totp' ? [period, ''] : ['', counter]
  return [
    quoted(name),
    kind,
    seed.bytes().toString('hex'),
    digits,
    interval,
    next,
    algorithm,
    quoted(label),
  ].join(',')
}

/** As RFC 4180 §2 has it. */
function quoted(field: string): string {
  return /[",;\t']|^#|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}
