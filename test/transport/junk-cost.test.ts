import { randomBytes } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { quietLog } from '../../src/domain/log.ts'
import { parseNetwork } from '../../src/domain/network.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { refuse } from '../../src/domain/refusal.ts'
import { Secret } from '../../src/domain/secret.ts'
import { prometheusMetrics } from '../../src/observe/metrics.ts'
import { buildStatusServer } from '../../src/radius/authenticators.ts'
import { SharedSecret } from '../../src/radius/shared-secret.ts'
import { ClientTable } from '../../src/transport/client-table.ts'
import { RadiusServer } from '../../src/transport/radius-server.ts'
import { TrafficTally } from '../../src/transport/traffic-tally.ts'

const PACKETS = 4000

async function startServer(): Promise<RadiusServer> {
  const memory = {
    signing: async () => [],
    remember: async () => {},
    noteUnsigned: async () => {},
    forget: async () => {},
  }
  const network = parseNetwork('192.0.2.1/32') ?? expect.unreachable()
  const gateway = {
    name: 'gw',
    networks: [network],
    hosts: [],
    nasIdentifiers: [],
    classForm: 'semicolon' as const,
    secret: new Secret('a shared secret'),
  }
  const traffic = TrafficTally.start({
    store: { add: async () => {}, list: async () => [] },
    clock: systemClock,
    log: quietLog,
  })
  onTestFinished(() => traffic.stop())
  return new RadiusServer({
    gateways: await ClientTable.open({
      gateways: [{ ...gateway, messageAuthenticator: 'auto', onOutage: 'reject' }],
      memory,
      clock: systemClock,
      log: quietLog,
    }),
    decide: async () => refuse('bad_credentials', 'wrong'),
    keepAccounting: async () => true,
    reply: { locale: 'en', tellLocked: false },
    deadlineMs: 1000,
    maxInFlight: 10,
    clock: systemClock,
    random: systemRandom,
    log: quietLog,
    metrics: prometheusMetrics().metrics,
    noteTraffic: (seen) => traffic.note(seen),
  })
}

/** As a request begins, so that more than its first octet must be looked at. */
function junk(): Buffer {
  const octets = randomBytes(100)
  octets.writeUInt8(1, 0)
  octets.writeUInt16BE(octets.length, 2)
  octets.writeUInt8(1, 21)
  return octets
}

it('junk costs a small part of what a request costs, from a gateway and from a stranger', async () => {
  const { receive } = await startServer().then((server) => ({ receive: server.receive.bind(server) }))
  const status = buildStatusServer({
    identifier: 1,
    authenticator: randomBytes(16),
    secret: new SharedSecret(Buffer.from('a shared secret')),
    attributes: [],
  })
  const costOf = (octets: Buffer, source: string): number => {
    const before = process.cpuUsage()
    for (let sent = 0; sent < PACKETS; sent++)
      receive({ octets, source, port: 4000, service: 'auth', socket: 'a' })
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  expect(
    receive({ octets: status, source: '192.0.2.1', port: 1, service: 'auth', socket: 'a' }),
  ).toBeDefined()
  const broken = junk()
  // The least of several rounds: in the others something was compiled or cleared away.
  const least = {
    request: Number.POSITIVE_INFINITY,
    junk: Number.POSITIVE_INFINITY,
    stranger: Number.POSITIVE_INFINITY,
  }
  for (let round = 0; round < 7; round++) {
    least.request = Math.min(least.request, costOf(status, '192.0.2.1'))
    least.junk = Math.min(least.junk, costOf(broken, '192.0.2.1'))
    least.stranger = Math.min(least.stranger, costOf(broken, '2001:db8:1234:5678:9abc:def0:1234:5678'))
  }
  expect(least.junk).toBeLessThan(least.request / 4)
  expect(least.stranger).toBeLessThan(least.request / 4)
})
