import type { Attempt } from '../domain/attempt.ts'
import type { Clock } from '../domain/clock.ts'
import { Deadlines } from '../domain/deadlines.ts'
import type { Log } from '../domain/log.ts'
import type { Metrics } from '../domain/metrics.ts'
import type { Randomness } from '../domain/random.ts'
import { refuse } from '../domain/refusal.ts'
import type { AccountingRecord } from '../domain/session.ts'
import type { Decision } from '../login/decide.ts'
import {
  checkAccountingAuthenticator,
  checkMessageAuthenticator,
  signReply,
} from '../radius/authenticators.ts'
import { Attr, Code } from '../radius/codes.ts'
import { decodePacket, first, malformation, type Packet, PacketTooLong } from '../radius/packet.ts'
import { readAccessRequest } from './access-request.ts'
import { readAccountingRequest } from './accounting-request.ts'
import { type DropReason, Drops } from './drops.ts'
import { Duplicates } from './duplicates.ts'
import type { GatewayTable, Peer } from './gateway-table.ts'
import type { Heir, SeenRequest } from './inheritance.ts'
import { Line, type Shed } from './line.ts'
import { LoginLog } from './login-log.ts'
import { type ReplyOptions, replyTo, type UnsignedReply } from './reply.ts'

/** The two RADIUS services; each takes its own packet codes, and both take Status-Server. */
export type Service = 'auth' | 'acct'

/** One datagram and where it came from. */
export interface Datagram {
  readonly octets: Buffer
  readonly source: string
  readonly port: number
  readonly service: Service
  /** Names the socket it came in by. */
  readonly socket: string
}

export interface ExchangeOptions {
  readonly gateways: GatewayTable
  readonly decide: (attempt: Attempt) => Promise<Decision>
  /** @returns whether the gateway is to be answered. */
  readonly keepAccounting: (record: AccountingRecord) => Promise<boolean>
  readonly reply: ReplyOptions
  /** How long after its arrival a login is answered as unavailable, in milliseconds. */
  readonly deadlineMs: number
  /** Requests worked on at once. As many may wait; where more come the oldest are dropped, and the gateway asks again. */
  readonly maxInFlight: number
  readonly clock: Clock
  readonly random: Randomness
  readonly log: Log
  readonly metrics: Metrics
}

/** How often it is looked whose deadline is near. */
const LOOK_EVERY_MS = 20

const SERVICE_CODE: Readonly<Record<Service, number>> = {
  auth: Code.AccessRequest,
  acct: Code.AccountingRequest,
}

/**
 * The way of a datagram: gateway known? well-formed? the right code? authentic? seen before? Then it is handed on, and
 * what comes back is signed. Whatever fails before the last step gets no answer; whatever passes gets one soon.
 */
export class Exchange {
  readonly #options: ExchangeOptions
  readonly #drops: Drops
  readonly #duplicates: Duplicates
  readonly #line: Line
  readonly #deadlines: Deadlines
  readonly #loginLog: LoginLog
  readonly #inFlight = new Set<Promise<unknown>>()
  #heir: Heir | undefined

  constructor(options: ExchangeOptions) {
    const { maxInFlight, clock } = options
    this.#options = options
    this.#line = new Line({ parallel: maxInFlight, waiting: maxInFlight, clock })
    this.#deadlines = new Deadlines({ clock, everyMs: LOOK_EVERY_MS })
    this.#drops = new Drops(options)
    this.#loginLog = new LoginLog(options)
    this.#duplicates = new Duplicates(options)
  }

  /** @returns the reply's octets, or undefined where there is none. Never rejects. */
  receive(datagram: Datagram): Promise<Buffer | undefined> | Buffer | undefined {
    const { source, service, octets } = datagram
    const peer = this.#options.gateways.find(source)
    if (peer === undefined) return this.#drop('unknown_gateway', source)
    // Nothing can be sent to port 0, which stands for none (RFC 768), and Node throws where one tries.
    if (datagram.port === 0) return this.#drop('no_source_port', source)

    // Junk costs half a microsecond: a flood of it leaves the time to others.
    const malformed = malformation(octets)
    if (malformed !== undefined) return this.#drop('malformed', source, malformed)
    const packet = decodePacket(octets)
    if (packet.code !== SERVICE_CODE[service] && packet.code !== Code.StatusServer) {
      return this.#drop('wrong_code', source, `code ${packet.code} on the ${service} port`)
    }
    const fault = verify(packet, peer)
    if (fault !== undefined) return this.#drop(fault, source)
    if (packet.code === Code.StatusServer) return this.#answerStatus(packet, peer, service)

    const key = `${datagram.socket} ${source} ${datagram.port} ${packet.identifier}`
    const seen = this.#duplicates.begin(key, packet.authenticator)
    if (seen !== 'new') {
      this.#options.metrics.repeated(seen === 'pending' ? 'pending' : 'resent')
      return seen === 'pending' ? undefined : seen
    }
    const work = this.#work(packet, peer, source).then((reply) => {
      this.#end(key, packet, datagram, reply)
      this.#inFlight.delete(work)
      return reply
    })
    this.#inFlight.add(work)
    return work
  }

  /** What another process that has handed its sockets to this one saw. */
  inherit(requests: readonly SeenRequest[]): void {
    this.#duplicates.inherit(requests)
  }

  /** The other process has answered one of them. @param reply absent: it never will. */
  inheritReply(key: string, authenticator: Buffer, reply: Buffer | undefined): void {
    this.#duplicates.end(key, authenticator, reply)
  }

  /** The other process has ended. */
  awaitNothing(): void {
    this.#duplicates.awaitNothing()
  }

  /** All requests whose retransmits may come. */
  seen(): Iterable<SeenRequest> {
    return this.#duplicates.seen()
  }

  /** From now on another process reads from the sockets, and what is still being answered is answered through it. */
  handOver(heir: Heir): void {
    this.#heir = heir
  }

  /** Resolves when everything that is being worked on has been answered. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#inFlight)
  }

  async #work(packet: Packet, peer: Peer, source: string): Promise<Buffer | undefined> {
    const { clock, deadlineMs } = this.#options
    const arrived = clock.monotonic()
    const outcome: Buffer | undefined | Shed = await this.#line.take(arrived + deadlineMs, () =>
      this.#answer(packet, peer, arrived),
    )
    return typeof outcome === 'string' ? this.#drop(outcome, source) : outcome
  }

  #end(key: string, { authenticator }: Packet, { socket, source, port }: Datagram, reply?: Buffer): void {
    this.#duplicates.end(key, authenticator, reply)
    this.#heir?.({
      kind: 'answered',
      key,
      authenticator: authenticator.toString('base64'),
      ...(reply !== undefined && {
        outgoing: { socket, source, port, reply: reply.toString('base64') },
      }),
    })
  }

  async #answer(packet: Packet, peer: Peer, arrived: number): Promise<Buffer | undefined> {
    try {
      const reply =
        packet.code === Code.AccessRequest
          ? await this.#login(packet, peer, arrived)
          : await this.#accounting(packet, peer, arrived)
      return reply === undefined ? undefined : this.#sign(packet, peer, reply)
    } catch (error) {
      // Nothing is known to come here; a fault of the broker must not end it, nor let anybody in.
      this.#options.log.error('exchange.fault', { gateway: peer.gateway.name, error })
      return undefined
    }
  }

  /** A grant alone fits, or the login had refused it; with a long chain of proxies' Proxy-State it may not. */
  #sign(packet: Packet, peer: Peer, reply: UnsignedReply): Buffer {
    try {
      return sign(packet, peer, reply)
    } catch (error) {
      if (!(error instanceof PacketTooLong) || reply.code !== Code.AccessAccept) throw error
      const { log, reply: options } = this.#options
      log.error('reply.too_long', { gateway: peer.gateway.name, error })
      return sign(packet, peer, replyTo(refuse('unavailable', error.message), options))
    }
  }

  async #login(packet: Packet, peer: Peer, arrived: number): Promise<UnsignedReply | undefined> {
    const { random, deadlineMs, clock, metrics } = this.#options
    const attempt = readAccessRequest(packet, peer, { id: random.id(), deadline: arrived + deadlineMs })
    const decision = 'kind' in attempt ? attempt : await this.#inTime(attempt)
    const reply = this.#compose(decision, peer)
    const seconds = (clock.monotonic() - arrived) / 1000
    metrics.login(decision.kind === 'refusal' ? decision.reason : decision.kind, peer.gateway.name, seconds)
    this.#loginLog.tell(attempt, decision, peer.gateway, seconds)
    return reply
  }

  #compose(decision: Decision, { gateway }: Peer): UnsignedReply | undefined {
    const { reply, log } = this.#options
    const unavailable = decision.kind === 'refusal' && decision.reason === 'unavailable'
    if (unavailable && gateway.onOutage === 'silent') return undefined
    try {
      return replyTo(decision, reply)
    } catch (error) {
      const policy = decision.kind === 'grant' ? decision.policy : undefined
      log.error('reply.cannot_be_coded', { gateway: gateway.name, policy, error })
      return replyTo(refuse('unavailable', 'the reply cannot be coded'), reply)
    }
  }

  #inTime(attempt: Attempt): Promise<Decision> {
    return new Promise((resolve, reject) => {
      const expire = () => resolve(refuse('unavailable', 'the deadline passed'))
      const timed = { expiresAt: attempt.deadline, expire }
      this.#deadlines.add(timed)
      this.#options
        .decide(attempt)
        .then(resolve, reject)
        .finally(() => this.#deadlines.remove(timed))
    })
  }

  async #accounting(packet: Packet, peer: Peer, arrived: number): Promise<UnsignedReply | undefined> {
    const { clock, metrics, keepAccounting } = this.#options
    const record = readAccountingRequest(packet, peer, clock.now())
    const answer = record === undefined || (await keepAccounting(record))
    metrics.accounting(record?.kind ?? 'other', peer.gateway.name, (clock.monotonic() - arrived) / 1000)
    return answer ? { code: Code.AccountingResponse, attributes: [] } : undefined
  }

  /** "I am here" (RFC 5997 §4.2). */
  #answerStatus(packet: Packet, peer: Peer, service: Service): Buffer {
    const code = service === 'auth' ? Code.AccessAccept : Code.AccountingResponse
    return sign(packet, peer, { code, attributes: [] })
  }

  #drop(reason: DropReason, source: string, detail?: string): undefined {
    this.#drops.drop(reason, source, detail)
  }
}

/** @returns what keeps the packet from being believed; a packet that passes may be from the gateway. */
function verify(packet: Packet, peer: Peer): DropReason | undefined {
  const authenticator = checkMessageAuthenticator(packet, peer.secret)
  if (authenticator === 'invalid') return 'bad_message_authenticator'
  if (packet.code === Code.AccountingRequest) {
    // It is signed as a whole (RFC 2866 §3), so Message-Authenticator would add nothing.
    return checkAccountingAuthenticator(packet, peer.secret) ? undefined : 'bad_accounting_authenticator'
  }
  if (authenticator === 'valid') {
    if (packet.code === Code.AccessRequest) peer.sawAuthenticator()
    return undefined
  }
  if (packet.code === Code.StatusServer || peer.requiresAuthenticator()) return 'no_message_authenticator'
  // Proxy-State comes back in the reply, where a forger could make use of it (CVE-2024-3596).
  return first(packet, Attr.ProxyState) === undefined ? undefined : 'proxy_state_unprotected'
}

/** @throws PacketTooLong where the attributes and the request's Proxy-State pass 4096 octets. */
function sign(request: Packet, { secret }: Peer, { code, attributes }: UnsignedReply): Buffer {
  // In an Accounting-Response clients disagree on what it is computed over, so it stays out (RFC 5997 §4.2 aside).
  const messageAuthenticator = code !== Code.AccountingResponse || request.code === Code.StatusServer
  return signReply({ code, request, attributes, secret, messageAuthenticator })
}
