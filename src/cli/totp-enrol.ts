import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { newRecoveryCode, recoveryCodeHash } from '../domain/enrolment.ts'
import { OperatorError } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'
import { newSeed, otpauthUri, seedAsBase32 } from '../domain/totp.ts'
import { type CommonOptions, command, recordAudit, withStore } from './command.ts'
import { print } from './output.ts'
import { subjectOf } from './subject.ts'
import { qrLines } from './terminal-qr.ts'

interface Options extends CommonOptions {
  readonly replace?: boolean
}

const RECOVERY_CODES = 10

export function totpEnrolCommand(): Command {
  return command(
    'enrol',
    'give the user an authenticator: prints the QR code and the recovery codes, this once',
  )
    .argument('<name>')
    .option('--replace', 'take the place of the authenticator that the user has')
    .action(enrol)
}

async function enrol(typed: string, options: Options): Promise<void> {
  await withStore(options, async (store, { secondFactor }) => {
    const subject = await subjectOf(typed, store)
    if (!options.replace && (await store.records.enrolments.ofSubject(subject)).length > 0) {
      throw new OperatorError(`${subject} has an authenticator; --replace takes its place`)
    }
    const { window, issuer, ...shape } = secondFactor.totp
    const seed = newSeed()
    const codes = Array.from({ length: RECOVERY_CODES }, () => newRecoveryCode(systemRandom))
    await store.records.enrolments.replace({
      enrolment: {
        id: systemRandom.id(),
        subject,
        sealedSeed: store.keys.seal(seed, subject),
        lastStep: -1,
        driftMs: 0,
        createdAt: systemClock.now(),
        ...shape,
      },
      recoveryHashes: codes.map((code) => recoveryCodeHash(subject, code)),
    })
    await recordAudit(store, { kind: 'enrolment.made', user: subject })
    const uri = otpauthUri(seed, shape, issuer, subject)
    const key = seedAsBase32(seed)
    print(options.json, { subject, uri, key, recoveryCodes: codes }, () => [
      ...qrLines(uri, process.stdout.isTTY),
      '',
      `Scan this with an authenticator app, or open ${uri}`,
      `or type the key: ${(key.match(/.{1,4}/g) ?? []).join(' ')}`,
      '',
      'Recovery codes, each good for one login in place of a code; they are not shown again:',
      ...codes.map((code) => `  ${code}`),
    ])
  })
}
