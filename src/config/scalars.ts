import { z } from 'zod'
import { parseDuration, parseRate, type Rate } from '../domain/duration.ts'
import { hasHostBits, type Network, parseAddress, parseNetwork } from '../domain/network.ts'
import { Secret } from '../domain/secret.ts'
import { echo, Slip } from './fault.ts'

/** A schema for one value: the reader returns what the value means, or the slip that keeps it from meaning anything. */
export function scalar<T>(reader: (raw: unknown) => T | Slip) {
  return z.unknown().transform((raw, context): T => {
    const result = reader(raw)
    if (!(result instanceof Slip)) return result
    context.addIssue({
      code: 'custom',
      message: result.problem,
      ...(result.suggestion === undefined ? {} : { params: { suggestion: result.suggestion } }),
    })
    return z.NEVER
  })
}

/** A list, or a single item in the place of a list of one. */
export function oneOrMany<T extends z.ZodType>(item: T) {
  return z.preprocess((raw) => (Array.isArray(raw) ? raw : [raw]), z.array(item).min(1))
}

/** @returns the text; a slip says what stands there instead, without quoting it. */
export function readText(raw: unknown): string | Slip {
  if (typeof raw === 'string') return raw === '' ? new Slip('is empty') : raw
  if (raw === undefined) return new Slip('is missing')
  if (raw === null) return new Slip('has no value')
  if (typeof raw === 'number' || typeof raw === 'boolean')
    return new Slip(`is a ${typeof raw} where text is needed`, 'put it in quotes')
  return new Slip(`is a ${Array.isArray(raw) ? 'list' : 'mapping'} where text is needed`)
}

function fromText<T>(reader: (text: string) => T | Slip) {
  return scalar((raw) => {
    const text = readText(raw)
    return text instanceof Slip ? text : reader(text)
  })
}

/** RFC 2865 §5: one attribute holds at most 253 octets of value. */
export const LONGEST_ATTRIBUTE = 253

export const CONTROL = /\p{Cc}/u

/** Text on one line of at most so many octets. */
export function text(most = LONGEST_ATTRIBUTE) {
  return fromText((value) => {
    if (CONTROL.test(value)) return new Slip('holds a control character or a line break')
    const octets = Buffer.byteLength(value)
    return octets > most ? new Slip(`is ${octets} octets long; at most ${most} fit`) : value
  })
}

/** A name that stands in logs, commands and other parts of the file. */
export function name() {
  return fromText(readName)
}

export function readName(value: string): string | Slip {
  return /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u.test(value)
    ? value
    : new Slip(`${echo(value)} is not a name`, 'use up to 64 letters, digits, ".", "_" and "-"')
}

export function filePath() {
  return fromText((value) => {
    if (CONTROL.test(value)) return new Slip('holds a control character or a line break')
    return value.startsWith('~')
      ? new Slip(`${echo(value)}: "~" has no meaning here`, 'write the folder out')
      : value
  })
}

/** Never quotes what it was given. */
export function secret() {
  return scalar((raw) => {
    const value = readText(raw)
    return value instanceof Slip ? value : new Secret(value)
  })
}

const UNIT_WORDS: readonly (readonly [RegExp, string])[] = [
  [/^(ms|msecs?|millis?|milliseconds?|毫秒)$/i, 'ms'],
  [/^(s|secs?|seconds?|秒)$/i, 's'],
  [/^(m|mins?|minutes?|分|分钟)$/i, 'm'],
  [/^(h|hrs?|hours?|小时)$/i, 'h'],
  [/^(d|days?|天)$/i, 'd'],
]

/** `5 min` → `5m`. @returns undefined where the unit cannot be guessed. */
function durationWithKnownUnit(value: string): string | undefined {
  const [, number, word = ''] = /^(\d+(?:\.\d+)?)\s*(\p{L}+)$/u.exec(value.trim()) ?? []
  const unit = UNIT_WORDS.find(([words]) => words.test(word))?.[1]
  return number === undefined || unit === undefined ? undefined : `${number}${unit}`
}

/** Milliseconds, from `min` to `max` inclusive. */
export function duration(range: { min: string; max: string; wholeSeconds?: boolean }) {
  const min = parseDuration(range.min) ?? 0
  const max = parseDuration(range.max) ?? Number.MAX_SAFE_INTEGER
  return scalar((raw) => {
    if (typeof raw === 'number' || (typeof raw === 'string' && /^\d+(\.\d+)?$/.test(raw)))
      return new Slip(`${echo(raw)} has no unit`, `write ${raw}s for seconds; ms, s, m, h and d are known`)
    const value = readText(raw)
    if (value instanceof Slip) return value
    const ms = parseDuration(value)
    if (ms === undefined)
      return new Slip(
        `${echo(value)} is not a duration`,
        `write ${durationWithKnownUnit(value) ?? range.min}`,
      )
    if (ms < min) return new Slip(`${value} is too short`, `write ${range.min} or more`)
    if (ms > max) return new Slip(`${value} is too long`, `write ${range.max} or less`)
    if (range.wholeSeconds === true && ms % 1000 !== 0)
      return new Slip(`${value} is not a whole number of seconds`, `write ${Math.ceil(ms / 1000)}s`)
    return ms
  })
}

const MOST_POINTS = 1_000_000
const SHORTEST_WINDOW_MS = 1000
const LONGEST_WINDOW_MS = 24 * 3_600_000

export function rate(example: string) {
  return scalar((raw): Rate | Slip => {
    if (typeof raw === 'number') return new Slip(`${raw} has no window`, `write ${raw}/1m, say, for a minute`)
    const value = readText(raw)
    if (value instanceof Slip) return value
    const parsed = parseRate(value)
    if (parsed === undefined) {
      const [, points, window = ''] = /^([1-9]\d*)\s*(?:\/|per)\s*(.+)$/i.exec(value) ?? []
      const known = durationWithKnownUnit(/^\d/.test(window) ? window : `1${window}`)
      const instead = points === undefined || known === undefined ? example : `${points}/${known}`
      return new Slip(`${echo(value)} is not a rate`, `write ${instead}`)
    }
    if (parsed.points > MOST_POINTS) return new Slip(`${value} is too many`, `at most ${MOST_POINTS}`)
    if (parsed.windowMs < SHORTEST_WINDOW_MS || parsed.windowMs > LONGEST_WINDOW_MS)
      return new Slip(
        `${value} has a window that is too ${parsed.windowMs < 1000 ? 'short' : 'long'}`,
        '1s to 24h',
      )
    return parsed
  })
}

/** An IPv4 or IPv6 address in its one spelling. */
export function address() {
  return fromText((value) => {
    const parsed = parseAddress(value)
    if (parsed !== undefined) return parsed.toString()
    const instead = value === 'localhost' ? 'write 127.0.0.1' : undefined
    return new Slip(`${echo(value)} is not an IPv4 or IPv6 address`, instead)
  })
}

export function network() {
  return fromText(readNetwork)
}

/** Reads `10.0.0.0/8` or a bare address, and refuses one with bits set behind the prefix: one of the two is a slip. */
export function readNetwork(value: string): Network | Slip {
  const parsed = parseNetwork(value)
  if (parsed === undefined) {
    const instead = withPrefixLength(value)
    return new Slip(
      `${echo(value)} is not an address or a network`,
      instead === undefined ? undefined : `write ${instead}`,
    )
  }
  return hasHostBits(value)
    ? new Slip(`${echo(value)} has bits set behind its prefix`, `write ${parsed.text}, or a longer prefix`)
    : parsed
}

/** `10.0.0.0/255.0.0.0` → `10.0.0.0/8` */
function withPrefixLength(value: string): string | undefined {
  const [host = '', mask = ''] = value.split('/')
  const prefix = parseAddress(mask)?.prefixLengthFromSubnetMask() ?? undefined
  return prefix === undefined ? undefined : parseNetwork(`${host}/${prefix}`)?.text
}
