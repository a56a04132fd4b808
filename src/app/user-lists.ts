import type { Config } from '../config/schema.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { WebSessionStore } from '../domain/web-session.ts'
import { parseUserTable } from '../identity/import/user-table.ts'
import { UserLists } from '../manage/user-lists.ts'
import type { Store } from './storage.ts'

/** @param sessions absent in a command: the browsers of a user who is disabled are signed out at their next request. */
export function userListsOf(
  { pools }: Config,
  { records, candidates }: Pick<Store, 'records' | 'candidates'>,
  { clock, random }: Pick<Runtime, 'clock' | 'random'>,
  sessions?: WebSessionStore,
): UserLists {
  return new UserLists({
    ...{ users: records.users, sessions, candidates, clock, random },
    parse: parseUserTable,
    pools: pools.flatMap(({ ipv4 }) => ipv4 ?? []),
  })
}
