import type { OrderOutcome, OrderReason, SessionOrder } from '../domain/session-order.ts'
import type { Traffic, TrafficClass } from '../domain/traffic.ts'

export interface TrafficRow {
  source: string
  /** Empty: of none. */
  gateway: string
  kind: Traffic['kind']
  outcome: Traffic['outcome']
  class: TrafficClass
  count: number
  first_at: number
  last_at: number
  detail: string | null
}

export interface GatewayStateRow {
  /** A RADIUS client that has proved to send Message-Authenticator. */
  key: string
  unsigned_at: number | null
}

export interface SessionOrderRow {
  id: string
  gateway: string
  kind: SessionOrder['kind']
  target_kind: 'session' | 'user' | 'address'
  target: string
  reason: OrderReason
  ordered_by: string
  at: number
  user_name: string | null
  tries: number
  /** A broker is sending it until then. */
  claimed_until: number | null
  done_at: number | null
  outcome: OrderOutcome | null
  detail: string | null
}

export interface AgentRow {
  gateway: string
  /** As it calls itself. */
  host: string
  protocol: number
  version: string
  ocserv_version: string | null
  /** Name of the token that it came with. */
  token: string
  /** Its last report. */
  heard_at: number
  /** In its last report. */
  sessions: number
  /** JSON: as `Agent.bans`. */
  bans: string
}
