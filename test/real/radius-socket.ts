import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import {
  buildAccessRequest,
  buildAccountingRequest,
  buildStatusServer,
  checkReply,
} from '../../src/radius/authenticators.ts'
import { Attr, Code } from '../../src/radius/codes.ts'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { all, decodePacket, first, type NewAttribute } from '../../src/radius/packet.ts'
import { SharedSecret } from '../../src/radius/shared-secret.ts'
import { encryptUserPassword } from '../../src/radius/user-password.ts'

/** A request as it goes on the wire, with what is needed to believe the reply. */
export interface Request {
  readonly octets: Buffer
  readonly authenticator: Buffer
  readonly secret: SharedSecret
}

/** A reply whose signatures were right. */
export interface Reply {
  readonly code: string
  readonly octets: Buffer
  readonly message: string | undefined
  readonly state: Buffer | undefined
  /** Framed-IP-Address. */
  readonly ipv4: string | undefined
  readonly proxyStates: readonly Buffer[]
}

export interface LoginRequest {
  readonly secret: string
  readonly user: string
  readonly password: string | Buffer
  readonly state?: Buffer | undefined
  /** Calling-Station-Id; 198.51.100.1 where it is not given. */
  readonly from?: string
  /** Whether it carries Message-Authenticator, and where; not at all where it is not given. */
  readonly signed?: boolean | 'last'
  readonly proxyStates?: readonly Buffer[]
  readonly more?: readonly NewAttribute[]
}

const CODES: Readonly<Record<number, string>> = {
  [Code.AccessAccept]: 'Access-Accept',
  [Code.AccessReject]: 'Access-Reject',
  [Code.AccessChallenge]: 'Access-Challenge',
  [Code.AccountingResponse]: 'Accounting-Response',
}

/** An Access-Request as ocserv writes it. */
export function loginRequest(login: LoginRequest): Request {
  const { user, password, state, from = '198.51.100.1', signed = false, proxyStates = [], more = [] } = login
  const authenticator = randomBytes(16)
  const secret = new SharedSecret(Buffer.from(login.secret))
  const octets = buildAccessRequest({
    identifier: randomBytes(1).readUInt8(),
    authenticator,
    secret,
    messageAuthenticator: signed,
    attributes: [
      encodeAttribute('User-Name', user),
      {
        type: Attr.UserPassword,
        value: encryptUserPassword(Buffer.from(password), authenticator, secret),
      },
      encodeAttribute('Calling-Station-Id', from),
      encodeAttribute('Service-Type', 8),
      encodeAttribute('NAS-Port-Type', 0),
      ...(state === undefined ? [] : [{ type: Attr.State, value: state }]),
      ...more,
      ...proxyStates.map((value) => ({ type: Attr.ProxyState, value })),
    ],
  })
  return { octets, authenticator, secret }
}

export function accountingRequest(secret: string, attributes: readonly NewAttribute[]): Request {
  const shared = new SharedSecret(Buffer.from(secret))
  const octets = buildAccountingRequest({
    identifier: randomBytes(1).readUInt8(),
    secret: shared,
    attributes,
  })
  return { octets, authenticator: octets.subarray(4, 20), secret: shared }
}

export function statusRequest(secret: string): Request {
  const authenticator = randomBytes(16)
  const shared = new SharedSecret(Buffer.from(secret))
  const octets = buildStatusServer({
    identifier: randomBytes(1).readUInt8(),
    authenticator,
    secret: shared,
    attributes: [],
  })
  return { octets, authenticator, secret: shared }
}

/** Reads a reply; throws where the server that signed it does not know the secret. */
export function believed(octets: Buffer, request: Request): Reply {
  const packet = decodePacket(octets)
  const { authenticator, messageAuthenticator } = checkReply(packet, request.authenticator, request.secret)
  const isSigned = packet.code === Code.AccountingResponse || messageAuthenticator === 'valid'
  if (!authenticator || !isSigned) throw new Error('the reply is not signed with the secret')
  return {
    code: CODES[packet.code] ?? `code ${packet.code}`,
    octets,
    message: first(packet, Attr.ReplyMessage)?.toString('utf8'),
    state: first(packet, Attr.State),
    ipv4: first(packet, Attr.FramedIpAddress)?.join('.'),
    proxyStates: all(packet, Attr.ProxyState),
  }
}

/** One UDP socket of a gateway's. */
export interface RadiusSocket {
  send(octets: Buffer): void
  /** The next datagram that came, or undefined where none does within so many milliseconds, or before `until`. */
  next(within: number, until?: AbortSignal): Promise<Buffer | undefined>
  close(): void
}

export async function radiusSocket(port: number, from = '127.0.0.1'): Promise<RadiusSocket> {
  // Node looks addresses up, too, and would send only later.
  const socket = createSocket({ type: 'udp4', lookup: (address, _, found) => found(null, address, 4) })
  const listening = once(socket, 'listening')
  socket.bind(0, from)
  await listening
  const arrived: Buffer[] = []
  socket.on('message', (octets) => {
    arrived.push(octets)
    socket.emit('arrived')
  })
  return {
    send: (octets) => socket.send(octets, port, '127.0.0.1'),
    next: async (within, until) => {
      const timeout = AbortSignal.timeout(within)
      const signal = until === undefined ? timeout : AbortSignal.any([timeout, until])
      if (arrived.length === 0) await once(socket, 'arrived', { signal }).catch(() => undefined)
      return arrived.shift()
    },
    close: () => socket.close(),
  }
}

/** Milliseconds for each try. */
const PATIENCE = 3000

interface AskOptions {
  /** The gateway's address (127.0.0.1). */
  readonly source?: string
  /** How often the same octets are sent (3). */
  readonly tries?: number
  /** Gives up when this is aborted. */
  readonly until?: AbortSignal
}

/**
 * Asks as radcli does: from a fresh socket, and with the same octets again where no answer comes.
 * @returns the believed reply, or undefined where none came to any of the tries.
 */
export async function ask(
  port: number,
  request: Request,
  { tries = 3, until, source }: AskOptions = {},
): Promise<Reply | undefined> {
  const socket = await radiusSocket(port, source)
  try {
    for (let sent = 0; sent < tries && until?.aborted !== true; sent++) {
      socket.send(request.octets)
      const octets = await socket.next(PATIENCE, until)
      if (octets !== undefined) return believed(octets, request)
    }
    return undefined
  } finally {
    socket.close()
  }
}
