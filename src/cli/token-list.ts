import type { Command } from 'commander'
import { tokenStateOf } from '../domain/api-token.ts'
import { systemClock } from '../domain/clock.ts'
import { agentScope } from '../domain/scope.ts'
import { type CommonOptions, command, withRecords } from './command.ts'
import { moment, print, table } from './output.ts'

interface Options extends CommonOptions {
  readonly all?: boolean
}

const LIMIT = 1000

export function tokenListCommand(): Command {
  return command('list', 'list the tokens of the HTTP API, newest first')
    .option('--all', `those that have expired or were revoked too, the newest ${LIMIT}`)
    .action(list)
}

async function list(options: Options): Promise<void> {
  await withRecords(options, async ({ records }) => {
    const now = systemClock.now()
    const tokens = (await records.tokens.list(LIMIT))
      .map(({ hash: _, ...token }) => ({ ...token, state: tokenStateOf({ ...token, hash: '' }, now) }))
      .filter(({ state }) => options.all === true || state === 'valid')
    const rows = tokens.map((token) => [
      token.name,
      token.state,
      moment(token.createdAt),
      moment(token.expiresAt),
      moment(token.lastUsedAt),
      token.gateway === undefined ? token.scopes.join(' ') : agentScope(token.gateway),
    ])
    print(options.json, tokens, () =>
      rows.length === 0
        ? ['There are no tokens.']
        : table(['NAME', 'STATE', 'MADE', 'EXPIRES', 'LAST USED', 'MAY'], rows),
    )
  })
}
