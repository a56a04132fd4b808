import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { sessionFile } from '../http/api/session-file.ts'
import { type CommonOptions, command, withRecords } from './command.ts'
import { formatOption, writeExport } from './export.ts'

interface Options extends CommonOptions {
  readonly format: 'ndjson' | 'csv'
  readonly user?: string
  readonly gateway?: string
  readonly open?: boolean
}

export function sessionExportCommand(): Command {
  return command('export', 'write all VPN sessions to standard output, the oldest first')
    .addOption(formatOption())
    .option('--user <name>', 'of this user only, as the gateway writes the name')
    .option('--gateway <name>', 'through this gateway only')
    .option('--open', 'without those that have ended')
    .action(exportSessions)
}

async function exportSessions({ format, user, gateway, open, ...options }: Options): Promise<void> {
  await withRecords(options, async ({ records }) => {
    await writeExport({
      form: sessionFile(systemClock.now())[format],
      chunk: (after, limit) =>
        records.sessions.list({ user, gateway, open, order: 'oldest', after: after?.id, limit }),
    })
  })
}
