import { canonicalAddress } from '../domain/network.ts'
import type { Ban, ListedSession, Tunnel } from './listing.ts'
import type { Occtl } from './occtl.ts'
import type { EndOrder, Order, Result, UnbanOrder } from './order.ts'
import { isMeant } from './targets.ts'

/** An order that is being done, and the sessions that it ends. */
interface Standing {
  readonly order: EndOrder
  /** The sessions that were meant when the agent first looked: a login after the order is not its business. */
  sessions: ReadonlySet<string> | undefined
  readonly ended: Set<string>
  refusals: number
}

/** What ocserv has at one moment. */
interface Found {
  readonly tunnels: readonly Tunnel[]
  readonly cookies: readonly ListedSession[]
}

/** Orders that wait, and results that are remembered in case their order comes again. */
const MAX_KEPT = 10_000
const MAX_RESULTS = 200
/** Sessions that a result names. */
const MAX_ENDED = 1000
/** ocserv does not end a session that it lists: after so many tries the broker is told. */
const MAX_REFUSALS = 3
/** A session that was ended is gone in a moment. */
const SOON_MS = 250
/** What has only a cookie left may come back until ocserv forgets it. Events of ocserv look sooner. */
const LATER_MS = 5000

/** Does each order once, and keeps its result until the broker has taken it. */
export class Orders {
  readonly #occtl: Occtl
  readonly #ends = new Map<string, Standing>()
  readonly #unbans = new Map<string, UnbanOrder>()
  /** Sessions that orders for users and addresses ended, while ocserv keeps their cookies. */
  readonly #barred = new Set<string>()
  readonly #untold = new Map<string, Result>()
  readonly #told = new Map<string, Result>()

  constructor(occtl: Occtl) {
    this.#occtl = occtl
  }

  /** An order that was done already is not done again: its result is told again. */
  take(order: Order): void {
    const { id, kind } = order
    const result = this.#told.get(id)
    if (result !== undefined) this.#untold.set(id, result)
    if (this.#untold.has(id) || this.#ends.has(id) || this.#ends.size + this.#unbans.size >= MAX_KEPT) return
    if (kind === 'unban') this.#unbans.set(id, order)
    else this.#ends.set(id, { order, sessions: undefined, ended: new Set(), refusals: 0 })
  }

  /** As many as the broker takes at a time. */
  results(): readonly Result[] {
    return [...this.#untold.values()].slice(0, MAX_RESULTS)
  }

  taken(results: readonly Result[]): void {
    for (const result of results) {
      this.#untold.delete(result.id)
      // What was absent is looked for again: the broker knows of a login that may have become a tunnel by now.
      if (result.outcome !== 'absent') this.#told.set(result.id, result)
    }
    for (const id of [...this.#told.keys()].slice(0, this.#told.size - MAX_KEPT)) this.#told.delete(id)
  }

  /**
   * Does what can be done now.
   *
   * @returns milliseconds until the next look; undefined: when there is something new.
   * @throws Unavailable, and the orders stand.
   */
  async work(): Promise<number | undefined> {
    if (this.#unbans.size > 0) {
      const bans = await this.#occtl.bans()
      for (const order of this.#unbans.values()) await this.#unban(order, bans)
    }
    if (this.#ends.size + this.#barred.size === 0) return undefined
    // A session that is about to come back has a cookie before it has a tunnel, so it is in one of the two.
    const found = { cookies: await this.#occtl.cookies(), tunnels: await this.#occtl.tunnels() }
    await this.#keepOut(found)
    let wait = LATER_MS
    for (const standing of this.#ends.values()) wait = Math.min(wait, await this.#end(standing, found))
    return this.#ends.size + this.#barred.size === 0 ? undefined : wait
  }

  /** Ends those again that came back with their cookies. */
  async #keepOut({ tunnels, cookies }: Found): Promise<void> {
    const listed = new Set([...tunnels, ...cookies].map(({ acctSession }) => acctSession))
    for (const session of this.#barred) if (!listed.has(session)) this.#barred.delete(session)
    for (const tunnel of tunnels) if (this.#barred.has(tunnel.acctSession)) await this.#occtl.end(tunnel)
  }

  /** @returns milliseconds until the next look, if the order still stands. */
  async #end(standing: Standing, { tunnels, cookies }: Found): Promise<number> {
    const { order, ended } = standing
    standing.sessions ??= new Set(
      [...tunnels, ...cookies]
        .filter((each) => isMeant(order.target, each))
        .map(({ acctSession }) => acctSession),
    )
    const { sessions } = standing
    const isOurs = ({ acctSession }: ListedSession) => sessions.has(acctSession)
    const meant = tunnels.filter(isOurs)
    if (meant.length === 0) {
      const left = cookies.filter(isOurs)
      // The order of one session stands until that is gone. Another order for the same user or address must find its way.
      if (left.length > 0 && 'session' in order.target) return LATER_MS
      for (const { acctSession } of left) this.#barred.add(acctSession)
      this.#finish({ id: order.id, outcome: ended.size > 0 ? 'done' : 'absent', ended: named(ended) })
      return LATER_MS
    }
    let refused = 0
    for (const tunnel of meant) {
      if (await this.#occtl.end(tunnel)) ended.add(tunnel.acctSession)
      else refused += 1
    }
    // One that ended by itself meanwhile is refused, too, and not listed at the next look.
    standing.refusals = refused > 0 ? standing.refusals + 1 : 0
    if (standing.refusals < MAX_REFUSALS) return SOON_MS
    const detail = `ocserv does not end ${refused} of ${sessions.size} sessions`
    this.#finish({ id: order.id, outcome: 'failed', detail, ended: named(ended) })
    return LATER_MS
  }

  async #unban({ id, target }: UnbanOrder, bans: readonly Ban[]): Promise<void> {
    const address = canonicalAddress(target.address)
    if (!bans.some((ban) => ban.address === address)) return this.#finish({ id, outcome: 'absent' })
    const isDone = await this.#occtl.unban(address)
    const detail = isDone === undefined ? 'it is not an address' : 'ocserv does not remove the ban'
    this.#finish(isDone === true ? { id, outcome: 'done' } : { id, outcome: 'failed', detail })
  }

  #finish(result: Result): void {
    this.#ends.delete(result.id)
    this.#unbans.delete(result.id)
    this.#untold.set(result.id, result)
  }
}

function named(ended: ReadonlySet<string>): readonly string[] {
  return [...ended].slice(0, MAX_ENDED)
}
