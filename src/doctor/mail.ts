import type { Clock } from '../domain/clock.ts'
import { messageOf } from '../domain/errors.ts'
import type { MailQueue, MailStore } from '../domain/mail.ts'
import { type Check, type Finding, hint, ok, warning } from './finding.ts'

export interface MailCheckOptions {
  /** Greets the server, with STARTTLS and login where they are configured; its errors may have a `remedy`. */
  readonly tryOut: () => Promise<void>
  /** Absent: the records cannot be read. */
  readonly mails?: Pick<MailStore, 'queue'>
  readonly clock: Clock
}

const DAY_MS = 86_400_000
/** What waits for so long is not under way any more. */
const LATE_MS = 5 * 60_000
const ABOUT = 'mail'

/** Whether mails can leave, and whether they do. Sends none. */
export function checkMail({ tryOut, mails, clock }: MailCheckOptions): Check {
  return async () => {
    const now = clock.now()
    const [way, queue] = await Promise.all([wayFinding(tryOut), mails?.queue(now - DAY_MS)])
    return [way, ...(queue === undefined ? [] : queueFindings(queue, now))]
  }
}

async function wayFinding(tryOut: () => Promise<void>): Promise<Finding> {
  try {
    await tryOut()
    return ok(ABOUT, 'mails can leave')
  } catch (error) {
    const { remedy = 'see docs/mail.md' } = error as { readonly remedy?: string }
    return warning(ABOUT, messageOf(error), remedy)
  }
}

function queueFindings({ waiting, since, fault, failed }: MailQueue, now: number): readonly Finding[] {
  const isLate = since !== undefined && now - since > LATE_MS
  return [
    ...(isLate
      ? [
          warning(
            'mail queue',
            `${waiting} mails wait, the first for ${Math.round((now - since) / 60_000)} min${fault === undefined ? '' : `: ${fault}`}`,
            'see that a broker runs; ocbroker mail test ADDRESS shows what the server says',
          ),
        ]
      : []),
    ...(failed > 0
      ? [
          hint(
            'mail queue',
            `${failed} mails were refused for good within a day`,
            'ocbroker mail list --state failed names them: correct the addresses',
          ),
        ]
      : []),
  ]
}
