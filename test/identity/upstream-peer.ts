import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import type { Log } from '../../src/domain/log.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { type UpstreamRadiusOptions, upstreamRadiusIdentity } from '../../src/identity/radius/provider.ts'
import type { UpstreamServerOptions } from '../../src/identity/radius/upstream-server.ts'
import { signReply } from '../../src/radius/authenticators.ts'
import { decodePacket, type NewAttribute, type Packet } from '../../src/radius/packet.ts'
import { SharedSecret } from '../../src/radius/shared-secret.ts'

export const SECRET = 'between broker and upstream'

/** One request as the peer got it, and ways to answer it. */
export interface Heard {
  readonly packet: Packet
  readonly from: RemoteInfo
  /** Any octets, from the address that was asked. */
  send(octets: Buffer): void
  /** Signed with the peer's secret, with Message-Authenticator unless that is left out. */
  reply(code: number, attributes?: readonly NewAttribute[], how?: { bare?: boolean; secret?: string }): Buffer
  /** The same octets with an authenticator that is right for them; their Message-Authenticator stays as it is. */
  resigned(octets: Buffer): Buffer
}

export interface UpstreamPeer {
  readonly port: number
  readonly heard: readonly Heard[]
  readonly server: UpstreamServerOptions
  stop(): Promise<void>
}

/** A peer that can do what no decent RADIUS server does. */
export async function upstreamPeer(answer: (heard: Heard) => unknown): Promise<UpstreamPeer> {
  const socket = createSocket('udp4')
  const heard: Heard[] = []
  socket.on('message', (datagram, from) => {
    const packet = decodePacket(datagram)
    const one: Heard = {
      packet,
      from,
      send: (octets) => socket.send(octets, from.port, from.address),
      reply: (code, attributes = [], { bare = false, secret = SECRET } = {}) =>
        signReply({
          code,
          request: packet,
          attributes,
          secret: new SharedSecret(Buffer.from(secret)),
          messageAuthenticator: !bare,
        }),
      resigned: (octets) => {
        const signed = Buffer.from(octets)
        signed.set(new SharedSecret(Buffer.from(SECRET)).authenticator(signed, packet.authenticator), 4)
        return signed
      },
    }
    heard.push(one)
    answer(one)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  let open = true
  const stop = async () => {
    if (!open) return
    open = false
    socket.close()
    await once(socket, 'close')
  }
  onTestFinished(stop)
  const { port } = socket.address()
  return { port, heard, server: { host: '127.0.0.1', port, secret: new Secret(SECRET) }, stop }
}

/** A store that asks these servers, and what it logged. */
export function upstreamStore(
  servers: UpstreamRadiusOptions['servers'],
  options: Partial<UpstreamRadiusOptions> = {},
) {
  const logged: string[] = []
  const note: Log['info'] = (event, fields) => logged.push(`${event} ${JSON.stringify(fields)}`)
  const store = upstreamRadiusIdentity({
    name: 'up',
    servers,
    clock: systemClock,
    random: systemRandom,
    log: { debug: note, info: note, warn: note, error: note },
    ...options,
  })
  onTestFinished(() => store.close())
  return {
    ...store,
    logged,
    ask: (password: string, ms = 2000, context = {}, name = 'bob') =>
      store.authenticate(name, new Secret(password), systemClock.monotonic() + ms, context),
  }
}
