/** User names and addresses are never labels: their number is unbounded. */
export interface Metrics {
  /** A datagram without an answer. */
  dropped(reason: string): void
  /** A retransmission, which got the first reply again, or none while that is still pending. */
  repeated(kind: 'resent' | 'pending'): void
  /** @param seconds from the datagram's arrival to its reply. */
  login(outcome: string, gateway: string, seconds: number): void
  /** A login that was let in without a second factor of its own. @param by `grace` or `trust`. */
  waived(by: string): void
  accounting(kind: string, gateway: string, seconds: number): void
  /** A login whose deadline passed. @param step of the table of steps, or what comes before it. */
  late(step: string): void
  /** A sign-in at the pages. @param way how: `password`, `code`, `ticket`, `step_up` or `single_sign_on`. */
  signIn(way: string, outcome: string): void
  /** A RadSec connection of a gateway was made (1) or is gone (-1). */
  tlsConnections(gateway: string, change: 1 | -1): void
  /** A RadSec connection that did not come about. */
  tlsRefused(reason: string): void
  readonly sinks: SinkMetrics
  readonly mails: MailMetrics
}

export interface MailMetrics {
  /** @param seconds since the first of them was made. */
  mailsWaiting(mails: number, seconds: number): void
  mailSent(kind: string): void
  /** A try that failed, whether it is repeated or not. */
  mailFailed(): void
}

/** Of the places to which the audit trail is sent, by name. */
export interface SinkMetrics {
  /** @param seconds since the first event that waits was written; 0 if none waits. */
  sinkLag(sink: string, seconds: number): void
  sinkDelivered(sink: string, events: number): void
  sinkFailed(sink: string): void
  /** @param events that were never delivered, in all. */
  sinkDropped(sink: string, events: number): void
}

export const noMetrics: Metrics = {
  dropped() {},
  repeated() {},
  login() {},
  waived() {},
  accounting() {},
  late() {},
  signIn() {},
  tlsConnections() {},
  tlsRefused() {},
  sinks: { sinkLag() {}, sinkDelivered() {}, sinkFailed() {}, sinkDropped() {} },
  mails: { mailsWaiting() {}, mailSent() {}, mailFailed() {} },
}
