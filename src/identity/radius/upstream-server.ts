import type { Clock } from '../../domain/clock.ts'
import type { Log } from '../../domain/log.ts'
import type { Randomness } from '../../domain/random.ts'
import type { Secret } from '../../domain/secret.ts'
import { LogThrottle } from '../../pacing/log-throttle.ts'
import { buildAccessRequest, buildStatusServer, checkReply } from '../../radius/authenticators.ts'
import { Attr, Code } from '../../radius/codes.ts'
import { all, decodePacket, MalformedPacket, type NewAttribute, type Packet } from '../../radius/packet.ts'
import { SharedSecret } from '../../radius/shared-secret.ts'
import { encryptUserPassword } from '../../radius/user-password.ts'
import { type IgnoredReason, NoAnswer, silence, unreachable } from './no-answer.ts'
import { type Place, SourceSockets } from './source-sockets.ts'

export interface UpstreamServerOptions {
  /** An address, or a name. */
  readonly host: string
  readonly port: number
  readonly secret: Secret
  /**
   * Whether a reply without Message-Authenticator is ignored, as it is unless this is false: for servers that
   * cannot send it. Their replies can be forged by who sits between (CVE-2024-3596).
   */
  readonly requireMessageAuthenticator?: boolean
  /** Whether the server answers Status-Server (RFC 5997), as it does unless this is false. NPS does not. */
  readonly statusServer?: boolean
}

export interface UpstreamServerSurroundings {
  /** The identity store's name, for the log. */
  readonly store: string
  readonly clock: Clock
  readonly random: Randomness
  readonly log: Log
  /** Source sockets; 256 requests can be in flight on each. */
  readonly sockets: number
  /** Milliseconds after which a request is sent again, octet for octet. */
  readonly resendMs: number
  /** Milliseconds between two questions whether a dead server is back. */
  readonly probeEveryMs: number
  /** Milliseconds after which one login tries a dead server that does not answer such questions. */
  readonly deadForMs: number
  /** What Status-Server says of us. */
  readonly nasIdentifier: string
}

const ANSWERS: ReadonlySet<number> = new Set([Code.AccessAccept, Code.AccessReject, Code.AccessChallenge])
/** The server chooses how it answers Status-Server (RFC 5997 §4.2); any signed reply shows that it is alive. */
const SIGNS_OF_LIFE: ReadonlySet<number> = new Set([...ANSWERS, Code.AccountingResponse])
/** A server returns ours unchanged (RFC 2865 §5.33), and adds no other. */
const PROXY_STATE_OCTETS = 8
/** A long list of routes makes a long reply; the packet's 4096 octets are bound enough. */
const MAX_ATTRIBUTES = 2048

interface WantedReply {
  readonly codes: ReadonlySet<number>
  /** What the request carried, if anything. Not every server gives it back. */
  readonly proxyState?: Buffer
}

/** One upstream server: its requests, the check of its replies, and whether it is alive. */
export class UpstreamServer {
  /** `host:port`, for people and for finding the server of a challenge again. */
  readonly key: string
  /** Datagrams from its address that were not taken for its replies, since the start. */
  readonly ignored = new Map<IgnoredReason, number>()
  readonly #ignoredLog: LogThrottle
  readonly #options: UpstreamServerOptions
  readonly #around: UpstreamServerSurroundings
  readonly #secret: SharedSecret
  readonly #sockets: SourceSockets
  #lastReply = Number.NEGATIVE_INFINITY
  /** When a login may try it next; undefined while it lives. */
  #nextTrial: number | undefined
  #probing: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: UpstreamServerOptions, around: UpstreamServerSurroundings) {
    const { host, port } = options
    this.key = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
    this.#options = options
    this.#around = around
    this.#secret = new SharedSecret(options.secret.bytes())
    const { sockets: count, random } = around
    this.#ignoredLog = new LogThrottle(around)
    this.#sockets = new SourceSockets({
      host,
      port,
      count,
      random,
      unasked: () => this.#ignore('unasked'),
    })
  }

  /**
   * Sends an Access-Request, again and again where nothing comes.
   * @param attributes User-Name first; without User-Password, Proxy-State and Message-Authenticator.
   * @param password at most 128 octets.
   * @returns a verified Access-Accept, -Reject or -Challenge. @throws NoAnswer; PacketTooLong.
   */
  authenticate(attributes: readonly NewAttribute[], password: Secret, patienceMs: number): Promise<Packet> {
    const [userName, ...others] = attributes
    const proxyState = this.#around.random.bytes(PROXY_STATE_OCTETS)
    return this.#ask({ codes: ANSWERS, proxyState }, patienceMs, (identifier, authenticator) => {
      const value = encryptUserPassword(password.bytes(), authenticator, this.#secret)
      return buildAccessRequest({
        identifier,
        authenticator,
        secret: this.#secret,
        attributes: [
          ...(userName === undefined ? [] : [userName]),
          { type: Attr.UserPassword, value },
          ...others,
          { type: Attr.ProxyState, value: proxyState },
        ],
        messageAuthenticator: true,
      })
    })
  }

  /** Resolves where the server answers Status-Server, or is not known to be dead and cannot be asked so. @throws NoAnswer */
  async checkAlive(patienceMs: number): Promise<void> {
    if (this.#options.statusServer !== false) await this.#askStatus(patienceMs)
    else if (this.#nextTrial !== undefined) throw new NoAnswer('silence', 'did not answer the last login')
  }

  /** Whether a login should try it. A dead server that cannot be asked whether it is back gets one login now and then. */
  isWorthTrying(): boolean {
    if (this.#nextTrial === undefined) return true
    const now = this.#around.clock.monotonic()
    if (now < this.#nextTrial) return false
    this.#nextTrial = now + this.#around.deadForMs
    return true
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#probing)
    await this.#sockets.close()
  }

  async #askStatus(patienceMs: number): Promise<void> {
    const nas = { type: Attr.NasIdentifier, value: Buffer.from(this.#around.nasIdentifier) }
    await this.#ask({ codes: SIGNS_OF_LIFE }, patienceMs, (identifier, authenticator) =>
      buildStatusServer({ identifier, authenticator, secret: this.#secret, attributes: [nas] }),
    )
  }

  async #ask(
    wanted: WantedReply,
    patienceMs: number,
    build: (identifier: number, authenticator: Buffer) => Buffer,
  ): Promise<Packet> {
    const { clock, random, resendMs } = this.#around
    const startedAt = clock.monotonic()
    const authenticator = random.bytes(16)
    const outcome = Promise.withResolvers<Packet>()
    let doubt: IgnoredReason | undefined
    let resend: NodeJS.Timeout | undefined
    const giveUp = setTimeout(
      () => outcome.reject(new NoAnswer('silence', silence(patienceMs, doubt))),
      patienceMs,
    )
    const placed = this.#place({
      receive: (datagram) => {
        const reply = this.#believe(datagram, authenticator, wanted)
        if (typeof reply !== 'string') return outcome.resolve(reply)
        doubt = reply
        this.#ignore(reply)
      },
      failed: (error) => outcome.reject(unreachable(error)),
    })
    try {
      // The name service may be as slow as the server.
      const place = await Promise.race([placed, outcome.promise.then(() => placed)])
      const request = build(place.identifier, authenticator)
      place.send(request)
      resend = setInterval(() => place.send(request), resendMs)
      const reply = await outcome.promise
      this.#lives()
      return reply
    } catch (error) {
      if (error instanceof NoAnswer) this.#failed(error, startedAt)
      throw error
    } finally {
      clearInterval(resend)
      clearTimeout(giveUp)
      placed.then(
        (place) => place.giveBack(),
        () => {},
      )
    }
  }

  async #place(receiver: Parameters<SourceSockets['take']>[0]): Promise<Place> {
    let place: Place | undefined
    try {
      place = await this.#sockets.take(receiver)
    } catch (error) {
      throw unreachable(error)
    }
    if (place === undefined)
      throw new NoAnswer('no_room', 'every identifier of every source socket is in use')
    return place
  }

  /** @returns the reply, or why the datagram is not one to this request. */
  #believe(
    datagram: Buffer,
    requestAuthenticator: Buffer,
    { codes, proxyState }: WantedReply,
  ): Packet | IgnoredReason {
    let reply: Packet
    try {
      reply = decodePacket(datagram, MAX_ATTRIBUTES)
    } catch (error) {
      if (error instanceof MalformedPacket) return 'malformed'
      throw error
    }
    const check = checkReply(reply, requestAuthenticator, this.#secret)
    if (!check.authenticator) return 'bad_authenticator'
    if (check.messageAuthenticator === 'invalid') return 'bad_message_authenticator'
    if (check.messageAuthenticator === 'absent' && this.#options.requireMessageAuthenticator !== false)
      return 'no_message_authenticator'
    // Without a Message-Authenticator a forger hides the collision blocks here (CVE-2024-3596).
    const proxyStates = all(reply, Attr.ProxyState)
    if (proxyStates.length > 1 || proxyStates.some((value) => !proxyState?.equals(value)))
      return 'wrong_proxy_state'
    return codes.has(reply.code) ? reply : 'wrong_code'
  }

  #ignore(reason: IgnoredReason): void {
    const count = (this.ignored.get(reason) ?? 0) + 1
    this.ignored.set(reason, count)
    const { log, store } = this.#around
    this.#ignoredLog.tell(reason, () =>
      log.warn('upstream.reply_ignored', { store, server: this.key, reason, count }),
    )
  }

  #lives(): void {
    this.#lastReply = this.#around.clock.monotonic()
    if (this.#nextTrial === undefined) return
    this.#nextTrial = undefined
    clearInterval(this.#probing)
    this.#around.log.info('upstream.back', { store: this.#around.store, server: this.key })
  }

  /** A silence says nothing while others are answered, or where it was short. */
  #failed({ why }: NoAnswer, startedAt: number): void {
    const { clock, log, store, resendMs, probeEveryMs, deadForMs } = this.#around
    if (this.#nextTrial !== undefined || this.#closed || why === 'no_room') return
    const now = clock.monotonic()
    if (why === 'silence' && (this.#lastReply >= startedAt || now - startedAt < resendMs)) return
    log.warn('upstream.dead', { store, server: this.key })
    if (this.#options.statusServer === false) {
      this.#nextTrial = now + deadForMs
      return
    }
    this.#nextTrial = Number.POSITIVE_INFINITY
    this.#probing = setInterval(() => this.#probe(), probeEveryMs).unref()
  }

  #probe(): void {
    this.#sockets.renew()
    this.#askStatus(this.#around.probeEveryMs).catch(() => {
      // It is still dead; the next probe follows.
    })
  }
}
