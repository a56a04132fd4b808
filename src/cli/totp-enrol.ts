import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { MAX_ENROLMENTS, newRecoveryCode, recoveryCodeHash } from '../domain/enrolment.ts'
import { enrolmentNameIn, freeEnrolmentName, MAX_ENROLMENT_NAME } from '../domain/enrolment-name.ts'
import { OperatorError } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'
import type { Secret } from '../domain/secret.ts'
import { BadSeed, isShortSeed, SHORT_SEED, seedIn } from '../domain/seed-text.ts'
import { newSeed, otpauthUri, seedAsBase32 } from '../domain/totp.ts'
import { secretsFromStdin } from './ask-secret.ts'
import { type CommonOptions, command, recordAudit, withStore } from './command.ts'
import { print } from './output.ts'
import { subjectOf } from './subject.ts'
import { qrLines } from './terminal-qr.ts'

interface Options extends CommonOptions {
  readonly replace?: boolean
  readonly secretStdin?: boolean
  readonly add?: boolean
  readonly name?: string
}

const RECOVERY_CODES = 10

export function totpEnrolCommand(): Command {
  return command(
    'enrol',
    'give the user an authenticator: prints the QR code and the recovery codes, this once',
  )
    .argument('<name>')
    .option('--replace', 'take the place of all authenticators that the user has')
    .option('--add', 'stand beside the authenticators that the user has, up to 5; recovery codes stay')
    .option('--name <text>', 'what the user calls it, as "Work phone"')
    .option(
      '--secret-stdin',
      'read the key of the authenticator, base32 or hexadecimal, from the first line of standard input',
    )
    .action(enrol)
}

async function enrol(typed: string, options: Options): Promise<void> {
  await withStore(options, async (store, { secondFactor }) => {
    if (options.add && options.replace) throw new OperatorError('--add and --replace exclude each other')
    const wanted = nameIn(options)
    const { enrolments } = store.records
    const subject = await subjectOf(typed, store)
    const present = await enrolments.ofSubject(subject)
    if (!options.replace && !options.add && present.length > 0) {
      throw new OperatorError(
        `${subject} has an authenticator; --replace takes its place, --add stands beside it`,
      )
    }
    const keepsCodes = options.add === true && present.length > 0
    const { window, issuer, ...shape } = secondFactor.totp
    const given = options.secretStdin ? await givenSeed() : undefined
    const seed = given ?? newSeed()
    const codes = Array.from({ length: keepsCodes ? 0 : RECOVERY_CODES }, () => newRecoveryCode(systemRandom))
    const taken = options.add ? present.map(({ name }) => name) : []
    const fresh = {
      enrolment: {
        id: systemRandom.id(),
        subject,
        name: wanted && freeEnrolmentName(wanted, taken),
        sealedSeed: store.keys.seal(seed, subject),
        lastStep: -1,
        driftMs: 0,
        createdAt: systemClock.now(),
        ...shape,
      },
      recoveryHashes: codes.map((code) => recoveryCodeHash(subject, code)),
    }
    if (!options.add) await enrolments.replace(fresh)
    else if ((await enrolments.add(fresh)) !== 'added')
      throw new OperatorError(
        `${subject} has ${MAX_ENROLMENTS} authenticators; take one away by totp revoke --id ID`,
      )
    await recordAudit(store, { kind: 'enrolment.made', user: subject, detail: fresh.enrolment.name })
    if (given !== undefined) {
      const warnings = isShortSeed(seed) ? [SHORT_SEED] : []
      print(options.json, { subject, recoveryCodes: codes, warnings }, () => [
        `${subject} has the authenticator with this key.`,
        ...warnings.map((warning) => `Warning: ${warning}.`),
        ...recoveryLines(codes),
      ])
      return
    }
    const uri = otpauthUri(seed, shape, issuer, subject)
    const key = seedAsBase32(seed)
    print(options.json, { subject, uri, key, recoveryCodes: codes }, () => [
      ...qrLines(uri, process.stdout.isTTY),
      '',
      `Scan this with an authenticator app, or open ${uri}`,
      `or type the key: ${(key.match(/.{1,4}/g) ?? []).join(' ')}`,
      ...recoveryLines(codes),
    ])
  })
}

/** @throws OperatorError */
async function givenSeed(): Promise<Secret> {
  const [line] = await secretsFromStdin()
  try {
    return seedIn(line?.reveal().trim() ?? '')
  } catch (error) {
    if (error instanceof BadSeed) throw new OperatorError(`--secret-stdin: ${error.message}`)
    throw error
  }
}

function recoveryLines(codes: readonly string[]): string[] {
  if (codes.length === 0) return ['', 'The recovery codes stay as they are.']
  return [
    '',
    'Recovery codes, each good for one login in place of a code; they are not shown again:',
    ...codes.map((code) => `  ${code}`),
  ]
}

function nameIn({ name }: Options): string | undefined {
  if (name === undefined) return undefined
  const found = enrolmentNameIn(name)
  if ('name' in found) return found.name
  throw new OperatorError(
    `--name takes one line of 1 to ${MAX_ENROLMENT_NAME} characters that can be seen, as "Work phone"`,
  )
}
