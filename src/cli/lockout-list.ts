import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { isInForce, type Lockout } from '../domain/lockout.ts'
import { accountNamed } from './account-named.ts'
import { type CommonOptions, command, withStore } from './command.ts'
import { moment, print, table } from './output.ts'

interface Options extends CommonOptions {
  readonly user?: string
  readonly all?: boolean
}

const LIMIT = 1000

export function lockoutListCommand(): Command {
  return command('list', 'list the lockouts in force, newest first')
    .option('--user <name>', 'of this user only')
    .option('--all', `the ended ones too, the newest ${LIMIT}`)
    .action(list)
}

async function list(options: Options): Promise<void> {
  await withStore(options, async (store) => {
    const { records } = store
    const now = systemClock.now()
    const lockouts = await records.lockouts.list({
      user: options.user === undefined ? undefined : (await accountNamed(options.user, store)).user,
      standing: options.all ? undefined : { state: 'in_force', at: now },
      limit: LIMIT,
    })
    const rows = lockouts.map((lockout) => [
      lockout.name ?? lockout.user ?? '-',
      lockout.address ?? '-',
      lockout.scope,
      moment(lockout.since),
      ending(lockout, now),
      lockout.reason,
    ])
    print(options.json, lockouts, () =>
      rows.length === 0
        ? ['Nobody is locked out.']
        : table(['USER', 'FROM', 'SCOPE', 'SINCE', 'UNTIL', 'WHY'], rows),
    )
  })
}

function ending(lockout: Lockout, now: number): string {
  if (lockout.releasedAt !== undefined) return `released ${moment(lockout.releasedAt)}`
  if (lockout.until === undefined) return 'released by hand'
  return isInForce(lockout, now) ? moment(lockout.until) : `ended ${moment(lockout.until)}`
}
