import type { Runtime } from '../domain/runtime.ts'
import { type DropReason, OVER_TLS, type RequestKind } from '../domain/traffic.ts'
import { ConcurrencyLimit } from '../pacing/concurrency-limit.ts'
import { waitUntil } from '../pacing/response-time-equalizer.ts'
import { Attr, Code } from '../radius/codes.ts'
import { forbiddenIn } from '../radius/occurrence.ts'
import { type Packet, PacketTooLong, parsePacket } from '../radius/packet.ts'
import { TLS_ALONE, tokenOf, withoutMessageAuthenticator } from '../radius/radius-1-1.ts'
import { optionalText } from './access-request.ts'
import { AccountingHandler, type AccountingHandlerOptions } from './accounting-handler.ts'
import type { TlsPeer } from './certificate-clients.ts'
import type { ClientTable, RadiusClient } from './client-table.ts'
import type { ClientsAt } from './clients-at.ts'
import { Drops, type DropsOptions } from './drops.ts'
import { Duplicates } from './duplicates.ts'
import { LoginHandler, type LoginHandlerOptions } from './login-handler.ts'
import { refusalTo, sign } from './reply.ts'
import type { Seen } from './traffic-tally.ts'
import { verify } from './verify.ts'

/** The two RADIUS services; each takes its own packet codes, and both take Status-Server. */
export type Service = 'auth' | 'acct'

/** One datagram and where it came from. */
export interface Datagram {
  readonly octets: Buffer
  readonly source: string
  readonly port: number
  readonly service: Service
  /** Names the socket that it came in by. */
  readonly socket: string
}

/** One packet of a connection, whose client has proved to hold the key of a certificate. */
export interface TlsPacket {
  readonly octets: Buffer
  readonly peer: TlsPeer
  /** Names the connection; no other has had the name. */
  readonly connection: string
}

/** Octets to be examined, and what is known of where they came from. */
interface Arrival {
  readonly octets: Buffer
  readonly clients: ClientsAt
  readonly source: string
  /** Absent: over TLS, where both kinds of request come by one port. */
  readonly service?: Service
  /** Names where a client's identifiers are its own. */
  readonly from: string
}

/** A packet that is known to be its client's. */
export interface RadiusRequest {
  readonly packet: Packet
  readonly client: RadiusClient
  /** Monotonic milliseconds. */
  readonly arrivedAt: number
}

export interface RadiusServerOptions
  extends Runtime,
    LoginHandlerOptions,
    AccountingHandlerOptions,
    DropsOptions {
  readonly gateways: ClientTable
  /** Requests worked on at once. As many may wait; where more come the oldest are dropped, and the gateway asks again. */
  readonly maxInFlight: number
}

/** Refusals that wait until they may go out; each is less than a kilobyte. */
const MAX_HELD = 20_000

interface SignedReply {
  readonly octets: Buffer
  /** As `Refusal.answerAt`. */
  readonly answerAt?: number
}

/** Whose datagram it is, as far as it is known. */
type Sender = Pick<Seen, 'source' | 'gateway' | 'kind'>

/** A reply, none, or why there is to be none. */
type Answer = SignedReply | DropReason | undefined

const SERVICE_CODE: Readonly<Record<Service, number>> = {
  auth: Code.AccessRequest,
  acct: Code.AccountingRequest,
}
const KIND_OF_SERVICE: Readonly<Record<Service, RequestKind>> = { auth: 'login', acct: 'accounting' }
const KIND_OF_CODE: Readonly<Record<number, RequestKind>> = {
  [Code.AccessRequest]: 'login',
  [Code.AccountingRequest]: 'accounting',
  [Code.StatusServer]: 'status',
}

/** A reply, now or later, none, or why the packet was dropped at once. */
type Answering = Promise<Buffer | undefined> | Buffer | DropReason | undefined

/** What answers requests by one configuration. A reload replaces all of it in one step. */
interface Serving {
  readonly options: RadiusServerOptions
  readonly logins: LoginHandler
  readonly accounting: AccountingHandler
  readonly inProgress: ConcurrencyLimit
}

/**
 * The way of a datagram: source known? well-formed? the right code? which gateway? authentic? a duplicate? Then it is handed on, and
 * the reply is signed. A datagram that fails a check gets no answer; one that passes them all gets one soon.
 */
export class RadiusServer {
  readonly #drops: Drops
  readonly #duplicates: Duplicates
  #serving: Serving
  #inFlight = 0
  #held = 0
  #onDrained: (() => void) | undefined

  constructor(options: RadiusServerOptions) {
    this.#drops = new Drops(options)
    this.#duplicates = new Duplicates(options)
    this.#serving = servingBy(options)
  }

  /** Requests that arrive from now on are answered by these options, those in flight by the options before. */
  use(options: RadiusServerOptions): void {
    this.#serving = servingBy(options, this.#serving)
  }

  /** @returns the reply's octets, or undefined where there is none. Never rejects. */
  receive(datagram: Datagram): Promise<Buffer | undefined> | Buffer | undefined {
    const answer = this.#receive(datagram)
    return typeof answer === 'string' ? undefined : answer
  }

  /** @returns as `receive`, or why the packet was dropped at once: after some reasons the connection has to end. */
  receiveOverTls({ octets, peer, connection }: TlsPacket): Answering {
    const { source } = peer
    const clients = this.overTls.find(peer)
    if (typeof clients === 'string') return this.#drop('unknown_gateway', { source, kind: 'login' })
    return this.#examine({ octets, clients, source, from: connection })
  }

  /** The gateways that are known by a certificate, by the present configuration. */
  get overTls(): ClientTable['overTls'] {
    return this.#serving.options.gateways.overTls
  }

  #receive(datagram: Datagram): Answering {
    const { source, port, service } = datagram
    const from = { source, kind: KIND_OF_SERVICE[service] }
    const clients = this.#serving.options.gateways.find(source)
    if (clients === undefined) return this.#drop('unknown_gateway', from)
    const at = { ...from, gateway: clients.only }
    // Nothing can be sent to port 0, which stands for none (RFC 768), and Node throws on an attempt.
    if (port === 0) return this.#drop('no_source_port', at)
    const place = `${datagram.socket} ${source} ${port}`
    return this.#examine({ octets: datagram.octets, clients, source, service, from: place })
  }

  #examine(arrival: Arrival): Answering {
    const { source, service, clients } = arrival
    const from = { source, kind: KIND_OF_SERVICE[service ?? 'auth'] }
    const at = { ...from, gateway: clients.only }
    // A malformed datagram costs half a microsecond, so that a flood of them leaves time for the others.
    const parsed = parsePacket(arrival.octets)
    if (typeof parsed === 'string') return this.#drop('malformed', at, parsed)
    const kind = KIND_OF_CODE[parsed.code] ?? from.kind
    if (!isTaken(parsed.code, service))
      return this.#drop('wrong_code', { ...at, kind }, `code ${parsed.code} on the ${service ?? 'TLS'} port`)

    const nasIdentifier = optionalText(parsed, Attr.NasIdentifier)
    const client = clients.withIdentifier(nasIdentifier)
    if (client === undefined) return this.#drop('unknown_gateway', from, nameIn(nasIdentifier))
    const sender = { source, gateway: client.gateway.name, kind }
    const packet = client.secret === TLS_ALONE ? withoutMessageAuthenticator(parsed) : parsed
    const fault = verify(packet, client)
    if (fault !== undefined) return this.#drop(fault, sender, client.isOverTls ? OVER_TLS : undefined)
    // An Access-Request with such an attribute gets a reject, which is sooner over for the user than silence.
    const forbidden = packet.code === Code.AccessRequest ? undefined : forbiddenIn(packet)
    if (forbidden !== undefined) return this.#drop('forbidden_attribute', sender, forbidden)
    if (packet.code === Code.StatusServer) {
      this.#serving.options.noteTraffic({ ...sender, outcome: 'taken' })
      return statusReply(packet, client, service ?? 'auth')
    }

    const key = keyOf(packet, client, arrival)
    const seen = this.#duplicates.begin(key, packet.authenticator)
    if (seen === 'new') return this.#answerOnce(key, packet, client, sender)
    this.#serving.options.metrics.repeated(seen === 'pending' ? 'pending' : 'resent')
    return seen === 'pending' ? undefined : seen
  }

  /** Resolves when every request in flight has been answered. */
  async drain(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#onDrained = resolve))
  }

  async #answerOnce(
    key: string,
    packet: Packet,
    client: RadiusClient,
    sender: Sender,
  ): Promise<Buffer | undefined> {
    const serving = this.#serving
    const { clock, deadlineMs } = serving.options
    const request = { packet, client, arrivedAt: clock.monotonic() }
    this.#inFlight += 1
    const answered = await serving.inProgress.run(
      () => answer(request, serving),
      (reason): Answer => reason,
      { patienceMs: deadlineMs },
    )
    if (typeof answered !== 'string') serving.options.noteTraffic({ ...sender, outcome: 'taken' })
    if (typeof answered === 'string') this.#drop(answered, sender)
    const reply = typeof answered === 'string' ? undefined : await this.#hold(answered, sender)
    // A Token may come again as soon as it is answered (RFC 9765 §4.2.1).
    this.#duplicates.end(key, packet.authenticator, client.secret === TLS_ALONE ? undefined : reply)
    this.#inFlight -= 1
    if (this.#inFlight === 0) this.#onDrained?.()
    return reply
  }

  /** A refusal waits in no place that others wait for, and at most so many wait that memory is bounded. */
  async #hold(signed: SignedReply | undefined, sender: Sender): Promise<Buffer | undefined> {
    if (signed?.answerAt === undefined) return signed?.octets
    if (this.#held >= MAX_HELD) {
      this.#drop('overloaded', sender)
      return undefined
    }
    this.#held += 1
    await waitUntil(signed.answerAt, this.#serving.options.clock)
    this.#held -= 1
    return signed.octets
  }

  #drop(outcome: DropReason, sender: Sender, detail?: string): DropReason {
    this.#drops.drop({ ...sender, outcome, detail })
    return outcome
  }
}

function servingBy(options: RadiusServerOptions, before?: Serving): Serving {
  const { maxInFlight, clock } = options
  const isSameLimit = before?.options.maxInFlight === maxInFlight
  return {
    options,
    logins: new LoginHandler(options),
    accounting: new AccountingHandler(options),
    inProgress: isSameLimit
      ? before.inProgress
      : new ConcurrencyLimit({ parallel: maxInFlight, waiting: maxInFlight, clock }),
  }
}

async function answer(request: RadiusRequest, { options, logins, accounting }: Serving): Promise<Answer> {
  const { packet, client } = request
  const { log } = options
  try {
    const handler = packet.code === Code.AccessRequest ? logins : accounting
    const reply = await handler.answer(request)
    if (reply === undefined || reply === 'repeated') return reply
    try {
      return { octets: sign(packet, client, reply), answerAt: reply.answerAt }
    } catch (error) {
      // The login refuses a grant that does not fit by itself; with a long chain of Proxy-State it may not fit.
      if (!(error instanceof PacketTooLong) || reply.code !== Code.AccessAccept) throw error
      log.error('reply.too_long', { gateway: client.gateway.name, error })
      return { octets: sign(packet, client, refusalTo(error.message, options.reply)) }
    }
  } catch (error) {
    // No error is known to arrive here. A fault of the broker must neither end it nor let anybody in.
    log.error('exchange.fault', { gateway: client.gateway.name, error })
    return undefined
  }
}

function nameIn(nasIdentifier: string | undefined): string {
  return nasIdentifier === undefined ? 'no NAS-Identifier' : `NAS-Identifier ${nasIdentifier}`
}

function isTaken(code: number, service: Service | undefined): boolean {
  const codes = service === undefined ? Object.values(SERVICE_CODE) : [SERVICE_CODE[service]]
  return code === Code.StatusServer || codes.includes(code)
}

/** By which a request is known again (RFC 5080 §2.2.2). Over TLS both kinds of request come by one port. */
function keyOf(packet: Packet, { secret, isOverTls }: RadiusClient, { from }: Arrival): string {
  if (secret === TLS_ALONE) return `${from} ${tokenOf(packet).toString('hex')}`
  return isOverTls ? `${from} ${packet.code} ${packet.identifier}` : `${from} ${packet.identifier}`
}

/** "I am here" (RFC 5997 §4.2). */
function statusReply(packet: Packet, client: RadiusClient, service: Service): Buffer {
  const code = service === 'auth' ? Code.AccessAccept : Code.AccountingResponse
  return sign(packet, client, { code, attributes: [] })
}
