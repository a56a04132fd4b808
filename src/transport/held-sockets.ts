import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Service } from './exchange.ts'
import type { SocketsToHold } from './held-sockets-thread.ts'
import { listeningFault } from './port-taken.ts'
import { UdpListener } from './udp-listener.ts'

/** Sockets of one address and port, one for each worker. */
export interface HeldSocket {
  readonly service: Service
  readonly address: string
  readonly port: number
  /** File descriptors of this process; the system gives each sender always to the same of them. */
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
 * Opens so many sockets for each place and reads from none of them: they are there for processes to which they are
 * handed down. What arrives while a process is replaced waits in its socket, and who sends goes on to reach the same
 * one, so that a retransmit is known again.
 * @throws PortTaken naming who holds the port, where that can be seen.
 */
export async function holdSockets(
  places: readonly { readonly service: Service; readonly address: string; readonly port: number }[],
  copies: number,
): Promise<HeldSockets> {
  // Sockets that share a port share it with every process of this user: whether one has it shows only who asks alone.
  for (const place of places) {
    const probe = await UdpListener.open({ ...place, receive: () => undefined })
    await probe.close()
  }
  const gate = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const workerData: SocketsToHold = { places, copies, gate }
  const thread = new Worker(new URL('./held-sockets-thread.ts', import.meta.url), { workerData })
  const [said] = (await once(thread, 'message')) as [FromHolder]
  if (said.kind === 'failed') {
    await once(thread, 'exit')
    const place = places[said.index]
    const error = Object.assign(new Error(said.message), { code: said.code })
    throw place === undefined ? error : await listeningFault(error, place)
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
