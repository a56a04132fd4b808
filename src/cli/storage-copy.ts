import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { asOperatorError, OperatorError } from '../domain/errors.ts'
import { type CopiedTable, type CopyEnd, copyRecords } from '../store/copying.ts'
import { type CommonOptions, command, readConfig } from './command.ts'
import { openSource, openTarget, type Place, requireKeys, showProgress } from './copy-ends.ts'
import { print, table } from './output.ts'

interface Options extends CommonOptions {
  readonly from?: string
  readonly to?: string
  readonly replace?: boolean
}

export function storageCopyCommand(): Command {
  return command('copy', 'copy all records into another database, and compare; the first is only read')
    .option('--from <file>', 'an SQLite file, or another configuration (.yaml); else the configuration')
    .option('--to <file>', 'the same for the target')
    .option('--replace', 'give up what the target holds')
    .action(copy)
}

async function copy({ from, to, replace = false, ...common }: Options): Promise<void> {
  if (from === undefined && to === undefined) {
    throw new OperatorError('name where to copy to (--to FILE), or from (--from FILE)')
  }
  const [here, there] = [await placeNamed(from, common), await placeNamed(to, common)]
  if (addressOf(here) === addressOf(there)) throw new OperatorError('both are the same database')
  try {
    await using ends = new AsyncDisposableStack()
    const source = await openSource(here)
    ends.defer(source.close)
    if ('storage' in there) await requireKeys(source, there.storage)
    const target = await openTarget(there)
    ends.defer(target.close)
    const copied = await copyRecords(source, target, { replace, ...showProgress() })
    await target.settle()
    print(common.json, { from: source.name, to: target.name, tables: copied }, () =>
      summary(source, target, copied),
    )
  } catch (error) {
    throw asOperatorError(error)
  }
}

function summary(source: CopyEnd, target: CopyEnd, copied: readonly CopiedTable[]): string[] {
  const rows = copied.map(({ table: name, rows, digest }) => [name, String(rows), digest.slice(0, 16)])
  return [
    ...table(['TABLE', 'ROWS', 'SHA-256'], rows),
    '',
    `Copied from ${source.name} to ${target.name} and compared.`,
    'What was written to the first since then is not in the second.',
  ]
}

async function placeNamed(name: string | undefined, common: CommonOptions): Promise<Place> {
  if (name !== undefined && !/\.ya?ml$/.test(name)) return { file: resolve(name) }
  return { storage: (await readConfig(name === undefined ? common : { ...common, config: name })).storage }
}

function addressOf(place: Place): string {
  if ('storage' in place && place.storage.postgres !== undefined) {
    const { host, port, database } = place.storage.postgres.server
    return `postgres ${host} ${port} ${database}`
  }
  const file = 'file' in place ? place.file : place.storage.sqlite
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}
