import { codeMailsOf } from '../app/mails.ts'
import type { Store } from '../app/storage.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../domain/clock.ts'
import { parseDuration } from '../domain/duration.ts'
import { OperatorError } from '../domain/errors.ts'
import type { CodeMailKind } from '../domain/mail.ts'
import { systemRandom } from '../domain/random.ts'
import type { CodeMails } from '../manage/code-mails.ts'

const MAX_MS = 30 * 24 * 3_600_000

/** By which `--mail` sends. @throws OperatorError where the configuration sends none. */
export function demandedMails(kind: CodeMailKind, store: Store, config: Config): CodeMails {
  const mails = codeMailsOf(kind, config, store, { clock: systemClock, random: systemRandom })
  if (mails !== undefined) return mails
  throw new OperatorError('--mail: the configuration sends no mails; add the section mail (docs/mail.md)')
}

/** @returns the milliseconds of `--for`. @throws OperatorError */
export function durationOf(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0 && ms <= MAX_MS) return ms
  throw new OperatorError(`--for: "${text}" is not a duration up to 30d; write 24h, say`)
}
