import { once } from 'node:events'
import { Option } from 'commander'
import { type FileOptions, linesOfFile } from '../http/api/record-file.ts'

/** More than any site keeps. */
const MOST = 1_000_000_000

export const formatOption = () =>
  new Option('--format <format>', 'of the file').choices(['ndjson', 'csv']).default('ndjson')

/** Writes records to standard output, a chunk at a time. */
export async function writeExport<Item>(options: Pick<FileOptions<Item>, 'form' | 'chunk'>): Promise<void> {
  for await (const lines of linesOfFile({ ...options, most: MOST }))
    if (!process.stdout.write(lines)) await once(process.stdout, 'drain')
}
