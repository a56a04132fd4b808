import type { DatabaseSync } from 'node:sqlite'
import { neighbourhood } from '../../src/domain/network.ts'
import { earliestId } from '../../src/domain/record-id.ts'
import type { LockoutRow } from '../../src/store/lockout-schema.ts'
import type { AuditEventRow, SessionRow } from '../../src/store/schema.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** How much there is on record. */
export interface SiteSize {
  readonly users: number
  /** Over 30 days, newest last: half of them attempts of attackers. */
  readonly events: number
  readonly lockouts: number
  /** Of these so many are in force. */
  readonly inForce: number
  readonly sessions: number
}

/** A site as most are, on the morning after an attack. */
export const USUAL_SITE: SiteSize = { users: 200, events: 12_000, lockouts: 142, inForce: 42, sessions: 60 }

/** The attack of the night, from 30 addresses of one network, and the user whose password was right. */
export const NIGHT_ATTACK = {
  network: '45.155.204.0/24',
  addresses: 30,
  names: 212,
  tries: 4512,
  gotIn: 'li.haddad',
}
/** One that goes on now, and in which nobody got in. */
export const PRESENT_ATTACK = { network: '185.220.101.0/24', addresses: 3, names: 57, tries: 195 }

const FIRST =
  'anna ben carol dora erik frank greta hugo ines jon kim lena max nora otto paul quentin rosa stefan tina'.split(
    ' ',
  )
const LAST = 'adams baker cruz diaz evans fischer garcia haddad ito jensen'.split(' ')

/** `anna.adams`, `ben.baker` …; different for each number. */
export function siteUser(number: number): string {
  const name = `${FIRST[number % FIRST.length]}.${LAST[Math.floor(number / FIRST.length) % LAST.length]}`
  const round = Math.floor(number / (FIRST.length * LAST.length))
  return round === 0 ? name : `${name}${round}`
}

function homeOf(number: number): string {
  return `84.${(number * 7) % 250}.${(number * 13) % 250}.${1 + (number % 250)}`
}

/** Fills an open database, whose tables are there, with what happened until `now` (wall milliseconds). */
export function seedSite(database: DatabaseSync, size: SiteSize, now: number): void {
  const insert = (table: string) => {
    let statement: ReturnType<DatabaseSync['prepare']> | undefined
    return (row: object) => {
      const columns = Object.keys(row)
      statement ??= database.prepare(
        `insert into ${table} (${columns.join(', ')}) values (${columns.map((name) => `:${name}`).join(', ')})`,
      )
      statement.run({ ...row })
    }
  }
  let serial = 0
  const idAt = (at: number) => {
    serial += 1
    return earliestId(at).slice(0, 24) + serial.toString(16).padStart(12, '0')
  }
  const attempt = insert('audit_events')
  const write = (at: number, user: string, address: string, reason?: string) =>
    attempt(eventRow({ id: idAt(at), at, user_name: user, address, reason: reason ?? null }))
  database.exec('begin immediate')
  // The attacks of the last day, then a month of logins and of other attacks.
  const nightEnd = now - 13 * HOUR_MS
  const nightMs = 2.5 * HOUR_MS
  for (let number = 0; number < NIGHT_ATTACK.tries; number++) {
    const at = Math.round(nightEnd - nightMs + (nightMs * number) / NIGHT_ATTACK.tries)
    const victim = number % NIGHT_ATTACK.names
    const user = victim === 0 ? NIGHT_ATTACK.gotIn : `guess${victim}`
    write(
      at,
      user,
      `45.155.204.${1 + (number % NIGHT_ATTACK.addresses)}`,
      number % 2 === 0 ? 'locked' : 'bad_credentials',
    )
  }
  write(nightEnd, NIGHT_ATTACK.gotIn, '45.155.204.7')
  for (let number = 0; number < PRESENT_ATTACK.tries; number++)
    write(
      now - 6 * MINUTE_MS + number * 1000,
      siteUser(number % PRESENT_ATTACK.names),
      `185.220.101.${1 + (number % PRESENT_ATTACK.addresses)}`,
      'bad_credentials',
    )
  const rest = Math.max(0, size.events - NIGHT_ATTACK.tries - PRESENT_ATTACK.tries - 1)
  for (let number = 0; number < rest; number++) {
    const at = Math.round(now - 30 * DAY_MS + ((30 * DAY_MS - 10 * MINUTE_MS) * number) / rest)
    const who = (number * 31) % size.users
    if (number % 2 === 0)
      write(at, siteUser(who), homeOf(who), number % 20 === 0 ? 'bad_credentials' : undefined)
    else
      write(
        at,
        `guess${number % 5000}`,
        `61.${number % 40}.${number % 11}.${number % 250}`,
        'bad_credentials',
      )
  }
  const lockout = insert('lockouts')
  for (let number = 0; number < size.lockouts; number++) lockout(lockoutRow(number, size, now, idAt))
  const session = insert('sessions')
  for (let number = 0; number < size.sessions; number++) session(sessionRow(number, now, idAt))
  database.exec('commit')
}

function eventRow(
  event: Pick<AuditEventRow, 'id' | 'at' | 'user_name' | 'address' | 'reason'>,
): AuditEventRow {
  const { address, reason } = event
  return {
    ...event,
    kind: reason === null ? 'login.accepted' : 'login.refused',
    actor: null,
    network: neighbourhood(address ?? '') ?? null,
    gateway: 'gw1',
    clue: null,
    detail: reason === null ? 'signed in, local, totp' : 'local: wrong password',
    times: null,
    whole_name: null,
    attempt: null,
    steps: null,
  }
}

function lockoutRow(
  number: number,
  { lockouts, inForce, users }: SiteSize,
  now: number,
  idAt: (at: number) => string,
): LockoutRow {
  const isInForce = number >= lockouts - inForce
  const since = isInForce
    ? now - Math.round((lockouts - number) * (HOUR_MS / Math.max(inForce, 1)))
    : Math.round(now - 30 * DAY_MS + (29 * DAY_MS * number) / lockouts)
  const isReleased = !isInForce && number % 3 === 0
  const isHonest = number % 3 === 0
  return {
    id: idAt(since),
    scope: 'user_address',
    cause: 'failures',
    hint: isHonest ? 'known_place' : 'guessing',
    user_stem: isHonest ? siteUser(number % users) : `guess${number % 5000}`,
    address: isHonest ? homeOf(number % users) : `45.155.204.${1 + (number % 30)}`,
    source: null,
    subject: null,
    gateway: 'gw1',
    reason: '5 failed logins of this user from this address within 600 s',
    since,
    ends_at: isInForce ? now + DAY_MS + number : since + 5 * MINUTE_MS,
    released_at: isReleased ? since + MINUTE_MS : null,
    released_by: isReleased ? 'ada (web)' : null,
    release_reason: isReleased ? 'called back on the known number' : null,
    whole_name: null,
  }
}

function sessionRow(number: number, now: number, idAt: (at: number) => string): SessionRow {
  const started = now - (number % 10) * HOUR_MS - MINUTE_MS
  return {
    id: idAt(started),
    gateway: 'gw1',
    user_name: siteUser(number),
    user_stem: siteUser(number),
    subject: siteUser(number),
    address: homeOf(number),
    network: neighbourhood(homeOf(number)) ?? null,
    acct_session: `seeded/${number}`,
    policy: null,
    pool: null,
    ipv4: `10.8.${number >> 8}.${number & 255}`,
    ipv6: null,
    client: 'AnyConnect',
    nas: null,
    granted_at: started,
    started_at: started,
    kept_ms: null,
    updated_at: now,
    stopped_at: null,
    gave_way_at: null,
    terminate_cause: null,
    seconds: 60,
    octets_in: 1_000_000,
    octets_out: 20_000_000,
    revision: 1,
  }
}
