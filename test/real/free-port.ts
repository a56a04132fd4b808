import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below those that the kernel gives for port 0: a server that is ended for a moment, to be started again,
 * must not find its port under a client's socket. Test files that run at once take theirs from different thousands.
 */
const FIRST = 10_000
const A_FILE = 1000
const FILES = 22

const first = FIRST + (Number(process.env.VITEST_POOL_ID ?? 0) % FILES) * A_FILE
let asked = randomInt(A_FILE)

/** A port of 127.0.0.1 that is free for both TCP and UDP at the moment of asking, and is not given to another here. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < A_FILE; attempt++) {
    const port = first + (asked++ % A_FILE)
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) return port
  }
  throw new Error(`no port from ${first} to ${first + A_FILE - 1} is free`)
}

async function isFreeForTcp(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch {
    return false
  }
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
