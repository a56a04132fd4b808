import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../test/http/ask.ts'
import { POSTGRES_NEEDS } from '../test/real/postgres.ts'
import { NIGHT_ATTACK, siteUser } from '../test/real/seeded-site.ts'
import { type Context, type Examination, missingPrograms } from './case.ts'
import { atTheDesk, DESK_RECORDS, fillDesk } from './desk-site.ts'
import { type HttpBroker, startHttpBroker } from './http-broker.ts'
import { Latencies } from './latencies.ts'
import { processorTime } from './process-cost.ts'
import { userName } from './users.ts'

/** How often each page is asked for; `firsts` of them when nobody has asked for so long that no count is kept. */
const WHOLE = { warmUps: 3, firsts: 3, requests: 60 } as const
const BRIEF = { warmUps: 0, firsts: 0, requests: 1 } as const
const FORGOTTEN_MS = 35_000
const CLIENTS = 2

const [network] = NIGHT_ATTACK.network.split('.0/')
/** What people at the desk look at. */
const PAGES: readonly (readonly [about: string, path: string])[] = [
  ['now', '/desk'],
  ['lockouts', '/desk/lockouts'],
  ['lockouts, all by name', '/desk/lockouts?tab=all&sort=name'],
  ['lockouts, those that ended', '/desk/lockouts?state=ended'],
  ['lockouts, those released', '/desk/lockouts?state=released'],
  ['lockouts of a user', `/desk/lockouts?q=${siteUser(3)}`],
  ['lockouts of a network', `/desk/lockouts?q=${NIGHT_ATTACK.network}`],
  ['attempts', '/desk/attempts'],
  ['attempts of a user, 7 days', `/desk/attempts?q=${siteUser(3)}&span=7d`],
  ['attempts of a /24', `/desk/attempts?q=${NIGHT_ATTACK.network}`],
  ['attempts of a /16', '/desk/attempts?q=61.7.0.0/16&span=7d'],
  ['attempts of a /8', '/desk/attempts?q=61.0.0.0/8&span=7d'],
  ['attempts by network, 7 days', '/desk/attempts?by=network&span=7d'],
  ['attempts by address, 7 days', '/desk/attempts?by=address&span=7d'],
  ['attempts by user, 7 days', '/desk/attempts?by=user&span=7d'],
  ['attempts by gateway, 7 days', '/desk/attempts?by=gateway&span=7d'],
  ['attempts by hour, 7 days', '/desk/attempts?by=hour&span=7d'],
  ['attempts of a /16 by user, 7 days', '/desk/attempts?q=61.7.0.0/16&by=user&span=7d'],
  ['sessions', '/desk/sessions'],
  ['sessions of a user', `/desk/sessions?q=${userName(7)}&state=any`],
  ['sessions, those that ended', '/desk/sessions?state=ended'],
  ['users', '/desk/users'],
  ['users by a part of the name', '/desk/users?q=0077'],
  ['users, not enrolled', '/desk/users?filter=not_enrolled'],
  ['users, invited', '/desk/users?filter=invited'],
  ['users, never used', '/desk/users?filter=never_used'],
  ['users, locked', '/desk/users?filter=locked'],
  ['users, disabled', '/desk/users?filter=disabled'],
  ['users, expiring', '/desk/users?filter=expiring'],
  ['a user', `/desk/users/${siteUser(3)}`],
  ['a user’s sessions', `/desk/users/${userName(7)}?tab=sessions`],
  ['audit', '/desk/audit'],
  ['audit of a user', `/desk/audit?user=${siteUser(3)}`],
  ['audit of a /16', '/desk/audit?address=61.7.0.0/16'],
  ['audit of a kind', '/desk/audit?kind=lockout.released'],
  ['audit of a day', '/desk/audit?from=2020-01-01T00:00&to=2020-01-02T00:00'],
  ['search for an address', `/desk/search?q=${network}.7`],
  ['search for a part of a name', '/desk/search?q=0077'],
]

const { events, lockouts, inForce } = DESK_RECORDS
const ABOUT = `every page of the desk with ${events} events and ${lockouts} lockouts, ${inForce} in force`

/** The pages of the desk, one by one, with much on record. */
export const DESK_PAGES: readonly Examination[] = [
  { name: 'desk-sqlite', about: `${ABOUT}, in SQLite`, run: (around) => examine(around, false) },
  {
    name: 'desk-postgres',
    about: `${ABOUT}, in PostgreSQL`,
    missing: () => missingPrograms(POSTGRES_NEEDS, 'postgresql'),
    run: (around) => examine(around, true),
  },
]

async function examine(around: Context, onPostgres: boolean): Promise<readonly string[]> {
  const broker = await deskBroker(around, onPostgres)
  const cookie = await atTheDesk(broker.url)
  const pages = PAGES.map(([about, path]) => ({ about, url: broker.url + path, first: new Latencies() }))
  const isBrief = around.size(DESK_RECORDS.events) < DESK_RECORDS.events
  const { warmUps, firsts, requests } = isBrief ? BRIEF : WHOLE
  // The code is compiled by then, and the files are read.
  for (const { url } of pages) for (let time = 0; time < warmUps; time += 1) await load(url, cookie)
  for (let time = 0; time < firsts; time += 1) {
    around.progress('waiting until the broker has forgotten its counts')
    await sleep(FORGOTTEN_MS)
    for (const { url, first } of pages) first.add((await load(url, cookie)).milliseconds)
  }
  const lines = [`  ${'page'.padEnd(36)}   octets     sent   CPU ms   p50 ms   p95 ms   first, worst ms`]
  for (const { about, url, first } of pages) {
    const { latencies, octets, sent, processor } = await loadOften(broker, url, cookie, requests)
    const figures = [processor, latencies.percentile(0.5), latencies.percentile(0.95), first.percentile(1)]
    lines.push(
      `  ${about.padEnd(36)}${String(octets).padStart(9)}${String(sent).padStart(9)}` +
        figures.map((each) => each.toFixed(1).padStart(9)).join(''),
    )
  }
  lines.push('  the targets: p95 below 60 ms, a page below 100,000 octets')
  return lines
}

/** With much on record. Both databases hold the same. */
function deskBroker(around: Context, onPostgres: boolean): Promise<HttpBroker> {
  return startHttpBroker(around, {
    store: onPostgres ? 'of the desk, to be moved' : 'of the desk',
    fill: (database) => fillDesk(database, around.users, around.size),
    onPostgres,
  })
}

async function load(url: string, cookie: string) {
  const startedAt = performance.now()
  const headers = { cookie, 'accept-language': 'en', 'accept-encoding': 'identity' }
  const { status, text } = await ask(url, { headers })
  if (status !== 200 && status !== 303) throw new Error(`${url}: ${status}`)
  return { milliseconds: performance.now() - startedAt, octets: Buffer.byteLength(text) }
}

async function loadOften({ server }: HttpBroker, url: string, cookie: string, requests: number) {
  const latencies = new Latencies()
  let left = requests
  let octets = 0
  const before = processorTime(server.pids)
  const client = async () => {
    while (left > 0) {
      left -= 1
      const page = await load(url, cookie)
      latencies.add(page.milliseconds)
      octets = page.octets
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  const processor = (processorTime(server.pids) - before) / requests
  const compressed = await ask(url, { headers: { cookie, 'accept-encoding': 'gzip' } })
  const sent = Number(compressed.headers['content-length'] ?? octets)
  return { latencies, octets, sent, processor }
}
