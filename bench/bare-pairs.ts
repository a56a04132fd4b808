import { once } from 'node:events'
import { connect } from 'node:net'
import { systemClock } from '../src/domain/clock.ts'
import { filterMaker } from '../src/identity/ldap/mapping/filter-objects.ts'
import { parseFilter } from '../src/identity/ldap/mapping/filter-template.ts'
import { Connection } from '../src/identity/ldap/wire/connection.ts'
import { Deadlines } from '../src/pacing/deadlines.ts'
import { ADMIN, ADMIN_PASSWORD, PEOPLE } from '../test/real/slapd.ts'
import type { PairOrder, PairReport } from './bare-pair-server.ts'
import { Latencies } from './latencies.ts'
import { PASSWORD, userName } from './users.ts'

/**
 * Searches for users and binds as them over plain sockets, and does nothing else: ldapjs makes the requests, the
 * broker's reader reads. This is the most that one process of Node gets out of a directory. Takes a port and a number
 * of users.
 */
const [port, users] = process.argv.slice(2).map(Number)
const filter = filterMaker(parseFilter('(uid={user})', ['user']))
const deadlines = new Deadlines({ clock: systemClock, intervalMs: 20 })
const lanes: { readonly searches: Connection; readonly binds: Connection }[] = []
let next = 0

async function open(): Promise<Connection> {
  const socket = connect({ host: '127.0.0.1', port: port ?? 0, noDelay: true })
  await once(socket, 'connect')
  return new Connection({ socket, mustBeSecret: false, edition: 0, deadlines, clock: systemClock })
}

async function openLane() {
  const [searches, binds] = await Promise.all([open(), open()])
  await searches.bind(ADMIN, ADMIN_PASSWORD, within())
  return { searches, binds }
}

function within(): number {
  return systemClock.monotonic() + 5000
}

async function pair({ searches, binds }: (typeof lanes)[number]): Promise<void> {
  const user = userName(next++ % (users ?? 1))
  const wanted = filter({ user })
  if (wanted === undefined) throw new Error('the filter has no user')
  const order = {
    base: PEOPLE,
    scope: 'sub',
    filter: wanted,
    attributes: ['uid'],
    sizeLimit: 2,
    timeLimit: 2,
  } as const
  const { entries } = await searches.search(order, within())
  const { code } = await binds.bind(entries[0]?.dn ?? '', PASSWORD, within())
  if (code !== 0) throw new Error(`the bind ended with ${code}`)
}

async function run({ inFlight, milliseconds }: PairOrder): Promise<PairReport> {
  while (lanes.length < inFlight) lanes.push(await openLane())
  const latencies = new Latencies()
  const before = process.cpuUsage()
  const end = performance.now() + milliseconds
  let completed = 0
  await Promise.all(
    lanes.slice(0, inFlight).map(async (lane) => {
      for (let startedAt = performance.now(); startedAt < end; startedAt = performance.now()) {
        await pair(lane)
        latencies.add(performance.now() - startedAt)
        completed += 1
      }
    }),
  )
  const { user, system } = process.cpuUsage(before)
  return { completed, latencies: latencies.toJSON(), processor: (user + system) / 1000 }
}

process.on('message', (order: PairOrder) => void run(order).then((report) => process.send?.(report)))
