import { sql } from 'kysely'
import type { AccountGroupStore, SeenAccount } from '../domain/account-groups.ts'
import { isOver, NO_GROUP } from './is-over.ts'
import { transact } from './prepared.ts'
import { SqlRepository } from './sql-repository.ts'

export class SqlAccountGroups extends SqlRepository implements AccountGroupStore {
  async note({ user, source, subject, groups, seenAt }: SeenAccount): Promise<void> {
    const account = { user_stem: user, source, subject }
    const rowOf = (group: string) => ({ ...account, group_name: group, seen_at: seenAt })
    const names = [...new Set(groups)].filter((group) => group !== NO_GROUP)
    await transact(this.db, async (db) => {
      // Who writes this row first goes first: two sets of groups are never mixed.
      await db
        .insertInto('account_groups')
        .values(rowOf(NO_GROUP))
        .onConflict((conflict) =>
          conflict.columns(['user_stem', 'source', 'subject', 'group_name']).doUpdateSet({ seen_at: seenAt }),
        )
        .execute()
      await db
        .deleteFrom('account_groups')
        .where('user_stem', '=', user)
        .where('source', '=', source)
        .where('subject', '=', subject)
        .where('group_name', '<>', NO_GROUP)
        .execute()
      if (names.length > 0) await db.insertInto('account_groups').values(names.map(rowOf)).execute()
    })
  }

  async areAllIn(user: string, groups: readonly string[]): Promise<boolean> {
    const { rows } = await sql<{ found: number }>`
      select 1 as found from (select ${user} as user_stem) as one where ${isOver(groups, sql.ref('one.user_stem'))}
    `.execute(this.db)
    return rows.length > 0
  }
}
