import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** So that two servers of one test never get the same port while neither has bound it yet. */
const handedOut = new Set<number>()
const ATTEMPTS = 50

/** A port of 127.0.0.1 that is free for both TCP and UDP at the moment of asking. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = await freeTcpPort()
    if (!handedOut.has(port) && (await isFreeForUdp(port))) {
      handedOut.add(port)
      return port
    }
  }
  throw new Error(`no port was free for both TCP and UDP in ${ATTEMPTS} attempts`)
}

async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP listener without a port')
  return address.port
}

/** Whether nobody listens at the UDP port of 127.0.0.1. */
export async function isFreeForUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  try {
    socket.bind(port, '127.0.0.1')
    await once(socket, 'listening')
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}
