import { expect } from 'vitest'
import type { AccountingRecord, Session } from '../../../src/domain/session.ts'
import { isLive, type SessionLimit } from '../../../src/domain/session-limit.ts'
import { StaleLeaseDetector } from '../../../src/domain/stale-lease-detector.ts'
import { AgentReports } from '../../../src/manage/agent-reports.ts'
import { allOf, syncPools } from '../../../src/store/pool-sync.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { admission, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'

const KEPT_MS = 25 * MINUTE
/** Wall clocks of brokers differ. */
const SKEW_MS = 3000

/** Who there is, and how many sessions each may have. */
const LIMITS: readonly SessionLimit[] = [
  { most: 1, whenFull: 'refuse', per: 'user' },
  { most: 2, whenFull: 'refuse', per: 'user' },
  { most: 2, whenFull: 'end_oldest', per: 'user' },
]
const CLIENTS = ['phone', 'laptop', 'tablet'] as const

/** A client that logged in: what really is, whatever the records know of it. */
interface Tunnel {
  readonly user: string
  readonly gateway: string
  readonly client: string
  readonly address: string
  readonly ipv4: string
  readonly acctSession: string
  readonly grantedAt: number
  startedAt?: number
  isUp: boolean
  octets: number
  /** The most that any record which reached a broker has told. */
  told: { octets: number; seconds: number }
}

export interface Wish {
  readonly user: number
  readonly gateway: number
  readonly client: number
  readonly broker: number
  readonly comesUp: boolean
}

/** Gateways, users and brokers on one set of records, and what must be true of them at any time. */
export class Site {
  readonly #stores: readonly Repositories[]
  readonly #users = LIMITS.map(() => unique('user'))
  /** The first names a session at its login, the other only by accounting. */
  readonly #gateways = [unique('new'), unique('old')]
  readonly #addresses = CLIENTS.map(() => uniqueAddress())
  readonly #pool = unique('pool')
  readonly #tunnels: Tunnel[] = []
  readonly #packets: { readonly tunnel: Tunnel; readonly record: AccountingRecord }[] = []
  readonly #detector = new StaleLeaseDetector(60 * MINUTE)
  #now = NOON

  constructor(stores: readonly Repositories[]) {
    this.#stores = stores
  }

  async open(): Promise<void> {
    const network = uniqueAddress().split('.').slice(0, 3).join('.')
    const addresses = Array.from({ length: 9 }, (_, index) => `${network}.${index + 2}`)
    await syncPools(this.#store(0).leases, [{ pool: this.#pool, addresses }])
  }

  async logIn({ user: number, gateway: which, client: what, broker, comesUp }: Wish): Promise<void> {
    const user = this.#users[number] ?? expect.unreachable()
    const gateway = this.#gateways[which] ?? expect.unreachable()
    const [client = '', address = ''] = [CLIENTS[what], this.#addresses[what]]
    const acctSession = unique('sid')
    const now = this.#clock(broker)
    const asked = admission(
      user,
      { kind: 'none' },
      {
        address,
        now,
        session: { gateway, client, staleAfterMs: KEPT_MS, ...(which === 0 && { acctSession }) },
      },
    )
    const answer = await this.#store(broker).login.admit({
      ...asked,
      sessionLimit: LIMITS[number],
      lease: { pool: this.#pool, staleAfterMs: KEPT_MS },
    })
    if (answer.kind !== 'admitted') return
    // A device that logs in has given up what it had begun before.
    for (const other of this.#tunnels)
      if (other.user === user && other.client === client && !other.isUp) other.startedAt ??= Number.NaN
    const ipv4 = answer.ipv4 ?? expect.unreachable('no address')
    const about = { user, gateway, client, address, ipv4, acctSession, grantedAt: now }
    const tunnel: Tunnel = { ...about, isUp: false, octets: 0, told: { octets: 0, seconds: 0 } }
    this.#tunnels.push(tunnel)
    if (comesUp) await this.start(this.#tunnels.length - 1, broker)
  }

  /** The client of a login comes up. Before, and if another took its place while it waited, it does not. */
  async start(number: number, broker: number): Promise<void> {
    const tunnel = this.#pick(this.#tunnels, number)
    const latest = this.#tunnels.filter(
      ({ user, gateway }) => user === tunnel?.user && gateway === tunnel.gateway,
    )
    if (tunnel === undefined || !latest.slice(-2).includes(tunnel) || !this.#mayComeUp(tunnel)) return
    tunnel.startedAt = this.#now
    tunnel.isUp = true
    await this.#deliver(tunnel, this.#record(tunnel, 'start'), broker)
  }

  /** @param reaches whether the report arrives now; later it may all the same. */
  async report(number: number, octets: number, reaches: boolean, broker: number): Promise<void> {
    const tunnel = this.#pick(this.#up(), number)
    if (tunnel === undefined) return
    tunnel.octets += octets
    await this.#send(tunnel, 'interim', reaches, broker)
  }

  async stop(number: number, reaches: boolean, broker: number): Promise<void> {
    const tunnel = this.#pick(this.#up(), number)
    if (tunnel === undefined) return
    tunnel.isUp = false
    await this.#send(tunnel, 'stop', reaches, broker)
  }

  /** A record comes again, or late. */
  async repeat(number: number, broker: number): Promise<void> {
    const packet = this.#pick(this.#packets, number)
    if (packet !== undefined) await this.#deliver(packet.tunnel, packet.record, broker)
  }

  /** Whatever is ordered is ended; the Stop may be lost. */
  async obey(reaches: boolean, broker: number): Promise<void> {
    for (const gateway of this.#gateways) {
      for (const { id, target } of await this.#store(broker).orders.open(gateway, 99)) {
        const tunnel = this.#up().find(
          ({ acctSession }) => 'session' in target && target.session === acctSession,
        )
        if (tunnel !== undefined) {
          tunnel.isUp = false
          await this.#send(tunnel, 'stop', reaches, broker)
        }
        const outcome = tunnel === undefined ? 'absent' : 'done'
        await this.#store(broker).orders.close(gateway, [{ id, outcome }], 'agent', this.#now)
      }
    }
  }

  /** The agent of a gateway tells twice what is there. */
  async tellAll(which: number, broker: number): Promise<void> {
    const name = this.#gateways[which] ?? expect.unreachable()
    const { agents, sessions } = this.#store(broker)
    const reports = new AgentReports({
      agents,
      sessions,
      clock: { now: () => this.#now, monotonic: () => this.#now },
    })
    for (let times = 0; times < 2; times++) {
      await this.pass(2 * MINUTE, broker)
      const up = this.#up().filter(({ gateway }) => gateway === name)
      const agent = { gateway: name, host: 'host', protocol: 1, version: '1', token: 't', bans: [] }
      const seen = up.map(({ acctSession, user, address, ipv4, startedAt, octets }) => {
        return { acctSession, user, address, ipv4, connectedAt: startedAt, octetsIn: octets, octetsOut: 0 }
      })
      const report = {
        agent: { ...agent, heardAt: this.#now, sessions: up.length },
        sessions: seen,
        cookies: this.#waiting(name).map(({ acctSession }) => acctSession),
      }
      await reports.take(report, { name, networks: [], hosts: ['one'], takesDisconnect: false })
      for (const tunnel of up) this.#note(tunnel, this.#record(tunnel, 'interim'))
    }
  }

  /** Time passes, and every client that is up reports every ten minutes. */
  async pass(ms: number, broker: number): Promise<void> {
    for (let left = ms; left > 0; left -= 10 * MINUTE) {
      this.#now += Math.min(left, 10 * MINUTE)
      if (ms >= 10 * MINUTE)
        for (const tunnel of this.#up()) await this.#send(tunnel, 'interim', true, broker)
      await this.#reap(broker)
    }
  }

  /** What must be true at any time. */
  async check(): Promise<void> {
    const up = this.#up()
    expect(new Set(up.map(({ ipv4 }) => ipv4)).size, 'no two clients have one address').toBe(up.length)
    for (const [number, user] of this.#users.entries()) await this.#checkUser(user, LIMITS[number]?.most ?? 0)
  }

  async #checkUser(user: string, most: number): Promise<void> {
    const { sessions, orders, usage } = this.#store(0)
    const standing = await sessions.standing({ user, subject: user })
    expect(standing.length, 'sessions with a place').toBeLessThanOrEqual(most)
    const known = await sessions.list({ user, limit: 1000 })
    const rowOf = ({ acctSession }: Tunnel) => known.find((each) => each.acctSession === acctSession)
    const up = this.#up().filter((tunnel) => tunnel.user === user)
    const leaving = up.filter((tunnel) => rowOf(tunnel)?.gaveWayAt !== undefined)
    expect(up.length - leaving.length, 'clients that nothing ends').toBeLessThanOrEqual(most)
    for (const { gateway, acctSession } of leaving) {
      const open = (await orders.open(gateway, 99)).map(({ target }) => target)
      expect(open, 'an order for what must leave').toContainEqual({ session: acctSession })
    }
    const mine = this.#tunnels.filter((tunnel) => tunnel.user === user)
    const sum = (of: (tunnel: Tunnel) => number) => mine.reduce((total, tunnel) => total + of(tunnel), 0)
    const counted = known.reduce((total, { octetsIn }) => total + octetsIn, 0)
    expect(counted, 'octets of sessions').toBe(sum(({ told }) => told.octets))
    const [total] = await usage.list({ user, limit: 9 })
    expect([total?.octetsIn ?? 0, total?.seconds ?? 0], 'usage').toEqual([
      sum(({ told }) => told.octets),
      sum(({ told }) => told.seconds),
    ])
  }

  /** Everybody goes, some without a word: in time all places and addresses are free. */
  async end(): Promise<void> {
    for (const tunnel of this.#up()) {
      tunnel.isUp = false
      await this.#send(tunnel, 'stop', tunnel.octets % 2 === 0, 0)
    }
    // Without any report a gateway would count as cut off.
    for (let hours = 0; hours < 30; hours++) await this.pass(60 * MINUTE, 0)
    expect(await this.#held(), 'addresses that are held').toEqual([])
    for (const user of this.#users) {
      const standing = await this.#store(0).sessions.standing({ user, subject: user })
      expect(standing.filter((session: Session) => isLive(session, this.#now))).toEqual([])
    }
  }

  #store(broker: number): Repositories {
    return this.#stores[broker % this.#stores.length] ?? expect.unreachable()
  }

  #clock(broker: number): number {
    return this.#now - (broker % this.#stores.length) * SKEW_MS
  }

  #mayComeUp({ startedAt, grantedAt }: Tunnel): boolean {
    return startedAt === undefined && grantedAt >= this.#now - 4 * MINUTE
  }

  /** Whose cookies a gateway lists. */
  #waiting(name: string): Tunnel[] {
    return this.#tunnels.filter((tunnel) => tunnel.gateway === name && this.#mayComeUp(tunnel))
  }

  #up(): Tunnel[] {
    return this.#tunnels.filter(({ isUp }) => isUp)
  }

  #pick<T>(all: readonly T[], number: number): T | undefined {
    return all[number % Math.max(1, all.length)]
  }

  #record(tunnel: Tunnel, kind: AccountingRecord['kind']): AccountingRecord {
    const { gateway, user, acctSession, address, ipv4, octets, startedAt = 0 } = tunnel
    const seconds = Math.floor((this.#now - startedAt) / 1000)
    const counters = { seconds, octetsIn: octets, octetsOut: 0 }
    const record = { kind, gateway, user, acctSession, address, at: this.#now, ...counters }
    if (kind === 'start') return record
    return { ...record, ipv4, terminateCause: kind === 'stop' ? 'Lost-Carrier' : undefined }
  }

  async #send(tunnel: Tunnel, kind: 'interim' | 'stop', reaches: boolean, broker: number): Promise<void> {
    const record = this.#record(tunnel, kind)
    if (reaches) return this.#deliver(tunnel, record, broker)
    this.#packets.push({ tunnel, record })
  }

  async #deliver(tunnel: Tunnel, record: AccountingRecord, broker: number): Promise<void> {
    this.#packets.push({ tunnel, record })
    this.#note(tunnel, record)
    await this.#store(broker).sessions.record(record)
  }

  #note({ told }: Tunnel, { octetsIn, seconds }: AccountingRecord): void {
    told.octets = Math.max(told.octets, octetsIn)
    told.seconds = Math.max(told.seconds, seconds)
  }

  async #held() {
    const leases = await allOf(this.#store(0).leases, true)
    return leases.filter(({ pool, session }) => pool === this.#pool && session !== undefined)
  }

  async #reap(broker: number): Promise<void> {
    const held = (await this.#held()).map((lease) => ({ ...lease, session: lease.session ?? '' }))
    await this.#store(broker).leases.reap(this.#detector.findStale(held, this.#now), this.#now)
  }
}
