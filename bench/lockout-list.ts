import { Agent } from 'node:http'
import type { DatabaseSync } from 'node:sqlite'
import { NO_END } from '../src/store/lockout-rows.ts'
import type { LockoutRow } from '../src/store/lockout-schema.ts'
import { ask } from '../test/http/ask.ts'
import type { Examination } from './case.ts'
import { startHttpBroker } from './http-broker.ts'
import { Latencies } from './latencies.ts'
import { userAddress, userName } from './users.ts'

const LOCKOUTS = 100_000
const OVER_MS = 30 * 24 * 3_600_000
const REQUESTS = 400
const CLIENTS = 4
/** What the desk and the people at it ask. */
const QUERIES: readonly (readonly [about: string, query: string])[] = [
  ['the newest', 'limit=50'],
  ['the newest, as many as one may', 'limit=100'],
  ['in force', 'state=in_force&limit=100'],
  ['released', 'state=released&limit=100'],
  ['the oldest first', 'sort=oldest&limit=100'],
  ['of one user', `user=${userName(4711)}`],
  ['of one address', `address=${userAddress(4711)}`],
  ['of a gateway, in force', 'gateway=bench&state=in_force&limit=100'],
  ['of yesterday', 'limit=100&before='],
]

/** The list of lockouts that the security desk and its programs ask for, page by page. */
export const LOCKOUT_LIST: Examination = {
  name: 'http-lockouts',
  about: `the list of ${LOCKOUTS} lockouts through the API`,
  run: async (around) => {
    const broker = await startHttpBroker(around, {
      store: 'of lockouts',
      fill: (database) => fillLockouts(database, around.size(LOCKOUTS)),
    })
    const token = await broker.token('lockouts:read')
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
    const lines = [`  ${'page'.padEnd(32)}items   octets   p50 ms   p95 ms`]
    const all = new Latencies()
    let largest = 0
    for (const [about, query] of QUERIES) {
      const yesterday = new Date(Date.now() - 24 * 3_600_000).toISOString()
      const url = `${broker.url}/api/v1/lockouts?${query.replace(/before=$/, `before=${yesterday}`)}`
      const page = await timed(url, token, agent, around.size(REQUESTS))
      all.addAll(page.latencies)
      largest = Math.max(largest, page.octets)
      lines.push(
        `  ${about.padEnd(32)}${String(page.items).padStart(5)}${String(page.octets).padStart(9)}` +
          percentiles(page.latencies),
      )
    }
    agent.destroy()
    lines.push(`  ${'all'.padEnd(32)}${''.padStart(5)}${String(largest).padStart(9)}${percentiles(all)}`)
    lines.push('  the targets: p95 below 50 ms, a page below 100,000 octets')
    return lines
  },
}

async function timed(url: string, token: string, agent: Agent, requests: number) {
  const latencies = new Latencies()
  let left = requests
  let octets = 0
  let items = 0
  const client = async () => {
    while (left > 0) {
      left -= 1
      const startedAt = performance.now()
      const { status, text, json } = await ask(url, { token, agent })
      latencies.add(performance.now() - startedAt)
      if (status !== 200) throw new Error(`${url}: ${status} ${text}`)
      octets = Math.max(octets, Buffer.byteLength(text))
      items = Array.isArray(json.items) ? json.items.length : 0
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  return { latencies, octets, items }
}

function percentiles(latencies: Latencies): string {
  return [0.5, 0.95].map((share) => latencies.percentile(share).toFixed(1).padStart(9)).join('')
}

/** Every tenth in force, every third of the others released, the rest run out. */
function fillLockouts(database: DatabaseSync, count: number): void {
  const now = Date.now()
  const row = (number: number): LockoutRow => {
    const since = Math.round(now - OVER_MS + (OVER_MS * number) / count)
    const inForce = number % 10 === 0
    const released = !inForce && number % 3 === 0
    return {
      id: identifierAt(since, number),
      scope: 'user_address',
      cause: 'failures',
      user_stem: userName(number % 20_000),
      address: userAddress(number % 20_000),
      source: null,
      hint: 'new_place',
      subject: null,
      gateway: 'bench',
      reason: '5 failed logins within 10 minutes, the last one for a wrong password',
      since,
      ends_at: inForce ? (number % 50 === 0 ? NO_END : now + OVER_MS) : since + 300_000,
      released_at: released ? since + 60_000 : null,
      released_by: released ? 'the desk' : null,
      whole_name: null,
      release_reason: released ? 'called, and knew what the last login was' : null,
    }
  }
  const columns = Object.keys(row(0))
  const insert = database.prepare(
    `insert into lockouts (${columns.join(', ')}) values (${columns.map((name) => `:${name}`).join(', ')})`,
  )
  database.exec('begin immediate')
  for (let number = 0; number < count; number += 1) insert.run({ ...row(number) })
  database.exec('commit')
}

/** A UUID of version 7, which sorts by its time. */
function identifierAt(at: number, number: number): string {
  const time = at.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${number.toString(16).padStart(12, '0')}`
}
