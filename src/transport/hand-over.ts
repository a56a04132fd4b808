import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Exchange } from './exchange.ts'
import type { HandedReply, Heir, Inheritance, SeenRequest } from './inheritance.ts'
import type { Outgoing, UdpListener } from './udp-listener.ts'

/** Requests in one message. */
const CHUNK = 500

/**
 * Passes on what a retransmit must meet in the process that reads on from the same sockets, then lets go of them. What
 * changed while it was being passed on is passed on again in the moment in which the sockets are let go of, so nothing
 * is lost between the two. Requests that are still being answered go to the heir when they are.
 */
export async function handOver(
  exchange: Exchange,
  listeners: readonly UdpListener[],
  heir: Heir,
): Promise<void> {
  const told = new Map<string, string>()
  const tell = (requests: readonly SeenRequest[]) => {
    for (const request of requests) told.set(request.key, versionOf(request))
    if (requests.length > 0) heir({ kind: 'seen', requests })
  }
  let chunk: SeenRequest[] = []
  for (const request of exchange.seen()) {
    if (chunk.push(request) < CHUNK) continue
    tell(chunk)
    chunk = []
    await nextTurn()
  }
  tell([...chunk, ...[...exchange.seen()].filter((request) => told.get(request.key) !== versionOf(request))])
  exchange.handOver(heir)
  for (const listener of listeners)
    for (const outgoing of listener.letGo())
      heir({ kind: 'unsent', outgoing: handed(listener.name, outgoing) })
}

function versionOf({ authenticator, reply }: SeenRequest): string {
  return `${authenticator} ${reply}`
}

function handed(socket: string, { reply, source, port }: Outgoing): HandedReply {
  return { socket, source, port, reply: reply.toString('base64') }
}

/** The other end: takes what is passed on, before its sockets are open and afterwards. */
export class Inheriting {
  readonly #exchange: Exchange
  #listeners: readonly UdpListener[] | undefined
  #unsent: HandedReply[] = []

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  take(inheritance: Inheritance): void {
    if (inheritance.kind === 'seen') {
      this.#exchange.inherit(inheritance.requests)
      return
    }
    const { outgoing } = inheritance
    if (inheritance.kind === 'answered') {
      const { key, authenticator } = inheritance
      const reply = outgoing === undefined ? undefined : Buffer.from(outgoing.reply, 'base64')
      this.#exchange.inheritReply(key, Buffer.from(authenticator, 'base64'), reply)
    }
    if (outgoing === undefined) return
    if (this.#listeners === undefined) this.#unsent.push(outgoing)
    else this.#send(outgoing)
  }

  /** The sockets are open. */
  begin(listeners: readonly UdpListener[]): void {
    this.#listeners = listeners
    for (const outgoing of this.#unsent) this.#send(outgoing)
    this.#unsent = []
  }

  #send({ socket, source, port, reply }: HandedReply): void {
    const listener = this.#listeners?.find(({ name }) => name === socket)
    listener?.send({ source, port, reply: Buffer.from(reply, 'base64') })
  }
}
