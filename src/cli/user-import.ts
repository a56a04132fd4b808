import { type Command, Option } from 'commander'
import type { Store } from '../app/storage.ts'
import { userListsOf } from '../app/user-lists.ts'
import type { Config } from '../config/schema.ts'
import { compareNames } from '../doctor/namesakes.ts'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'
import { isShortSeed } from '../domain/seed-text.ts'
import { type ImportFault, placeWords } from '../identity/import/file-lines.ts'
import { importTokens } from '../identity/import/import-tokens.ts'
import { importUsers } from '../identity/import/import-users.ts'
import type { ImportManner, ImportOutcome } from '../identity/import/take-over.ts'
import { isOthersName } from '../manage/namesakes.ts'
import { subjectOf } from '../manage/subject.ts'
import { type CommonOptions, command, commandEvent, readable, withStore } from './command.ts'
import {
  FORMATS,
  FORMATS_HELP,
  isUserFormat,
  LIST_FORMAT,
  readTokens,
  readUsers,
  type TokenFormat,
  type TokenOptions,
  textOf,
  type UserFormat,
} from './import-formats.ts'
import { namesakesIn } from './namesakes-in.ts'
import { operator } from './operator.ts'
import { print } from './output.ts'
import { ProgressLine } from './progress-line.ts'

interface Options extends CommonOptions, TokenOptions {
  readonly format: UserFormat | TokenFormat | typeof LIST_FORMAT
  readonly group?: readonly string[]
  readonly replace?: boolean
  readonly skipBad?: boolean
  readonly dryRun?: boolean
}

/** What was imported, and what the operator should know of it. */
interface Imported extends ImportOutcome {
  readonly warnings: readonly { readonly cause: string; readonly text: string }[]
}

const PATIENCE_MS = 10_000
/** For people; `--json` shows all. */
const MAX_FAULTS_SHOWN = 50

export function userImportCommand(): Command {
  return command('import', 'take over users, or their authenticators, from a file of another program')
    .argument('<path>')
    .addOption(new Option('--format <format>', FORMATS_HELP).choices(FORMATS).makeOptionMandatory())
    .option('--group <group...>', 'groups that the users get beside those of the file')
    .option('--user <name>', 'whose a single file of google-authenticator is')
    .option(
      '--key-file <file>',
      'holds the key that encrypts the seeds: of pskc in hexadecimal, of privacyidea as it was printed, of linotp its encKey',
    )
    .option(
      '--owners <file>',
      'tells whose each token is, a serial number and a user a line, where pskc, oath-csv or linotp do not',
    )
    .option('--replace', 'take the place of authenticators that the users have')
    .option('--skip-bad', 'import the good lines although there are bad ones')
    .option('--dry-run', 'look at every line and write nothing')
    .action(importFile)
}

async function importFile(path: string, options: Options): Promise<void> {
  const { format, json, dryRun = false } = options
  const isOfUsers = isUserFormat(format) || format === LIST_FORMAT
  if (format === LIST_FORMAT && options.group !== undefined)
    throw new OperatorError('--group: the list has a column groups')
  if (!isOfUsers && options.group !== undefined)
    throw new OperatorError('--group: authenticators have no groups')
  if (isOfUsers && (options.replace ?? options.user ?? options.keyFile ?? options.owners) !== undefined)
    throw new OperatorError('--replace, --user, --key-file and --owners are for authenticators')
  for (const group of options.group ?? []) readable('--group', group)
  await withStore(options, async (store, config) => {
    const importing =
      format === LIST_FORMAT
        ? listInto(store, path, config, options)
        : isUserFormat(format)
          ? usersInto(store, path, format, options)
          : tokensInto(store, path, format, options)
    const { imported, faults, warnings, isOvertaken } = await importing
    if (isOvertaken)
      throw new OperatorError('the records were changed meanwhile; nothing was done, try again')
    if (imported.length + faults.length === 0 && format !== LIST_FORMAT)
      throw new OperatorError(`${path} holds nothing to import`)
    print(
      json,
      { file: path, format, dryRun, imported, faults, warnings: warnings.map(({ cause }) => cause) },
      () => [
        ...linesOf(faults),
        summary(imported.length, faults.length, options),
        ...warnings.map(({ text }) => `Warning: ${text}.`),
      ],
    )
    if (faults.length > 0 && (options.skipBad !== true || imported.length === 0)) throw new OperatorError('')
  })
}

async function usersInto(
  store: Store,
  file: string,
  format: UserFormat,
  options: Options,
): Promise<Imported> {
  const outcome = await importUsers(await readUsers(file, format), {
    ...mannerOf(options),
    eventOf: (name) => commandEvent({ kind: 'user.added', user: name, detail: sourceOf(file, options) }),
    users: store.records.users,
    clock: systemClock,
    groups: options.group,
    isOthersName: (name) => isOthersName(name, store.candidates),
  })
  const namesakes = await compareNames(outcome.imported, (name) => namesakesIn(store, name))
  const warnings = namesakes.map(({ about, cause, remedy }) => ({
    cause,
    text: `${about}: ${cause}; ${remedy}`,
  }))
  return { ...outcome, warnings }
}

/** All of the list in one transaction, or nothing. Users who are there already are changed. */
async function listInto(
  store: Store,
  path: string,
  config: Config,
  { dryRun = false, skipBad = false }: Options,
): Promise<Imported> {
  const lists = userListsOf(config, store, { clock: systemClock, random: systemRandom })
  const plan = await lists.plan(await textOf(path), async () => true)
  const { added, changed, faults } = plan
  if (skipBad && faults.length > 0)
    throw new OperatorError('--skip-bad: a list is carried out as a whole, or not at all')
  const warnings: Imported['warnings'] = []
  if (faults.length > 0) return { imported: [], faults, warnings }
  const answer = dryRun ? 'done' : await lists.carryOut(plan, { actor: operator(), reason: `from ${path}` })
  if (answer === 'overtaken') return { imported: [], faults, warnings, isOvertaken: true }
  const imported = [...added, ...changed.map(({ before }) => before)].map(({ name }) => name)
  return { imported, faults, warnings }
}

async function tokensInto(
  { records: { enrolments }, keys, candidates }: Store,
  path: string,
  format: TokenFormat,
  options: Options,
): Promise<Imported> {
  const clock = systemClock
  const parsed = await readTokens(path, format, options)
  const outcome = await importTokens(parsed, {
    ...mannerOf(options),
    eventOf: (name) => commandEvent({ kind: 'enrolment.made', user: name, detail: sourceOf(path, options) }),
    enrolments,
    keys,
    clock,
    random: systemRandom,
    subjectOf: (name) => subjectOf(name, { candidates, clock, patienceMs: PATIENCE_MS }),
    replace: options.replace ?? false,
  })
  const taken = new Set(outcome.imported)
  const short = parsed.entries.filter((entry) => taken.has(entry.name) && isShortSeed(entry.seed))
  const warnings = short.map(({ name }) => {
    const cause = `the seed of ${name} has under 128 bits (RFC 4226 §4)`
    return { cause, text: `${cause}; let the user enrol again` }
  })
  return { ...outcome, warnings }
}

function mannerOf({ skipBad = false, dryRun = false, json }: Options): ImportManner {
  const line = new ProgressLine('checking lines', systemClock)
  return { skipBad, dryRun, onProgress: json === true ? undefined : (done, all) => line.tell(done, all) }
}

function sourceOf(path: string, { format }: Options): string {
  return `imported from ${path} (${format})`
}

function linesOf(faults: readonly ImportFault[]): string[] {
  const shown = faults.slice(0, MAX_FAULTS_SHOWN).map((fault) => `${placeWords(fault)}: ${fault.problem}`)
  const more = faults.length - shown.length
  return more === 0 ? shown : [...shown, `and ${more} more`]
}

function summary(imported: number, faults: number, { format, skipBad, dryRun }: Options): string {
  const noun = isUserFormat(format) || format === LIST_FORMAT ? 'user' : 'authenticator'
  const good = counted(imported, noun)
  const bad = counted(faults, format === 'google-authenticator' ? 'file' : 'line')
  if (faults > 0 && skipBad !== true)
    return `Nothing ${dryRun ? 'would be' : 'was'} imported, because of ${bad}${format === LIST_FORMAT ? '' : `; --skip-bad leaves ${faults === 1 ? 'it' : 'them'} out`}.`
  const left = faults === 0 ? '' : `; ${bad} left out`
  return dryRun ? `${good} would be imported${left}.` : `Imported ${good}${left}.`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
