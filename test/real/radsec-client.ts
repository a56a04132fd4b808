import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { Attr, Code } from '../../src/radius/codes.ts'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { decodePacket, encodePacket, type NewAttribute, type Packet } from '../../src/radius/packet.ts'
import { PacketStream } from '../../src/radius/packet-stream.ts'
import type { IssuedCertificate } from './certificates.ts'

export interface RadsecClientOptions {
  readonly port: number
  /** Of the server's certificate, in PEM. */
  readonly authority: string
  /** None where absent. */
  readonly own?: IssuedCertificate
  /** By ALPN; none where absent. */
  readonly versions?: readonly ('radius/1.0' | 'radius/1.1')[]
  readonly more?: ConnectionOptions
}

/** A client of RADIUS over TLS that is not the broker's own. */
export interface RadsecClient {
  readonly socket: TLSSocket
  readonly replies: readonly Packet[]
  send(...packets: readonly Buffer[]): void
  /** The first reply after those that were taken. Rejects where the connection ends first. */
  next(): Promise<Packet>
  /** Resolves when the connection has ended, for whatever reason. */
  readonly closed: Promise<void>
}

/** Connects; rejects where the handshake fails on this side, which under TLS 1.3 is before the server has judged. */
export async function radsecClient(options: RadsecClientOptions): Promise<RadsecClient> {
  const { port, authority, own, versions, more } = options
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca: readFileSync(authority),
    cert: own && readFileSync(own.certificate),
    key: own && readFileSync(own.key),
    ALPNProtocols: versions && [...versions],
    ...more,
  })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await once(socket, 'secureConnect')
  socket.on('error', () => undefined)
  const stream = new PacketStream()
  const replies: Packet[] = []
  socket.on('data', (octets: Buffer) => {
    replies.push(...stream.push(octets).map((packet) => decodePacket(packet)))
    socket.emit('reply')
  })
  let taken = 0
  return {
    socket,
    replies,
    closed,
    send: (...packets) => void socket.write(Buffer.concat(packets)),
    async next() {
      while (replies.length <= taken) {
        const isClosed = await Promise.race([
          once(socket, 'reply').then(() => false),
          closed.then(() => true),
        ])
        if (isClosed && replies.length <= taken) throw new Error('the connection ended without a reply')
      }
      taken += 1
      return replies[taken - 1] as Packet
    },
  }
}

/** An Access-Request by RFC 9765: Token, nothing signed, nothing hidden. @param token four octets in hexadecimal. */
export function tokenRequest(
  token: string,
  {
    user = 'bob',
    password = 'hunter2',
    more = [] as readonly NewAttribute[],
    code = Code.AccessRequest as number,
  } = {},
): Buffer {
  const login =
    code === Code.AccessRequest
      ? [encodeAttribute('User-Name', user), { type: Attr.UserPassword, value: Buffer.from(password) }]
      : []
  return encodePacket({
    code,
    identifier: 0,
    authenticator: Buffer.from(token.padEnd(32, '0'), 'hex'),
    attributes: [...login, ...more],
  })
}
