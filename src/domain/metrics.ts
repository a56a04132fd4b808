import type { PoolUsage } from './address-pool.ts'

/** User names and addresses are never labels: their number is unbounded. */
export interface Metrics {
  /** A datagram without an answer. */
  dropped(reason: string): void
  /** A retransmission, which got the first reply again, or none while that is still pending. */
  repeated(kind: 'resent' | 'pending'): void
  /** @param seconds from the datagram's arrival to its reply. */
  login(outcome: string, gateway: string, seconds: number): void
  pool(usage: PoolUsage): void
  accounting(kind: string, gateway: string, seconds: number): void
}

export const noMetrics: Metrics = { dropped() {}, repeated() {}, login() {}, pool() {}, accounting() {} }
