import { z } from 'zod'
import { parseDuration, parseRate, type Rate } from '../domain/duration.ts'
import { hiddenCharacterFault } from '../domain/hidden-characters.ts'
import { hasHostBits, type Network, parseAddress, parseNetwork } from '../domain/network.ts'
import { parseOctets } from '../domain/octets.ts'
import { Secret } from '../domain/secret.ts'
import { echo, ValueError } from './config-error.ts'

/** A schema for one value, by a reader that returns the value's meaning or an error. */
export function scalar<T>(reader: (raw: unknown) => T | ValueError) {
  return z.unknown().transform((raw, context): T => {
    const result = reader(raw)
    if (!(result instanceof ValueError)) return result
    context.addIssue({
      code: 'custom',
      message: result.problem,
      params: { suggestion: result.suggestion },
    })
    return z.NEVER
  })
}

/** A list, or a single item in the place of a list of one. */
export function oneOrMany<T extends z.ZodType>(item: T) {
  return z.preprocess((raw) => (Array.isArray(raw) ? raw : [raw]), z.array(item).min(1))
}

/** @returns the text; an error names the type of the value and does not quote it. */
export function readText(raw: unknown): string | ValueError {
  if (typeof raw === 'string') return raw === '' ? new ValueError('is empty') : raw
  if (raw === undefined) return new ValueError('is missing')
  if (raw === null) return new ValueError('has no value')
  if (typeof raw === 'number' || typeof raw === 'boolean')
    return new ValueError(`is a ${typeof raw} where text is needed`, 'put it in quotes')
  return new ValueError(`is a ${Array.isArray(raw) ? 'list' : 'mapping'} where text is needed`)
}

/** A schema for one text. */
export function fromText<T>(reader: (text: string) => T | ValueError) {
  return scalar((raw) => {
    const text = readText(raw)
    return text instanceof ValueError ? text : reader(text)
  })
}

/** RFC 2865 §5: one attribute holds at most 253 octets of value. */
export const MAX_ATTRIBUTE_OCTETS = 253

/** One line of text. */
export function text(maxOctets = MAX_ATTRIBUTE_OCTETS) {
  return fromText((value) => {
    const hidden = hiddenCharacterFault(value)
    if (hidden !== undefined) return new ValueError(hidden)
    const octets = Buffer.byteLength(value)
    return octets > maxOctets ? new ValueError(`is ${octets} octets long; at most ${maxOctets} fit`) : value
  })
}

/** A name for logs, commands and other parts of the file. */
export function name() {
  return fromText(readName)
}

export function readName(value: string): string | ValueError {
  const hidden = hiddenCharacterFault(value)
  if (hidden !== undefined) return new ValueError(hidden)
  return /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u.test(value)
    ? value
    : new ValueError(`${echo(value)} is not a name`, 'use up to 64 letters, digits, ".", "_" and "-"')
}

export function filePath() {
  return fromText((value) => {
    const hidden = hiddenCharacterFault(value)
    if (hidden !== undefined) return new ValueError(hidden)
    return value.startsWith('~')
      ? new ValueError(`${echo(value)}: "~" has no meaning here`, 'write the folder out')
      : value
  })
}

/** An error never quotes the value. */
export function secret() {
  return fromText((value) => new Secret(value))
}

const UNIT_WORDS: readonly (readonly [RegExp, string])[] = [
  [/^(ms|msecs?|millis?|milliseconds?|毫秒)$/i, 'ms'],
  [/^(s|secs?|seconds?|秒)$/i, 's'],
  [/^(m|mins?|minutes?|分|分钟)$/i, 'm'],
  [/^(h|hrs?|hours?|小时)$/i, 'h'],
  [/^(d|days?|天)$/i, 'd'],
]

/** `5 min` → `5m`. @returns undefined if the unit cannot be guessed. */
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
      return new ValueError(
        `${echo(raw)} has no unit`,
        `write ${raw}s for seconds; ms, s, m, h and d are known`,
      )
    const value = readText(raw)
    if (value instanceof ValueError) return value
    const ms = parseDuration(value)
    if (ms === undefined)
      return new ValueError(
        `${echo(value)} is not a duration`,
        `write ${durationWithKnownUnit(value) ?? range.min}`,
      )
    if (ms < min) return new ValueError(`${value} is too short`, `write ${range.min} or more`)
    if (ms > max) return new ValueError(`${value} is too long`, `write ${range.max} or less`)
    if (range.wholeSeconds === true && ms % 1000 !== 0)
      return new ValueError(`${value} is not a whole number of seconds`, `write ${Math.ceil(ms / 1000)}s`)
    return ms
  })
}

/** Octets, more than none. */
export function size() {
  return scalar((raw) => {
    if (typeof raw === 'number' || (typeof raw === 'string' && /^\d+(\.\d+)?$/.test(raw)))
      return new ValueError(
        `${echo(raw)} has no unit`,
        `write ${raw}GB, say; kB, MB, GB, TB, MiB and GiB are known`,
      )
    const value = readText(raw)
    if (value instanceof ValueError) return value
    const octets = parseOctets(value)
    if (octets === undefined) return new ValueError(`${echo(value)} is not a size`, 'write 50GB, say')
    return octets === 0 ? new ValueError(`${value} is nothing`, 'write 50GB, say') : octets
  })
}

const MAX_POINTS = 1_000_000
const MIN_WINDOW_MS = 1000
const MAX_WINDOW_MS = 24 * 3_600_000

export function rate(example: string) {
  return scalar((raw): Rate | ValueError => {
    if (typeof raw === 'number')
      return new ValueError(`${raw} has no window`, `write ${raw}/1m, say, for a minute`)
    const value = readText(raw)
    if (value instanceof ValueError) return value
    const parsed = parseRate(value)
    if (parsed === undefined) {
      const [, points, window = ''] = /^([1-9]\d*)\s*(?:\/|per)\s*(.+)$/i.exec(value) ?? []
      const known = durationWithKnownUnit(/^\d/.test(window) ? window : `1${window}`)
      const instead = points === undefined || known === undefined ? example : `${points}/${known}`
      return new ValueError(`${echo(value)} is not a rate`, `write ${instead}`)
    }
    if (parsed.points > MAX_POINTS) return new ValueError(`${value} is too many`, `at most ${MAX_POINTS}`)
    if (parsed.windowMs < MIN_WINDOW_MS || parsed.windowMs > MAX_WINDOW_MS)
      return new ValueError(
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
    return new ValueError(`${echo(value)} is not an IPv4 or IPv6 address`, instead)
  })
}

export function network() {
  return fromText(readNetwork)
}

/** Reads `10.0.0.0/8` or a bare address. Bits set after the prefix are an error: one of the two is a mistake. */
export function readNetwork(value: string): Network | ValueError {
  const parsed = parseNetwork(value)
  if (parsed === undefined) {
    const instead = withPrefixLength(value)
    return new ValueError(
      `${echo(value)} is not an address or a network`,
      instead === undefined ? undefined : `write ${instead}`,
    )
  }
  return hasHostBits(value)
    ? new ValueError(
        `${echo(value)} has bits set after its prefix`,
        `write ${parsed.text}, or a longer prefix`,
      )
    : parsed
}

/** `10.0.0.0/255.0.0.0` → `10.0.0.0/8` */
function withPrefixLength(value: string): string | undefined {
  const [host = '', mask = ''] = value.split('/')
  const prefix = parseAddress(mask)?.prefixLengthFromSubnetMask() ?? undefined
  return prefix === undefined ? undefined : parseNetwork(`${host}/${prefix}`)?.text
}
