import { type Agent, type AgentGateway, type AgentStore, isSilent } from '../domain/agent.ts'
import { foldName, parseLoginName } from '../domain/login-name.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { Session, SessionStore } from '../domain/session.ts'
import type { NewOrder, OrderStore } from '../domain/session-order.ts'

export interface EndingOptions extends Pick<Runtime, 'clock' | 'random'> {
  readonly sessions: Pick<SessionStore, 'list' | 'find'>
  readonly orders: Pick<OrderStore, 'write'>
  readonly agents: Pick<AgentStore, 'list'>
  readonly gateways: readonly AgentGateway[]
}

/** Which sessions are to end: one by its identifier or its Acct-Session-Id, or those of a user or an address. */
export type EndWanted =
  | { readonly id: string }
  | { readonly session: string }
  | { readonly user: string }
  | { readonly address: string }

/** Who ends sessions, and why. */
export interface Ender {
  readonly actor: string
  readonly reason: string
  /** Whether the person of this subject or user name may be acted on; absent: everybody. @throws Unavailable */
  readonly mayActOn?: (target: string) => Promise<boolean>
  /** The sessions that the caller may see; absent: all. */
  readonly sessions?: Pick<SessionStore, 'list' | 'find'>
}

/** Nobody carries out orders at this gateway now. */
export interface Unreached {
  readonly gateway: string
  readonly detail: string
  /** What to run at the gateway instead. */
  readonly commands: readonly string[]
}

export type EndAnswer =
  | {
      readonly kind: 'ordered'
      /** Identifiers of the orders. */
      readonly orders: readonly string[]
      readonly sessions: readonly Session[]
      readonly unreached: readonly Unreached[]
    }
  | { readonly kind: 'nothing' }
  /** Of somebody with more rights; nothing was ordered. */
  | { readonly kind: 'forbidden' }

/** Sessions of one user, or from one address, at a time. */
const MOST = 1_000

/** Orders the end of sessions at their gateways. */
export class Ending {
  readonly #options: EndingOptions

  constructor(options: EndingOptions) {
    this.#options = options
  }

  /** @throws Unavailable */
  async end(wanted: EndWanted, { actor, reason, mayActOn, ...seen }: Ender): Promise<EndAnswer> {
    const { orders, clock, random } = this.#options
    const sessions = await findSessions(wanted, seen.sessions ?? this.#options.sessions)
    if (sessions.length === 0) return { kind: 'nothing' }
    for (const target of new Set(sessions.map(({ subject, user }) => subject ?? user)))
      if (mayActOn !== undefined && !(await mayActOn(target))) return { kind: 'forbidden' }
    const cause = { reason: 'operator', by: actor, at: clock.now(), detail: reason } as const
    const written = sessions.map(
      (session): NewOrder => ({
        id: random.id(),
        gateway: session.gateway,
        kind: 'end',
        target: targetOf(session),
        user: session.user,
        ...cause,
      }),
    )
    const ids = await orders.write(written)
    return { kind: 'ordered', orders: ids, sessions, unreached: await this.#unreached(sessions) }
  }

  async #unreached(sessions: readonly Session[]): Promise<readonly Unreached[]> {
    const { agents, gateways, clock } = this.#options
    const known = await agents.list()
    const now = clock.now()
    return [...new Set(sessions.map(({ gateway }) => gateway))].flatMap((gateway) => {
      const takesDisconnect = gateways.find(({ name }) => name === gateway)?.takesDisconnect === true
      if (takesDisconnect || isReached(gateway, known, now)) return []
      const users = new Set(sessions.filter((each) => each.gateway === gateway).map(({ user }) => user))
      const commands = [...users].map((user) => `occtl disconnect user ${inShell(user)}`)
      const detail = `No agent of ${gateway} has reported in the last 3 minutes, and the gateway has no "disconnect". The order waits 24 hours for an agent. To end all sessions of the user there now, run at the gateway: ${commands.join('; ')}`
      return [{ gateway, detail, commands }]
    })
  }
}

async function findSessions(
  wanted: EndWanted,
  sessions: Pick<SessionStore, 'list' | 'find'>,
): Promise<readonly Session[]> {
  const open = { open: true, limit: MOST }
  if ('id' in wanted) {
    const session = await sessions.find(wanted.id)
    return session === undefined || session.stoppedAt !== undefined ? [] : [session]
  }
  if ('session' in wanted) return sessions.list({ ...open, acctSession: wanted.session })
  if ('user' in wanted) return (await sessions.list({ ...open, user: wanted.user })).filter(isOf(wanted.user))
  const own = await sessions.list({ ...open, address: wanted.address })
  const inside = await sessions.list({ ...open, ip: wanted.address })
  return [...new Map([...own, ...inside].map((session) => [session.id, session])).values()]
}

function isReached(gateway: string, agents: readonly Agent[], now: number): boolean {
  return agents.some((agent) => agent.gateway === gateway && !isSilent(agent, now))
}

function targetOf({ acctSession, user }: Session) {
  return acctSession === undefined ? { user } : { session: acctSession }
}

/** With a realm: only those of that user, and of no namesake. */
function isOf(typed: string): (session: Session) => boolean {
  const name = parseLoginName(typed)
  if (name?.realm === undefined) return () => true
  const whole = new Set([foldName(name.whole), `${name.username}@${name.realm}`])
  return ({ user, subject }) => whole.has(foldName(user)) || (subject !== undefined && whole.has(subject))
}

/** As a shell reads it as one word. */
function inShell(text: string): string {
  return /^[\w.@][\w.@-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
