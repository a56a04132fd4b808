import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface RecordingProxy {
  readonly port: number
  /** Everything that clients have sent through it, octet by octet, in the order that it came. */
  fromClients(): Buffer
  fromServer(): Buffer
  readonly connections: number
  /** Cuts every connection that there is. */
  cutAll(): void
  stop(): Promise<void>
}

export interface RecordingProxyOptions {
  /** On 127.0.0.1. */
  readonly target: number
  /** Where it listens; 127.0.0.1 where it is not given. */
  readonly address?: string
  /** Cuts a connection when so many octets have come from its client. */
  readonly cutAfterFromClient?: number
  /** Cuts a connection when so many octets have come from the server. */
  readonly cutAfterFromServer?: number
  /** Milliseconds that each piece from the server is held back. */
  readonly delayMs?: number
  /** What a client gets in place of each piece from the server. */
  readonly change?: (piece: Buffer) => Buffer
}

/** Stands between a client and a server, and keeps what they say to each other. */
export async function startRecordingProxy(options: RecordingProxyOptions): Promise<RecordingProxy> {
  const { target, address: own = '127.0.0.1', cutAfterFromClient, cutAfterFromServer, delayMs = 0 } = options
  const { change } = options
  const heard = { client: [] as Buffer[], server: [] as Buffer[] }
  const open = new Set<Socket>()
  let connections = 0

  const server = createServer((client) => {
    connections += 1
    const upstream = connect(target, '127.0.0.1')
    const cut = () => {
      client.resetAndDestroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', cut).once('close', () => {
        open.delete(socket)
        cut()
      })
    }
    relay(client, upstream, heard.client, cutAfterFromClient, cut, 0)
    relay(upstream, client, heard.server, cutAfterFromServer, cut, delayMs, change)
  }).listen(0, own)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP listener without a port')

  const cutAll = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    port: address.port,
    fromClients: () => Buffer.concat(heard.client),
    fromServer: () => Buffer.concat(heard.server),
    get connections() {
      return connections
    },
    cutAll,
    async stop() {
      cutAll()
      server.close()
      await once(server, 'close')
    },
  }
}

function relay(
  from: Socket,
  to: Socket,
  heard: Buffer[],
  cutAfter: number | undefined,
  cut: () => void,
  delayMs: number,
  change: (piece: Buffer) => Buffer = (piece) => piece,
): void {
  let count = 0
  from.on('data', (piece: Buffer) => {
    heard.push(piece)
    const left = cutAfter === undefined ? piece.length : Math.min(piece.length, cutAfter - count)
    count += piece.length
    const pass = () => {
      if (left > 0) to.write(change(piece).subarray(0, left))
      if (cutAfter !== undefined && count >= cutAfter) cut()
    }
    if (delayMs === 0) pass()
    else setTimeout(pass, delayMs)
  })
}
