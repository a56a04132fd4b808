import { type Level, pino, stdTimeFunctions } from 'pino'
import { spelledOutJson } from '../domain/hidden-characters.ts'
import type { Log, LogFields } from '../domain/log.ts'
import { LogSink } from './log-sink.ts'

export interface LogOptions {
  readonly level: Level
  /** Absent: standard output. */
  readonly file?: string
}

/** JSON lines, one event each, under a stable `event` name. @throws OperatorError */
export function jsonLog({ level, file }: LogOptions): Log {
  const sink = LogSink.open(file, (count) => lines.warn({ lines: count }, 'log.lost'))
  // JSON leaves the second half of the control characters, and those of direction, to the terminal that shows a line.
  const write = (line: string) => sink.write(spelledOutJson(line))
  const lines = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'event',
      serializers: { error: describe },
    },
    { write },
  )
  const at =
    (severity: Level) =>
    (event: string, fields: LogFields = {}) =>
      lines[severity](fields, event)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** An error's message and stack. Other members are left out: they may hold what a client sent. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    cause: error.cause && describe(error.cause),
  }
}
