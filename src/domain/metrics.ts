/** What is counted. Names of users and addresses are never labels: they would grow without bound. */
export interface Metrics {
  /** A datagram that got no answer. */
  dropped(reason: string): void
  /** A datagram that was sent again and got its first reply, or none as that is still being made. */
  repeated(kind: 'resent' | 'pending'): void
  /** @param seconds from the datagram's arrival to its reply. */
  login(outcome: string, gateway: string, seconds: number): void
  /** How many addresses a pool has, and how many of them sessions hold. */
  pool(name: string, size: number, held: number): void
  accounting(kind: string, gateway: string, seconds: number): void
}
