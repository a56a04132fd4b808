/** Facts of a log line. No secret may be among them; a `Secret` prints as `***`. */
export type LogFields = Readonly<Record<string, unknown>>

/** Where events go for operators to read: one stable event name a line. */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

/** For whoever needs no log: a verb of the command line speaks by its output. */
export const quietLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
