import type { Command } from 'commander'
import type { LocalUser, UserStore } from '../domain/user.ts'
import { type CommonOptions, command, withRecords } from './command.ts'
import { moment, print, table } from './output.ts'

const PAGE = 500

export function userListCommand(): Command {
  return command('list', 'list the users').action(list)
}

async function list(options: CommonOptions): Promise<void> {
  await withRecords(options, async ({ records }) => {
    const users = await everyUser(records.users)
    const shown = users.map(({ passwordHash, revision: _, ...user }) => ({
      ...user,
      hasPassword: passwordHash !== undefined,
    }))
    const rows = users.map(({ name, enabled, expiresAt, groups, attributes }) => [
      name,
      enabled ? 'enabled' : 'disabled',
      moment(expiresAt),
      attributes.ipv4 ?? '-',
      groups.join(' ') || '-',
    ])
    print(options.json, shown, () => table(['NAME', 'STATE', 'EXPIRES', 'ADDRESS', 'GROUPS'], rows))
  })
}

async function everyUser(users: UserStore): Promise<LocalUser[]> {
  const all: LocalUser[] = []
  for (;;) {
    const page = await users.list({ after: all.at(-1)?.name, limit: PAGE })
    all.push(...page)
    if (page.length < PAGE) return all
  }
}
