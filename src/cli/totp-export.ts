import { stat } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import type { Store } from '../app/storage.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../domain/clock.ts'
import { placeOfEnrolment } from '../domain/enrolment.ts'
import { OperatorError } from '../domain/errors.ts'
import { CannotOpen } from '../domain/key-ring.ts'
import { type ExportedToken, exportedToken } from '../identity/export/exported-token.ts'
import { type CommonOptions, command, recordAudit, withStore } from './command.ts'
import { EXPORT_FORMATS, type ExportFormat, homesIn, type MadeExport, textIn } from './export-formats.ts'
import { print } from './output.ts'
import { writePrivateFile, writePrivateFolder } from './private-file.ts'
import { ProgressLine } from './progress-line.ts'
import { subjectOf } from './subject.ts'

interface Options extends CommonOptions {
  readonly format: ExportFormat
  readonly output?: string
  readonly keyFile?: string
}

const PAGE = 500
const STANDARD_OUTPUT = 'standard output'

export function totpExportCommand(): Command {
  return command('export', 'write authenticators with their seeds to a file, for another program')
    .argument('[names...]', 'whose; without a name, those of all users')
    .addOption(
      new Option('--format <format>', 'as user import reads it')
        .choices(EXPORT_FORMATS)
        .makeOptionMandatory(),
    )
    .option(
      '--output <path>',
      'a file to be made, which only you can read; with google-authenticator a folder of homes',
    )
    .option('--key-file <file>', 'holds a key in hexadecimal with which the seeds of pskc are encrypted')
    .action(exportAuthenticators)
}

async function exportAuthenticators(names: readonly string[], options: Options): Promise<void> {
  const { format, output, json } = options
  if (output === undefined && process.stdout.isTTY)
    throw new OperatorError('seeds are not shown on a terminal: --output FILE names a file to be made')
  if (output === undefined && json === true)
    throw new OperatorError('--json tells about the export: --output FILE names a file for the seeds')
  if (output === undefined && format === 'google-authenticator')
    throw new OperatorError('google-authenticator is a folder with a home for each user: --output names it')
  await withStore(options, async (store, config) => {
    await demandOwnerOf(config.storage.keyFile)
    const tokens = await tokensOf(store, names, json)
    if (tokens.length === 0) throw new OperatorError('nobody has an authenticator')
    const users = new Set(tokens.map(({ name }) => name)).size
    const place = output ?? STANDARD_OUTPUT
    const made = await madeOf(tokens, options, config)
    await written(made, output, () =>
      recordAudit(store, {
        kind: 'enrolments.exported',
        detail: `${tokens.length} authenticators of ${users} users, ${format}, to ${place}`,
      }),
    )
    if (output !== undefined)
      print(json, { file: output, format, users, authenticators: tokens.length }, () => [
        `${output}: authenticators of ${counted(users, 'user')}. Whoever reads it can log in with them: keep it safe, and delete it after use.`,
      ])
  })
}

/** Who can read the key file by another right than its owner's must not carry its secrets away. @throws OperatorError */
async function demandOwnerOf(keyFile: string): Promise<void> {
  const caller = process.geteuid?.()
  if (caller === 0 || (await stat(keyFile)).uid === caller) return
  throw new OperatorError(`only root and the owner of ${keyFile} may export authenticators`)
}

/** In the order of the names that were given, or of the subjects. @throws OperatorError with all that cannot be exported. */
async function tokensOf(
  store: Store,
  names: readonly string[],
  json: boolean | undefined,
): Promise<readonly ExportedToken[]> {
  const line = new ProgressLine('reading authenticators', systemClock)
  const subjects = names.length > 0 ? await namedIn(store, names) : await allIn(store)
  const tokens: ExportedToken[] = []
  const faults: string[] = []
  for (const [index, subject] of subjects.entries()) {
    const enrolments = await store.records.enrolments.ofSubject(subject)
    if (enrolments.length === 0) faults.push(`${subject} has no authenticator`)
    for (const enrolment of enrolments) {
      try {
        tokens.push(exportedToken(enrolment, store.keys.open(enrolment.sealedSeed, subject)))
      } catch (error) {
        if (!(error instanceof CannotOpen)) throw error
        faults.push(`the seed of ${subject} cannot be opened with the keys of the key file`)
      }
    }
    if (json !== true) line.tell(index + 1, subjects.length)
  }
  if (faults.length > 0) throw new OperatorError(faults.join('\n'))
  return tokens
}

async function namedIn(store: Store, names: readonly string[]): Promise<string[]> {
  const subjects = new Set<string>()
  for (const name of names) subjects.add(await subjectOf(name, store))
  return [...subjects]
}

async function allIn({ records }: Store): Promise<string[]> {
  const subjects = new Set<string>()
  let after: string | undefined
  for (;;) {
    const page = await records.enrolments.list({ after, limit: PAGE })
    for (const { subject } of page) subjects.add(subject)
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return [...subjects]
    after = placeOfEnrolment(last)
  }
}

async function madeOf(
  tokens: readonly ExportedToken[],
  options: Options,
  config: Config,
): Promise<MadeExport> {
  const { format, keyFile } = options
  if (keyFile !== undefined && format !== 'pskc')
    throw new OperatorError(`--key-file: the seeds of ${format} are not encrypted`)
  return format === 'google-authenticator'
    ? { files: homesIn(tokens) }
    : { text: await textIn(format, tokens, config.secondFactor.totp.issuer, keyFile) }
}

async function written(
  made: MadeExport,
  output: string | undefined,
  ready: () => Promise<void>,
): Promise<void> {
  if (output !== undefined && 'files' in made) await writePrivateFolder(output, made.files, ready)
  else if (output !== undefined && 'text' in made) await writePrivateFile(output, made.text, ready)
  else if ('text' in made) {
    await ready()
    process.stdout.write(made.text)
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
