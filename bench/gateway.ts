import { randomFillSync } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import {
  buildAccessRequest,
  buildAccountingRequest,
  buildStatusServer,
  checkReply,
} from '../src/radius/authenticators.ts'
import { Attr, Code } from '../src/radius/codes.ts'
import { decodePacket, type NewAttribute, type Packet } from '../src/radius/packet.ts'
import { SharedSecret } from '../src/radius/shared-secret.ts'
import { encryptUserPassword } from '../src/radius/user-password.ts'
import type { Target } from './commands.ts'

export interface Answer {
  readonly reply: Packet
  /** From the first sending, so that a retransmit costs what it cost the user. */
  readonly milliseconds: number
}

interface Waiting {
  readonly request: Buffer
  readonly sentAt: number
  lastSentAt: number
  resends: number
  readonly resolve: (answer: Answer) => void
  readonly reject: (why: Error) => void
}

interface Line {
  readonly socket: Socket
  /** By identifier. */
  readonly waiting: (Waiting | undefined)[]
  lastIdentifier: number
}

const IDENTIFIERS = 256
/** radcli takes a new one for each request; so many are spread over workers as evenly. */
const SOCKETS = 64
/** Shorter than radcli's 10 s, so that what a lost packet costs is seen within a run of seconds. */
const RESEND_AFTER_MS = 2000
const RESENDS = 2
const LOOK_EVERY_MS = 100
const AUTHENTICATORS_AT_ONCE = 1024

/** A VPN gateway with many sockets: sends as radcli does, and believes no reply that is not signed for its request. */
export class Gateway {
  readonly #target: Target
  readonly #secret: SharedSecret
  readonly #lines: { readonly auth: Line[]; readonly acct: Line[] } = { auth: [], acct: [] }
  readonly #random = Buffer.alloc(16 * AUTHENTICATORS_AT_ONCE)
  #randomUsed = this.#random.length
  #turn = 0
  #watch: NodeJS.Timeout | undefined
  retransmits = 0

  private constructor(target: Target) {
    this.#target = target
    this.#secret = new SharedSecret(Buffer.from(target.secret))
  }

  static async open(target: Target): Promise<Gateway> {
    const gateway = new Gateway(target)
    for (let count = 0; count < SOCKETS; count += 1) {
      gateway.#lines.auth.push(await gateway.#connect(target.authPort))
      gateway.#lines.acct.push(await gateway.#connect(target.acctPort))
    }
    gateway.#watch = setInterval(() => gateway.#resend(), LOOK_EVERY_MS)
    return gateway
  }

  status(): Promise<Answer> {
    return this.#ask('auth', (identifier) =>
      buildStatusServer({
        identifier,
        authenticator: this.#authenticator(),
        secret: this.#secret,
        attributes: [],
      }),
    )
  }

  /** @param attributes without User-Password, which comes second, and Message-Authenticator, which comes last. */
  login(password: Buffer, [name, ...others]: readonly [NewAttribute, ...NewAttribute[]]): Promise<Answer> {
    return this.#ask('auth', (identifier) => {
      const authenticator = this.#authenticator()
      const value = encryptUserPassword(password, authenticator, this.#secret)
      return buildAccessRequest({
        identifier,
        authenticator,
        secret: this.#secret,
        attributes: [name, { type: Attr.UserPassword, value }, ...others],
        messageAuthenticator: 'last',
      })
    })
  }

  accounting(attributes: readonly NewAttribute[]): Promise<Answer> {
    return this.#ask('acct', (identifier) =>
      buildAccountingRequest({ identifier, secret: this.#secret, attributes }),
    )
  }

  async close(): Promise<void> {
    clearInterval(this.#watch)
    for (const { socket } of [...this.#lines.auth, ...this.#lines.acct]) {
      socket.close()
      await once(socket, 'close')
    }
  }

  /** 16 octets that were never used before. */
  #authenticator(): Buffer {
    if (this.#randomUsed === this.#random.length) {
      randomFillSync(this.#random)
      this.#randomUsed = 0
    }
    this.#randomUsed += 16
    return Buffer.from(this.#random.subarray(this.#randomUsed - 16, this.#randomUsed))
  }

  async #connect(port: number): Promise<Line> {
    const socket = createSocket('udp4')
    socket.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const line: Line = { socket, waiting: new Array(IDENTIFIERS).fill(undefined), lastIdentifier: 0 }
    socket.on('message', (octets) => this.#take(line, octets))
    // Nobody listens any more: what waits ends by its time-out.
    socket.on('error', () => {})
    return line
  }

  #ask(service: 'auth' | 'acct', build: (identifier: number) => Buffer): Promise<Answer> {
    const [line, identifier] = this.#free(service)
    const request = build(identifier)
    return new Promise((resolve, reject) => {
      const sentAt = performance.now()
      line.waiting[identifier] = { request, sentAt, lastSentAt: sentAt, resends: 0, resolve, reject }
      line.socket.send(request)
    })
  }

  /** @throws Error where more is in flight than the sockets have identifiers. */
  #free(service: 'auth' | 'acct'): [Line, number] {
    const lines = this.#lines[service]
    for (let tries = 0; tries < SOCKETS * IDENTIFIERS; tries += 1) {
      this.#turn = (this.#turn + 1) % lines.length
      const line = lines[this.#turn]
      if (line === undefined) continue
      line.lastIdentifier = (line.lastIdentifier + 1) % IDENTIFIERS
      if (line.waiting[line.lastIdentifier] === undefined) return [line, line.lastIdentifier]
    }
    throw new Error(`more than ${SOCKETS * IDENTIFIERS} requests in flight`)
  }

  #take(line: Line, octets: Buffer): void {
    const arrivedAt = performance.now()
    const reply = decodePacket(octets)
    const waiting = line.waiting[reply.identifier]
    // The second answer to a request that was sent twice.
    if (waiting === undefined) return
    const fault = this.#faultOf(reply, waiting.request)
    line.waiting[reply.identifier] = undefined
    if (fault === undefined) waiting.resolve({ reply, milliseconds: arrivedAt - waiting.sentAt })
    else waiting.reject(new Error(fault))
  }

  #faultOf(reply: Packet, request: Buffer): string | undefined {
    const { authenticator, messageAuthenticator } = checkReply(reply, request.subarray(4, 20), this.#secret)
    if (!authenticator) return 'a reply with a wrong response authenticator'
    if (messageAuthenticator === 'invalid') return 'a reply with a wrong Message-Authenticator'
    const isFirst = reply.attributes[0]?.type === Attr.MessageAuthenticator
    if (this.#target.signsFirst && reply.code !== Code.AccountingResponse && !isFirst) {
      return 'a reply that does not begin with Message-Authenticator'
    }
    return undefined
  }

  /** The same octets from the same port, as radcli does. */
  #resend(): void {
    const late = performance.now() - RESEND_AFTER_MS
    for (const line of [...this.#lines.auth, ...this.#lines.acct]) {
      for (const [identifier, waiting] of line.waiting.entries()) {
        if (waiting === undefined || waiting.lastSentAt > late) continue
        if (waiting.resends === RESENDS) {
          line.waiting[identifier] = undefined
          waiting.reject(new Error('no answer'))
          continue
        }
        waiting.resends += 1
        waiting.lastSentAt = performance.now()
        this.retransmits += 1
        line.socket.send(waiting.request)
      }
    }
  }
}
