import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Randomness } from '../domain/random.ts'
import { buildDisconnectRequest, checkReply } from '../radius/authenticators.ts'
import { Attr, Code } from '../radius/codes.ts'
import { first, type NewAttribute, type Packet, parsePacket } from '../radius/packet.ts'
import type { SharedSecret } from '../radius/shared-secret.ts'

/** A server that takes Disconnect-Requests (RFC 5176). */
export interface DisconnectServer {
  /** An address, or a name that is resolved now. */
  readonly host: string
  readonly port: number
  readonly secret: SharedSecret
}

/** `silent`: no answer that is signed with the secret. */
export type DisconnectAnswer =
  | { readonly kind: 'ended' }
  | { readonly kind: 'refused'; readonly errorCause?: number }
  | { readonly kind: 'silent' }

/** Milliseconds until the same packet is sent again, and at last until there is no answer. */
const WAITS: readonly number[] = [1000, 2000, 3000]

/**
 * Sends one Disconnect-Request, again with the same identifier and octets while no answer comes (RFC 5176 §2.3).
 * Datagrams that are not its answer, signed with the secret, are ignored.
 * @throws PacketTooLong, Error where the name of the server cannot be resolved.
 */
export async function disconnect(
  { host, port, secret }: DisconnectServer,
  attributes: readonly NewAttribute[],
  random: Randomness,
  waits = WAITS,
): Promise<DisconnectAnswer> {
  const identifier = random.bytes(1).readUInt8()
  const request = buildDisconnectRequest({ identifier, attributes, secret })
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  // The system says that nobody listens there: somebody may in a moment.
  socket.on('error', () => {})
  try {
    socket.connect(port, host)
    await once(socket, 'connect')
    const answered = answerOn(socket, request, secret)
    for (const wait of waits) {
      socket.send(request, () => {})
      const answer = await Promise.race([answered, after(wait)])
      if (answer !== undefined) return answer
    }
    return { kind: 'silent' }
  } finally {
    socket.close()
  }
}

function after(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms))
}

function answerOn(socket: Socket, request: Buffer, secret: SharedSecret): Promise<DisconnectAnswer> {
  return new Promise((resolve) => {
    socket.on('message', (datagram) => {
      const reply = parsePacket(datagram)
      if (typeof reply === 'string' || !isAnswer(reply, request, secret)) return
      if (reply.code === Code.DisconnectAck) resolve({ kind: 'ended' })
      if (reply.code === Code.DisconnectNak) resolve({ kind: 'refused', errorCause: errorCauseOf(reply) })
    })
  })
}

/** Message-Authenticator may be absent from the answer (RFC 5176 §3.4), and is right where it is not. */
function isAnswer(reply: Packet, request: Buffer, secret: SharedSecret): boolean {
  if (reply.identifier !== request.readUInt8(1)) return false
  const { authenticator, messageAuthenticator } = checkReply(reply, request.subarray(4, 20), secret)
  return authenticator && messageAuthenticator !== 'invalid'
}

function errorCauseOf(reply: Packet): number | undefined {
  const value = first(reply, Attr.ErrorCause)
  return value?.length === 4 ? value.readUInt32BE() : undefined
}
