import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { fstatSync, readdirSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import type { FromHolder } from './held-sockets.ts'
import { inodesOfUdpPort } from './port-holder.ts'
import { makeRoom, socketOptions } from './udp-socket.ts'

export interface SocketsToHold {
  readonly places: readonly { readonly address: string; readonly port: number }[]
  readonly copies: number
  /** Its first word is 0 until the sockets are to be closed. */
  readonly gate: Int32Array
}

/**
 * Node reads from a socket from the moment it is bound, and says nowhere which descriptor it has. A thread that sleeps
 * reads nothing; the descriptor is the one that was not there before.
 */
const { places, copies, gate }: SocketsToHold = workerData
const sockets: Socket[] = []

function say(message: FromHolder): void {
  parentPort?.postMessage(message)
}

async function bound(address: string, port: number): Promise<{ port: number; fd: number }> {
  const before = socketDescriptors()
  const socket = createSocket({ ...socketOptions(address), reusePort: true })
  sockets.push(socket)
  socket.bind(port, address)
  await once(socket, 'listening')
  makeRoom(socket)
  const { port: real } = socket.address()
  const inodes = await inodesOfUdpPort(real)
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
  const held: { port: number; fds: number[] }[] = []
  for (const { address, port } of places) {
    const first = await bound(address, port)
    const place = { port: first.port, fds: [first.fd] }
    while (place.fds.length < copies) place.fds.push((await bound(address, first.port)).fd)
    held.push(place)
    index += 1
  }
  say({ kind: 'held', sockets: held })
  Atomics.wait(gate, 0, 0)
} catch (error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const message = error instanceof Error ? error.message : String(error)
  say({ kind: 'failed', index, message, ...(code !== undefined && { code }) })
}
for (const socket of sockets) socket.close()
