import { crc32 } from 'node:zlib'
import type { AccountingReport } from '../domain/session.ts'

/** `CRC-32 in hex, a blank, the record as JSON, a line feed`. */
export function spoolLine(record: AccountingReport): string {
  const json = JSON.stringify(record)
  return `${checksum(json)} ${json}\n`
}

/** @param line without its line feed. @returns undefined if it was cut off or changed. */
export function recordOfLine(line: string): AccountingReport | undefined {
  const json = line.slice(9)
  if (line[8] !== ' ' || line.slice(0, 8) !== checksum(json)) return undefined
  const record: AccountingReport = JSON.parse(json)
  return record
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
