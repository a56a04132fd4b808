import { fstatSync } from 'node:fs'
import { type Level, pino, stdTimeFunctions } from 'pino'
import { systemClock } from '../domain/clock.ts'
import { spelledOutJson } from '../domain/hidden-characters.ts'
import type { Log, LogFields } from '../domain/log.ts'
import type { FieldNames } from './audit-fields.ts'
import { ecsFields } from './ecs.ts'
import { LogSink, STANDARD_OUTPUT } from './log-sink.ts'

export interface LogOptions {
  readonly level: Level
  /** Absent: standard output. */
  readonly file?: string
  /** Absent: the broker's own. */
  readonly format?: FieldNames
}

/** A log that can follow its file. */
export interface OpenLog extends Log {
  /** After logrotate has given the file another name. If that fails, a line in the old file says so. */
  reopen(): void
}

/** How systemd marks the severity of a line on standard output (sd-daemon(3)). */
const PRIORITIES: Readonly<Record<string, string>> = { error: '<3>', warn: '<4>', info: '<6>' }
const DEBUG = '<7>'

/** JSON lines, one event each, under a stable name. @throws OperatorError */
export function jsonLog({ level, file, format = 'json' }: LogOptions): OpenLog {
  const sink = LogSink.open(file, (count) => log.warn('log.lost', { lines: count }))
  const isEcs = format === 'ecs'
  const isForJournal = file === undefined && isJournal(STANDARD_OUTPUT)
  let mark = ''
  // JSON leaves the second half of the control characters, and those of direction, to the terminal that shows a line.
  const write = (line: string) => sink.write(mark + spelledOutJson(line))
  const lines = pino(
    {
      level,
      base: null,
      timestamp: isEcs ? ecsTime : stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ [isEcs ? 'log.level' : 'level']: label }) },
      messageKey: isEcs ? 'message' : 'event',
      serializers: { error: describe },
    },
    { write },
  )
  const at =
    (severity: Level) =>
    (event: string, fields: LogFields = {}) => {
      mark = isForJournal ? (PRIORITIES[severity] ?? DEBUG) : ''
      lines[severity](isEcs ? ecsFields(event, fields) : fields, event)
    }
  const log: OpenLog = {
    ...{ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    reopen() {
      try {
        sink.reopen()
      } catch (error) {
        log.error('log.not_reopened', { error })
      }
    },
  }
  return log
}

/** systemd names the journal's socket by its device and inode (systemd.exec(5)). */
function isJournal(fd: number): boolean {
  const { dev, ino } = fstatSync(fd)
  return process.env.JOURNAL_STREAM === `${dev}:${ino}`
}

function ecsTime(): string {
  return `,"@timestamp":"${new Date(systemClock.now()).toISOString()}"`
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
