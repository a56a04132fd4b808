import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import type { Store } from '../app/storage.ts'
import { compareNames } from '../doctor/namesakes.ts'
import { systemClock } from '../domain/clock.ts'
import { messageOf, OperatorError } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'
import type { ImportFault } from '../identity/import/file-lines.ts'
import { parseHtpasswd } from '../identity/import/htpasswd.ts'
import { importTokens } from '../identity/import/import-tokens.ts'
import { importUsers } from '../identity/import/import-users.ts'
import { parseOcpasswd } from '../identity/import/ocpasswd.ts'
import type { ImportManner, ImportOutcome } from '../identity/import/take-over.ts'
import { parseUsersOath } from '../identity/import/users-oath.ts'
import { isOthersName } from '../manage/namesakes.ts'
import { subjectOf } from '../manage/subject.ts'
import { type CommonOptions, command, readable, recordAudit, withStore } from './command.ts'
import { namesakesIn } from './namesakes-in.ts'
import { print } from './output.ts'
import { ProgressLine } from './progress-line.ts'

const FORMATS = ['ocpasswd', 'htpasswd', 'oath'] as const

interface Options extends CommonOptions {
  readonly format: (typeof FORMATS)[number]
  readonly group?: readonly string[]
  readonly skipBad?: boolean
  readonly dryRun?: boolean
}

const PATIENCE_MS = 10_000
/** For people; `--json` shows all. */
const MAX_FAULTS_SHOWN = 50

export function userImportCommand(): Command {
  return command('import', 'take over users, or their authenticators, from a file of another program')
    .argument('<file>')
    .addOption(
      new Option(
        '--format <format>',
        "ocpasswd: ocserv's own users; htpasswd: Apache's; oath: authenticators, by liboath's users file",
      )
        .choices(FORMATS)
        .makeOptionMandatory(),
    )
    .option('--group <group...>', 'groups that the users get beside those of the file')
    .option('--skip-bad', 'import the good lines although there are bad ones')
    .option('--dry-run', 'look at every line and write nothing')
    .action(importFile)
}

async function importFile(file: string, options: Options): Promise<void> {
  const { format, json, dryRun = false } = options
  if (format === 'oath' && options.group !== undefined)
    throw new OperatorError('--group: authenticators have no groups')
  for (const group of options.group ?? []) readable('--group', group)
  const text = await textOf(file)
  await withStore(options, async (store) => {
    const { imported, faults } = await importInto(store, text, file, options)
    if (imported.length + faults.length === 0) throw new OperatorError(`${file} holds nothing to import`)
    const isOfUsers = format !== 'oath'
    const namesakes = isOfUsers ? await compareNames(imported, (name) => namesakesIn(store, name)) : []
    print(
      json,
      { file, format, dryRun, imported, faults, warnings: namesakes.map(({ cause }) => cause) },
      () => [
        ...linesOf(faults),
        summary(imported.length, faults.length, options),
        ...namesakes.map(({ about, cause, remedy }) => `Warning: ${about}: ${cause}; ${remedy}.`),
      ],
    )
    if (faults.length > 0 && (options.skipBad !== true || imported.length === 0)) throw new OperatorError('')
  })
}

function importInto(store: Store, text: string, file: string, options: Options): Promise<ImportOutcome> {
  const { format, skipBad = false, dryRun = false, json, group: groups } = options
  const { users, enrolments } = store.records
  const what = format === 'oath' ? 'importing authenticators' : 'importing users'
  const line = new ProgressLine(what, systemClock)
  const manner: ImportManner = {
    skipBad,
    dryRun,
    onTaken: (name) =>
      recordAudit(store, {
        kind: format === 'oath' ? 'enrolment.made' : 'user.added',
        user: name,
        detail: `imported from ${file} (${format})`,
      }),
    onProgress: json === true ? undefined : (done, all) => line.tell(done, all),
  }
  const clock = systemClock
  const intoUsers = {
    ...manner,
    users,
    clock,
    groups,
    isOthersName: (name: string) => isOthersName(name, store.candidates),
  }
  switch (format) {
    case 'ocpasswd':
      return importUsers(parseOcpasswd(text), intoUsers)
    case 'htpasswd':
      return importUsers(parseHtpasswd(text), intoUsers)
    case 'oath':
      return importTokens(parseUsersOath(text), {
        ...manner,
        enrolments,
        keys: store.keys,
        clock,
        random: systemRandom,
        subjectOf: (name) =>
          subjectOf(name, { candidates: store.candidates, clock, patienceMs: PATIENCE_MS }),
      })
  }
}

/** @throws OperatorError */
async function textOf(file: string): Promise<string> {
  let octets: Buffer
  try {
    octets = await readFile(file)
  } catch (error) {
    throw new OperatorError(`${file} cannot be read: ${messageOf(error)}`)
  }
  if (!isUtf8(octets)) throw new OperatorError(`${file} is not written in UTF-8`)
  return octets.toString('utf8')
}

function linesOf(faults: readonly ImportFault[]): string[] {
  const shown = faults.slice(0, MAX_FAULTS_SHOWN).map(({ line, problem }) => `line ${line}: ${problem}`)
  const more = faults.length - shown.length
  return more === 0 ? shown : [...shown, `and ${more} more`]
}

function summary(imported: number, faults: number, { format, skipBad, dryRun }: Options): string {
  const noun = format === 'oath' ? 'authenticator' : 'user'
  const good = counted(imported, noun)
  const bad = counted(faults, 'line')
  if (faults > 0 && skipBad !== true)
    return `Nothing ${dryRun ? 'would be' : 'was'} imported, because of ${bad}; --skip-bad leaves ${faults === 1 ? 'it' : 'them'} out.`
  const left = faults === 0 ? '' : `; ${bad} left out`
  return dryRun ? `${good} would be imported${left}.` : `Imported ${good}${left}.`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
