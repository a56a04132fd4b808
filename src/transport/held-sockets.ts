import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { SocketsToHold } from './held-sockets-thread.ts'
import { isUnknownAddress, listeningFault } from './port-taken.ts'
import type { Service } from './radius-server.ts'
import { UdpListener } from './udp-listener.ts'

export interface SocketPlace {
  readonly service: Service | 'http' | 'tls'
  readonly address: string
  readonly port: number
  /** An address of the machine that nobody named: without it the others are held all the same. */
  readonly isOwn?: boolean
}

/** Sockets of one address and port. */
interface HeldSocket extends SocketPlace {
  /** File descriptors of this process, one for each worker; the system gives one sender always to the same of them. */
  readonly fds: readonly number[]
}

export interface HeldSockets {
  readonly sockets: readonly HeldSocket[]
  release(): Promise<void>
}

/** What the thread says: the sockets, or why there are none. */
export type FromHolder =
  | {
      readonly kind: 'held'
      readonly sockets: readonly { readonly port: number; readonly fds: readonly number[] }[]
    }
  | { readonly kind: 'failed'; readonly index: number; readonly code?: string; readonly message: string }

/**
 * Opens sockets for processes to which they are passed, UDP for RADIUS and TCP for RadSec and HTTP, and reads from none of them.
 * What arrives while a process is replaced waits in its socket, and a sender goes on to reach the same one, so that a
 * retransmit is known again.
 * @throws OperatorError naming who holds a port, if that can be seen; the system's own error on that of HTTP.
 */
export async function holdSockets(wanted: readonly SocketPlace[], copies: number): Promise<HeldSockets> {
  const places: SocketPlace[] = []
  // Sockets that share a port share it with every process of this user: only one that is opened alone shows whether
  // another process has the port.
  for (const place of wanted) {
    const { service } = place
    if (service === 'http' || service === 'tls' || (await isFree({ ...place, service }))) places.push(place)
  }
  const gate = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const workerData: SocketsToHold = { places, copies, gate }
  const thread = new Worker(new URL('./held-sockets-thread.ts', import.meta.url), { workerData })
  const [said] = (await once(thread, 'message')) as [FromHolder]
  if (said.kind === 'failed') {
    await once(thread, 'exit')
    const place = places[said.index]
    const error = Object.assign(new Error(said.message), { code: said.code })
    throw place === undefined || place.service === 'http'
      ? error
      : await listeningFault(error, { ...place, service: place.service })
  }
  thread.unref()
  return {
    sockets: places.map((place, index) => ({ ...place, port: 0, fds: [], ...said.sockets[index] })),
    async release() {
      thread.ref()
      const ended = once(thread, 'exit')
      Atomics.store(gate, 0, 1)
      Atomics.notify(gate, 0)
      await ended
    },
  }
}

/** @returns false where it is an address that the machine has no more, or not yet. @throws OperatorError */
async function isFree(place: SocketPlace & { readonly service: Service }): Promise<boolean> {
  try {
    const probe = await UdpListener.open({ ...place, receive: () => undefined })
    await probe.close()
    return true
  } catch (error) {
    if (place.isOwn && isUnknownAddress(error)) return false
    throw error
  }
}
