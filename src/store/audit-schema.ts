import type { Generated } from 'kysely'

export interface AuditOrder {
  /** Goes up in the order in which events become visible; see `inOrderWritten`. */
  written: Generated<number>
}

export interface AuditSinkRow {
  name: string
  /** Of the last event that was delivered, as is `id`. */
  written: number
  id: string
  dropped: number
  /** The process that has the turn, and until when. */
  holder: string | null
  held_until: number | null
  delivered_at: number | null
  failing_since: number | null
  fault: string | null
}
