import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

interface Request {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface SmallBroker {
  readonly port: number
  readonly requests: readonly Request[]
  /** Sends an event on each open stream. */
  send(event: string, data: unknown): void
  /** Sends a comment. */
  breathe(): void
  stop(): Promise<void>
}

interface SmallBrokerOptions {
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer }
  readonly port?: number
  /** In place of the stream and of taking what is posted. */
  readonly refusal?: { readonly status: number; readonly detail: string }
  readonly hello?: unknown
}

/** The broker's three routes for agents, and nothing behind them. */
export async function startSmallBroker({
  tls,
  port = 0,
  refusal,
  hello = { protocol: 1, version: '9.9', report_every: 60 },
}: SmallBrokerOptions = {}): Promise<SmallBroker> {
  const requests: Request[] = []
  const streams = new Set<ServerResponse>()
  const send = (to: Iterable<ServerResponse>, event: string, data: unknown) => {
    for (const stream of to) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  const answer: RequestListener = async (request, response) => {
    const { method, url, headers } = request
    requests.push({ method, url, headers, body: await text(request) })
    if (refusal !== undefined) {
      response.writeHead(refusal.status, { 'content-type': 'application/problem+json' })
      response.end(JSON.stringify({ title: 'No', detail: refusal.detail }))
    } else if (method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      streams.add(response)
      response.once('close', () => streams.delete(response))
      send([response], 'hello', hello)
    } else response.writeHead(204).end()
  }
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    send: (event, data) => send(streams, event, data),
    breathe: () => {
      for (const stream of streams) stream.write(': \n\n')
    },
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
