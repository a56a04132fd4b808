import { type Command, Option } from 'commander'
import type { Mail, MailState } from '../domain/mail.ts'
import { type CommonOptions, command, withRecords } from './command.ts'
import { moment, print, table } from './output.ts'

interface Options extends CommonOptions {
  readonly state?: MailState
  readonly limit: string
}

const STATES: readonly MailState[] = ['waiting', 'sending', 'sent', 'failed', 'expired', 'replaced']
const LIMITS = ['20', '100', '1000', '10000']

export function mailListCommand(): Command {
  return command('list', 'mails to users and what became of them, newest first; not what they say')
    .addOption(new Option('--state <state>', 'only those').choices(STATES))
    .addOption(new Option('--limit <number>', 'mails at most').choices(LIMITS).default('100'))
    .action(list)
}

async function list({ state, limit, ...options }: Options): Promise<void> {
  await withRecords(options, async ({ records }) => {
    const states = state === undefined ? undefined : [state]
    const mails = await records.mails.list({ states, limit: Number(limit) })
    print(options.json, mails.map(wireOf), () =>
      table(
        ['MADE', 'USER', 'KIND', 'STATE', 'TRIES', 'FAULT'],
        mails.map(({ createdAt, subject, kind, state: now, tries, fault = '' }) => [
          ...[moment(createdAt), subject, kind, now, String(tries), fault],
        ]),
      ),
    )
  })
}

function wireOf({ id, kind, subject, to, state, createdAt, tries, endedAt, fault }: Mail): object {
  return { id, kind, subject, to, state, createdAt, tries, endedAt, fault }
}
