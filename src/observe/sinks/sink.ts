import type { AuditEvent, TailSearch } from '../../domain/audit.ts'

/** A place outside of the broker to which the audit trail is sent. */
export interface AuditSink {
  /** Stable: the records keep how far it was sent the trail under this name. */
  readonly name: string
  /** Events in one delivery, at most. */
  readonly batch: number
  /** What it is not sent. */
  readonly except?: TailSearch['except']
  /**
   * Resolves when the receiver has all of them.
   * @throws Error in words for the operator. The same events come again then.
   */
  send(events: readonly AuditEvent[], signal: AbortSignal): Promise<void>
}
