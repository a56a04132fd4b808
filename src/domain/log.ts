/** Must hold no secret; a `Secret` prints as `***`. */
export type LogFields = Readonly<Record<string, unknown>>

/** The operator's log: one stable event name a line. */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

/** Discards everything: a command reports through its output. */
export const quietLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
