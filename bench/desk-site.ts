import type { DatabaseSync } from 'node:sqlite'
import { FormClient, headingOf } from '../test/http/form-client.ts'
import { seedSite } from '../test/real/seeded-site.ts'
import { codeOf, PASSWORD, PERIOD, userAddress, userName } from './users.ts'

const DAY_MS = 24 * 3_600_000
/** Users of the seeded site, beside those of the bench. */
const USERS = 2000
const OPEN_SESSIONS = 2000

/** How much is on record, in a whole run. */
export const DESK_RECORDS = { events: 1_000_000, lockouts: 100_000, inForce: 10_000 } as const

/** @param users of the bench: all but one of a hundred have had a session. */
export function fillDesk(database: DatabaseSync, users: number, size: (whole: number) => number): void {
  const now = Date.now()
  const { events, lockouts, inForce } = DESK_RECORDS
  seedSite(
    database,
    {
      users: size(USERS),
      events: size(events),
      lockouts: size(lockouts),
      inForce: size(inForce),
      sessions: size(OPEN_SESSIONS),
    },
    now,
  )
  const session = database.prepare(
    `insert into sessions (id, gateway, user_name, user_stem, subject, address, granted_at, started_at, updated_at,
       stopped_at, seconds, octets_in, octets_out, revision)
     values (:id, 'bench', :user, :user, :user, :address, :at, :at, :end, :end, 3600, 1000000, 2000000, 1)`,
  )
  database.exec('begin immediate')
  for (let number = 0; number < users; number += 1) {
    if (number % 100 === 99) continue
    const at = Math.round(now - 30 * DAY_MS + (29 * DAY_MS * number) / users)
    const time = at.toString(16).padStart(12, '0')
    session.run({
      id: `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${number.toString(16).padStart(12, '0')}`,
      user: userName(number),
      address: userAddress(number),
      at,
      end: at + 3_600_000,
    })
  }
  database.exec('commit')
  database.exec('pragma wal_checkpoint(truncate)')
}

/** Signs in as somebody of the desk. @returns the cookies. */
export async function atTheDesk(url: string): Promise<string> {
  const client = new FormClient(url)
  await client.get('/')
  await client.post('/sign-in', { name: userName(0), password: PASSWORD })
  const code = codeOf(0, Math.floor(Date.now() / 1000 / PERIOD))
  const shown = headingOf(await client.post('/code', { code }))
  if (shown !== 'Your account') throw new Error(`the page “${shown}”`)
  return client.cookie
}
