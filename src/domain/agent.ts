import type { Network } from './network.ts'

/** The version of the protocol between an agent and the broker that this program speaks. */
export const AGENT_PROTOCOL = 1

/** An address that the gateway itself lets in no more. */
export interface AgentBan {
  readonly address: string
  readonly score: number
}

/** An agent whose last report is older is silent: it reports every minute. Milliseconds. */
const AGENT_SILENT_MS = 3 * 60_000

/** A program beside ocserv, by its last report. */
export interface Agent {
  readonly gateway: string
  /** As it calls itself; empty: another version that was refused before it could say. */
  readonly host: string
  readonly protocol: number
  readonly version: string
  readonly ocservVersion?: string
  /** Name of the token that it came with. */
  readonly token: string
  /** Wall milliseconds. */
  readonly heardAt: number
  /** In its last report. */
  readonly sessions: number
  readonly bans: readonly AgentBan[]
}

export function isSilent({ heardAt }: Agent, now: number): boolean {
  return heardAt < now - AGENT_SILENT_MS
}

/** One session as the gateway lists it. */
export interface ReportedSession {
  /** Acct-Session-Id. */
  readonly acctSession: string
  readonly user: string
  /** The client's own. */
  readonly address?: string
  readonly ipv4?: string
  readonly ipv6?: string
  /** Wall milliseconds. */
  readonly connectedAt?: number
  /** Octets from the user. */
  readonly octetsIn: number
  /** Octets to the user. */
  readonly octetsOut: number
}

export interface AgentReport {
  readonly agent: Agent
  readonly sessions: readonly ReportedSession[]
  /** Acct-Session-Ids of sessions without a tunnel that may come back without a login. */
  readonly cookies: readonly string[]
}

/** A session of the records, for the comparison with a report. Wall milliseconds. */
export interface WatchedSession {
  readonly id: string
  readonly acctSession?: string
  readonly grantedAt?: number
  readonly startedAt?: number
  readonly stoppedAt?: number
  /** Host of the agent that reported it last. */
  readonly agent?: string
  /** When that agent's report was first without it. */
  readonly missedAt?: number
}

/** The part of a gateway's configuration that agents depend on. */
export interface AgentGateway {
  readonly name: string
  /** Source addresses of its servers. */
  readonly networks: readonly Network[]
  /** DNS names, whose addresses are sources too. */
  readonly hosts: readonly string[]
  /** Whether it takes Disconnect-Requests (RFC 5176). */
  readonly takesDisconnect: boolean
}

/** Whether the entry of the configuration is one server. */
export function isOneServer({ networks, hosts }: Pick<AgentGateway, 'networks' | 'hosts'>): boolean {
  const isAddress = ({ base, prefix }: Network) => prefix === (base.kind() === 'ipv4' ? 32 : 128)
  return networks.length + hosts.length === 1 && networks.every(isAddress)
}

/** Every method may throw `Unavailable`. */
export interface AgentStore {
  /** By gateway and host. */
  list(): Promise<readonly Agent[]>
  /** Keeps what the agent has reported, in place of what it reported before. */
  note(agent: Agent): Promise<void>
  /** Forgets agents that were heard last before this moment, in wall milliseconds. */
  forget(before: number): Promise<number>
  /** Sessions of the gateway that have not ended or hold an address, and those with one of these Acct-Session-Ids. */
  watched(gateway: string, named: readonly string[]): Promise<readonly WatchedSession[]>
  /** The agent has these. */
  see(sessions: readonly string[], host: string): Promise<void>
  /** A report was without these. */
  miss(sessions: readonly string[], at: number): Promise<void>
  /** They had been taken for ended, and are alive. */
  reopen(sessions: readonly string[]): Promise<void>
  /** Ends them, and frees their addresses. */
  end(sessions: readonly string[], at: number): Promise<void>
}
