import type { Command } from 'commander'
import { standingOf } from '../domain/api-token.ts'
import { systemClock } from '../domain/clock.ts'
import { type CommonOptions, verb, withStore } from './office.ts'
import { moment, print, table } from './output.ts'

interface Options extends CommonOptions {
  readonly all?: boolean
}

const LIMIT = 1000

export function tokenListCommand(): Command {
  return verb('list', 'list the tokens of the HTTP API, newest first')
    .option('--all', `those that have expired or were revoked too, the newest ${LIMIT}`)
    .action(list)
}

async function list(options: Options): Promise<void> {
  await withStore(options, async ({ records }) => {
    const now = systemClock.now()
    const tokens = (await records.tokens.list(LIMIT))
      .map(({ hash: _, ...token }) => ({ ...token, state: standingOf({ ...token, hash: '' }, now) }))
      .filter(({ state }) => options.all === true || state === 'valid')
    const rows = tokens.map((token) => [
      token.name,
      token.state,
      moment(token.createdAt),
      moment(token.expiresAt),
      moment(token.lastUsedAt),
      token.scopes.join(' '),
    ])
    print(options.json, tokens, () =>
      rows.length === 0
        ? ['There are no tokens.']
        : table(['NAME', 'STATE', 'MADE', 'EXPIRES', 'LAST USED', 'MAY'], rows),
    )
  })
}
