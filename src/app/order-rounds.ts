import type { AgentStore } from '../domain/agent.ts'
import type { Gateway } from '../domain/gateway.ts'
import { parseAddress } from '../domain/network.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { Session, SessionStore } from '../domain/session.ts'
import type { OrderResult, OrderStore, SessionOrder } from '../domain/session-order.ts'
import { ipv4Octets, ipv6Octets } from '../radius/addresses.ts'
import { Attr } from '../radius/codes.ts'
import { errorCauseText, SESSION_NOT_FOUND } from '../radius/error-cause.ts'
import type { NewAttribute } from '../radius/packet.ts'
import { SharedSecret } from '../radius/shared-secret.ts'
import { type DisconnectAnswer, disconnect } from '../transport/disconnect.ts'

export interface OrderRoundsOptions extends Pick<Runtime, 'clock' | 'random' | 'log'> {
  readonly orders: OrderStore
  readonly agents: Pick<AgentStore, 'forget'>
  readonly sessions: Pick<SessionStore, 'list'>
  /** Of the present configuration. */
  readonly gateways: () => readonly Gateway[]
  /** Milliseconds from one round to the next; a second where absent. */
  readonly everyMs?: number
  /** As of `disconnect`. */
  readonly waits?: readonly number[]
}

/** How long one broker has an order to itself: longer than an exchange lasts. */
const CLAIM_MS = 10_000
/** Orders under way to one gateway. */
const AT_ONCE = 16
/** An order that nobody acknowledged for so long has failed. */
const ORDER_LIFE_MS = 24 * 3_600_000
/** An agent that was not heard for so long is forgotten. */
const AGENT_LIFE_MS = 7 * 24 * 3_600_000
const TIDY_EVERY_MS = 60_000
const TIDY_AT_MOST = 200

/** Sends orders to the gateways that take Disconnect-Requests, and gives up those that nobody took. */
export class OrderRounds {
  readonly #options: OrderRoundsOptions
  readonly #timer: NodeJS.Timeout
  readonly #sending = new Map<string, Set<Promise<void>>>()
  #round: Promise<void> | undefined
  #tidiedAt = Number.NEGATIVE_INFINITY

  private constructor(options: OrderRoundsOptions) {
    this.#options = options
    this.#timer = setInterval(() => {
      this.#round ??= this.#goRound().finally(() => {
        this.#round = undefined
      })
    }, options.everyMs ?? 1000).unref()
  }

  static start(options: OrderRoundsOptions): OrderRounds {
    return new OrderRounds(options)
  }

  /** Resolves when what was being sent has been answered, or was not. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#round
    await Promise.all([...this.#sending.values()].flatMap((all) => [...all]))
  }

  async #goRound(): Promise<void> {
    const { gateways, log } = this.#options
    try {
      await this.#tidy()
      for (const gateway of gateways())
        if (gateway.disconnect !== undefined) await this.#sendOpen(gateway, gateway.disconnect)
    } catch (error) {
      log.warn('orders.round_failed', { error })
    }
  }

  async #tidy(): Promise<void> {
    const { clock, orders, agents } = this.#options
    if (clock.monotonic() < this.#tidiedAt + TIDY_EVERY_MS) return
    this.#tidiedAt = clock.monotonic()
    const now = clock.now()
    await orders.giveUp(now - ORDER_LIFE_MS, now, TIDY_AT_MOST)
    await agents.forget(now - AGENT_LIFE_MS)
  }

  async #sendOpen(gateway: Gateway, way: Disconnect): Promise<void> {
    const { orders, clock, log } = this.#options
    const sending = this.#sending.get(gateway.name) ?? new Set()
    this.#sending.set(gateway.name, sending)
    while (sending.size < AT_ONCE) {
      const now = clock.now()
      const order = await orders.claim(gateway.name, now, now + CLAIM_MS)
      if (order === undefined) return
      const sent = this.#send(order, gateway, way)
        .catch((error: unknown) => log.warn('orders.not_sent', { order: order.id, error }))
        .finally(() => sending.delete(sent))
      sending.add(sent)
    }
  }

  async #send(order: SessionOrder, gateway: Gateway, way: Disconnect): Promise<void> {
    const { orders, clock, random, waits } = this.#options
    const session = await this.#sessionOf(order)
    const secret = new SharedSecret(Buffer.from(way.secret.reveal()))
    const attributes = attributesFor(order, session, clock.now())
    const answers: DisconnectAnswer[] = []
    for (const host of hostsFor(gateway, session)) {
      const answer = await disconnect({ host, port: way.port, secret }, attributes, random, waits)
      answers.push(answer)
    }
    const result = resultOf(order.id, answers)
    if (result !== undefined)
      await orders.close(gateway.name, [result], `${gateway.name} (RFC 5176)`, clock.now())
  }

  async #sessionOf({ gateway, target }: SessionOrder): Promise<Session | undefined> {
    if (!('session' in target)) return undefined
    const [session] = await this.#options.sessions.list({ gateway, acctSession: target.session, limit: 1 })
    return session
  }
}

type Disconnect = NonNullable<Gateway['disconnect']>

/** The server that reported the session, or all servers of the gateway. */
function hostsFor({ networks, hosts }: Gateway, session: Session | undefined): readonly string[] {
  const all = [
    ...networks.map(({ base, zone }) =>
      zone === undefined ? base.toString() : `${base.toString()}%${zone}`,
    ),
    ...hosts,
  ]
  const [reporting] = session?.nas?.split(' ') ?? []
  const own = all.filter((host) => host === reporting)
  return own.length > 0 ? own : all
}

/** Identifies the session, and the server by the name that it gives itself (RFC 5176 §3). */
function attributesFor(
  { target, user, at }: SessionOrder,
  session: Session | undefined,
  now: number,
): readonly NewAttribute[] {
  const nasIdentifier = session?.nas?.split(' ').slice(1).join(' ')
  const attributes = [
    text(Attr.NasIdentifier, nasIdentifier),
    text(Attr.UserName, 'user' in target ? target.user : 'session' in target ? user : undefined),
    text(Attr.AcctSessionId, 'session' in target ? target.session : undefined),
    address(session?.ipv4),
    'address' in target ? address(target.address) : undefined,
    { type: Attr.EventTimestamp, value: seconds(Math.max(at, now)) },
  ]
  return attributes.filter((attribute) => attribute !== undefined)
}

function text(type: number, value: string | undefined): NewAttribute | undefined {
  return value === undefined || value === '' ? undefined : { type, value: Buffer.from(value) }
}

function address(value: string | undefined): NewAttribute | undefined {
  const kind = value === undefined ? undefined : parseAddress(value)?.kind()
  if (value === undefined || kind === undefined) return undefined
  const octets = kind === 'ipv4' ? ipv4Octets(value) : ipv6Octets(value)
  const type = kind === 'ipv4' ? Attr.FramedIpAddress : Attr.FramedIpv6Address
  return octets && { type, value: octets }
}

/** RFC 2869 §5.3. */
function seconds(at: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(Math.floor(at / 1000) >>> 0)
  return octets
}

/** @returns undefined where a server did not answer, so that it is asked again. */
function resultOf(id: string, answers: readonly DisconnectAnswer[]): OrderResult | undefined {
  if (answers.some(({ kind }) => kind === 'ended')) return { id, outcome: 'done' }
  const refusal = answers.find((each) => each.kind === 'refused' && each.errorCause !== SESSION_NOT_FOUND)
  if (refusal?.kind === 'refused')
    return { id, outcome: 'failed', detail: `the gateway refuses: ${errorCauseText(refusal.errorCause)}` }
  return answers.every(({ kind }) => kind === 'refused') ? { id, outcome: 'absent' } : undefined
}
