import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { type Session, stateOf } from '../domain/session.ts'
import { type CommonOptions, command, withRecords } from './command.ts'
import { moment, octets, print, table } from './output.ts'

interface Options extends CommonOptions {
  readonly user?: string
  readonly all?: boolean
  readonly unknown?: boolean
}

const LIMIT = 1000

export function sessionListCommand(): Command {
  return command('list', 'list the open VPN sessions, newest first')
    .option('--user <name>', 'of this user only, as the gateway writes the name')
    .option('--all', `the ended ones too, the newest ${LIMIT}`)
    .option('--unknown', 'only those of which the broker knows no login')
    .action(list)
}

async function list(options: Options): Promise<void> {
  await withRecords(options, async ({ records }) => {
    const sessions = await records.sessions.list({
      user: options.user,
      isUnknown: options.unknown,
      open: options.all ? undefined : true,
      limit: LIMIT,
    })
    const rows = sessions.map((session) => [
      session.user,
      session.gateway,
      session.address ?? '-',
      session.ipv4 ?? session.ipv6 ?? '-',
      moment(session.startedAt ?? session.grantedAt),
      stateText(session),
      octets(session.octetsIn),
      octets(session.octetsOut),
    ])
    print(options.json, sessions, () =>
      rows.length === 0
        ? ['There are no sessions.']
        : table(['USER', 'GATEWAY', 'FROM', 'ADDRESS', 'SINCE', 'STATE', 'RECEIVED', 'SENT'], rows),
    )
  })
}

function stateText(session: Session): string {
  const { updatedAt, terminateCause } = session
  const state = stateOf(session, systemClock.now())
  if (state === 'ended') return `ended (${terminateCause ?? 'no cause given'})`
  return state === 'silent' ? `silent since ${moment(updatedAt)}` : state
}
