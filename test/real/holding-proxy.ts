import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface HoldingProxy {
  readonly port: number
  /** Holds the first piece from a client that has this text, and all that comes after it; or what the server says to it. */
  holdAt(text: string, what?: 'request' | 'answer'): void
  /** Resolves when such a piece has come. @returns the port from which the server was connected. */
  held(): Promise<number>
  /** Passes on what was held, also what its client has given up. */
  release(): void
  stop(): Promise<void>
}

/**
 * Stands between a client and a server that "hangs" with one request: the others go on. The request reaches the server
 * when it is released, whatever the client thinks of it by then.
 */
export async function startHoldingProxy(target: number): Promise<HoldingProxy> {
  const open = new Set<Socket>()
  let wanted: { readonly text: string; readonly what: 'request' | 'answer' } | undefined
  let held = Promise.withResolvers<number>()
  let released = Promise.withResolvers<void>()

  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    let passed: Promise<void> = Promise.resolve()
    let answered: Promise<void> = Promise.resolve()
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => {}).once('close', () => open.delete(socket))
    }
    client.on('data', (piece: Buffer) => {
      if (wanted !== undefined && piece.includes(wanted.text)) {
        if (wanted.what === 'request') passed = released.promise
        else answered = released.promise
        wanted = undefined
        held.resolve(upstream.localPort ?? 0)
      }
      passed = passed.then(() => void upstream.write(piece))
    })
    client.once('close', () => void passed.then(() => upstream.end()))
    upstream.on('data', (piece) => {
      answered = answered.then(() => void client.write(piece))
    })
    upstream.once('close', () => void answered.then(() => client.destroy()))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP listener without a port')
  return {
    port: address.port,
    holdAt(text, what = 'request') {
      wanted = { text, what }
      held = Promise.withResolvers()
      released = Promise.withResolvers()
    },
    held: () => held.promise,
    release: () => released.resolve(),
    async stop() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
