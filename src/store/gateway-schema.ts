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
