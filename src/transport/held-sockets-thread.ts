import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { fstatSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../domain/errors.ts'
import type { FromHolder, SocketPlace } from './held-sockets.ts'
import { inodesOfPort } from './port-holder.ts'
import { makeRoom, socketOptions } from './udp-socket.ts'

export interface SocketsToHold {
  readonly places: readonly SocketPlace[]
  readonly copies: number
  /** Its first word is 0 until the sockets are to be closed. */
  readonly gate: Int32Array
}

/**
 * Node reads from a socket, or accepts connections, from the moment it is open, and does not say which descriptor it
 * has. A thread that sleeps does neither; the descriptor is the one that was not there before.
 */
const { places, copies, gate }: SocketsToHold = workerData
const open: { close(): void }[] = []

function say(message: FromHolder): void {
  parentPort?.postMessage(message)
}

async function openUdp(address: string, port: number): Promise<number> {
  const socket = createSocket({ ...socketOptions(address), reusePort: true })
  open.push(socket)
  socket.bind(port, address)
  await once(socket, 'listening')
  makeRoom(socket)
  return socket.address().port
}

async function openTcp(address: string, port: number): Promise<number> {
  const server = createServer((connection) => connection.destroy())
  open.push(server)
  server.listen({ host: address, port, ipv6Only: false })
  await once(server, 'listening')
  const bound = server.address()
  return typeof bound === 'object' && bound !== null ? bound.port : port
}

async function held({ service, address }: SocketPlace, port: number): Promise<{ port: number; fd: number }> {
  const before = socketDescriptors()
  const isTcp = service === 'http' || service === 'tls'
  const real = isTcp ? await openTcp(address, port) : await openUdp(address, port)
  const inodes = inodesOfPort(isTcp ? 'tcp' : 'udp', real)
  const own = [...socketDescriptors()].find(([inode]) => !before.has(inode) && inodes.has(inode))
  if (own === undefined)
    throw new Error(`the socket of port ${real} is not among the descriptors of this process`)
  return { port: real, fd: own[1] }
}

/** Descriptors of this process that are sockets, by inode. */
function socketDescriptors(): Map<string, number> {
  const found = new Map<string, number>()
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    try {
      const facts = fstatSync(fd)
      if (facts.isSocket()) found.set(String(facts.ino), fd)
    } catch {
      // The list itself was read by one that is closed again.
    }
  }
  return found
}

let index = 0
try {
  const sockets: { port: number; fds: number[] }[] = []
  for (const place of places) {
    const first = await held(place, place.port)
    const socket = { port: first.port, fds: [first.fd] }
    // Of one TCP socket each connection goes to whichever process accepts it first.
    while (socket.fds.length < copies)
      socket.fds.push(place.service === 'tls' ? first.fd : (await held(place, first.port)).fd)
    sockets.push(socket)
    index += 1
  }
  say({ kind: 'held', sockets })
  Atomics.wait(gate, 0, 0)
} catch (error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const message = messageOf(error)
  say({ kind: 'failed', index, message, code })
}
for (const each of open) each.close()
