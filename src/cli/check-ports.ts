import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { placesOf } from '../app/places.ts'
import { runningBroker } from '../app/spool-folder.ts'
import type { Config } from '../config/schema.ts'
import type { Account } from '../doctor/account-access.ts'
import { type Check, type Finding, fault, ok, warning } from '../doctor/finding.ts'
import { messageOf } from '../domain/errors.ts'
import { portNotOpen } from '../http/server.ts'
import { listeningFault } from '../transport/port-taken.ts'
import { socketOptions } from '../transport/udp-socket.ts'

const CAPABILITY = 'CAP_NET_BIND_SERVICE'
const REMEDY = `in the unit: AmbientCapabilities=${CAPABILITY}; or a port from 1024 on`
const UNITS = ['/etc/systemd/system/ocbroker.service', '/usr/lib/systemd/system/ocbroker.service']

/** Whether the broker can open its ports. @param account that will run it; absent: not known. */
export function checkPorts({ radius, http, storage }: Config, account: Account | undefined): Check {
  return async () => {
    const { authPort, acctPort } = radius
    const low = [authPort, acctPort, ...(http === undefined ? [] : [http.port])].filter(needsRight)
    const denied = low.length > 0 && account !== undefined && !mayOpen(account) ? lowPorts(low, account) : []
    // Its own sockets would look like another program's.
    if (runningBroker(storage.spool) !== undefined) return [...denied, ok('ports', 'a broker runs with them')]
    const udp = placesOf(radius).map((place) => () => openUdp(place))
    const tcp = http === undefined ? [] : [() => openTcp(http)]
    const found = (await Promise.all([...udp, ...tcp].map((open) => open()))).flat()
    return found.length + denied.length > 0 ? [...denied, ...found] : [ok('ports', 'are free')]
  }
}

function needsRight(port: number): boolean {
  return port > 0 && port < firstFreePort()
}

/** From which on every account may open them: 1024, unless the system says otherwise. */
function firstFreePort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))
  } catch {
    return 1024
  }
}

function mayOpen({ uid }: Account): boolean {
  return uid === 0 || UNITS.some(givesRight)
}

function givesRight(unit: string): boolean {
  try {
    return new RegExp(`^AmbientCapabilities=.*\\b${CAPABILITY}\\b`, 'm').test(readFileSync(unit, 'utf8'))
  } catch {
    return false
  }
}

function lowPorts(ports: readonly number[], { name }: Account): readonly Finding[] {
  return [fault(`port ${ports.join(', ')}`, `${name} may not open ports below ${firstFreePort()}`, REMEDY)]
}

async function openUdp(place: ReturnType<typeof placesOf>[number]): Promise<readonly Finding[]> {
  const socket = createSocket(socketOptions(place.address))
  try {
    const bound = once(socket, 'listening')
    socket.bind({ address: place.address, port: place.port, exclusive: true })
    await bound
    return []
  } catch (error) {
    const why = (await listeningFault(error, place)).message
    return [findingOf(`UDP port ${place.port}`, error, why)]
  } finally {
    socket.close()
  }
}

async function openTcp({ address, port }: NonNullable<Config['http']>): Promise<readonly Finding[]> {
  const server = createServer()
  try {
    server.listen({ host: address, port, ipv6Only: false })
    await once(server, 'listening')
    return []
  } catch (error) {
    return [findingOf(`TCP port ${port}`, error, messageOf(portNotOpen(error, { address, port })))]
  } finally {
    server.close()
  }
}

function findingOf(about: string, error: unknown, why: string): Finding {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  // Another account will run it, which may.
  if (code === 'EACCES') return warning(about, why, `${REMEDY}; then look by: ocbroker check --as USER`)
  if (code === 'EADDRNOTAVAIL') return fault(about, why, 'name an address of this machine; see: ip address')
  return fault(about, why, 'stop that program, or choose another port; see: ss -lnup, ss -lntp')
}
