import type { Kysely } from 'kysely'
import type { Randomness } from '../domain/random.ts'
import { type UserListChange, userDigestOf } from '../domain/user.ts'
import { writeEvents } from './audit.ts'
import { Overtaken } from './overtaken.ts'
import type { Tables } from './schema.ts'
import { addUser, changeUser, findLocalUser } from './user-changes.ts'

/** Carries out a list in the transaction that is given. @throws Overtaken */
export async function applyUserList(
  db: Kysely<Tables>,
  { added, changed, events }: UserListChange,
  random: Randomness,
): Promise<void> {
  for (const { before } of changed) {
    const now = await findLocalUser(db, before.name)
    if (now === undefined || userDigestOf(now) !== userDigestOf(before)) throw new Overtaken()
  }
  // Two users may exchange their addresses.
  for (const { before, change } of changed)
    if (change.attributes !== undefined)
      await db.updateTable('users').set({ ipv4: null, ipv6: null }).where('name', '=', before.name).execute()
  for (const { before, change, ends } of changed)
    if (!(await changeUser(db, before.name, change, ends, random))) throw new Overtaken()
  for (const user of added) if (!(await addUser(db, user))) throw new Overtaken()
  await writeEvents(db, events)
}
