import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { OperatorError } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'
import { buildAccessRequest, buildStatusServer, checkReply } from '../radius/authenticators.ts'
import { Attr } from '../radius/codes.ts'
import { decodePacket, type NewAttribute, type Packet } from '../radius/packet.ts'
import type { SharedSecret } from '../radius/shared-secret.ts'
import { encryptUserPassword } from '../radius/user-password.ts'

/** Whom to ask, and with which secret. */
interface Server {
  readonly server: { readonly address: string; readonly port: number }
  readonly secret: SharedSecret
}

export interface LoginOptions extends Server {
  /** Octets, at most 128. */
  readonly password: Buffer
  /** Without User-Password and Message-Authenticator. */
  readonly attributes: readonly NewAttribute[]
  /** Whether to send Message-Authenticator; a reply must carry it in any case. */
  readonly signed: boolean
}

const PATIENCE_MS = 10_000

/** Sends one Access-Request, as a gateway does. @returns the reply, verified. @throws OperatorError if none comes. */
export function askToLogIn({ password, attributes, signed, ...to }: LoginOptions): Promise<Packet> {
  const [userName, ...others] = attributes
  return ask(to, (identifier, authenticator) => {
    const { secret } = to
    const encrypted = { type: Attr.UserPassword, value: encryptUserPassword(password, authenticator, secret) }
    const all = userName === undefined ? [encrypted] : [userName, encrypted, ...others]
    return buildAccessRequest({
      identifier,
      authenticator,
      secret,
      attributes: all,
      messageAuthenticator: signed,
    })
  })
}

/** Asks whether the server is there (RFC 5997). @throws OperatorError if it does not answer within the time. */
export async function askForStatus(
  to: Server,
  attributes: readonly NewAttribute[],
  withinMs: number,
): Promise<void> {
  await ask(
    to,
    (identifier, authenticator) =>
      buildStatusServer({ identifier, authenticator, secret: to.secret, attributes }),
    withinMs,
  )
}

async function ask(
  { server, secret }: Server,
  build: (identifier: number, authenticator: Buffer) => Buffer,
  withinMs = PATIENCE_MS,
): Promise<Packet> {
  const authenticator = systemRandom.bytes(16)
  const request = build(systemRandom.bytes(1).readUInt8(), authenticator)
  const where = `${server.address}:${server.port}`
  const socket = createSocket(server.address.includes(':') ? 'udp6' : 'udp4')
  try {
    socket.connect(server.port, server.address)
    await once(socket, 'connect')
    socket.send(request)
    const [octets] = await once(socket, 'message', { signal: AbortSignal.timeout(withinMs) })
    const reply = decodePacket(octets)
    const { authenticator: genuine, messageAuthenticator } = checkReply(reply, authenticator, secret)
    if (genuine && messageAuthenticator === 'valid') return reply
    throw new OperatorError(`the reply from ${where} is not signed with the secret of the configuration`)
  } catch (error) {
    if (error instanceof OperatorError || !(error instanceof Error)) throw error
    const refused = 'code' in error && error.code === 'ECONNREFUSED'
    const why = refused
      ? `${where}: nobody listens there; is the broker running?`
      : `${where}: no answer (${error.message})`
    throw new OperatorError(why, { cause: error })
  } finally {
    socket.close()
  }
}
