import type { MailKind, MailState } from '../domain/mail.ts'

export interface MailRow {
  id: string
  kind: MailKind
  subject: string
  /** The canonical username of the subject. */
  user_stem: string
  recipient: string
  /** Null: the mail was sent or given up. */
  sealed: string | null
  state: MailState
  created_at: number
  due_at: number
  tries: number
  expires_at: number
  ended_at: number | null
  fault: string | null
  /** The process that sends it, and until when no other takes it. */
  holder: string | null
  held_until: number | null
}
