import { z } from 'zod'
import { parseDuration } from '../../domain/duration.ts'
import { hiddenCharacterIn } from '../../domain/hidden-characters.ts'
import { foldName } from '../../domain/login-name.ts'
import { type Path, type Report, ValueError } from '../../schema/config-error.ts'
import { duration, fromText, name } from '../../schema/scalars.ts'

/** What every identity store but the broker's own users has. */
export const commonKeys = {
  realms: z.array(realm()).default([]),
  strip_realm: z.boolean().optional(),
  gateways: z.array(name()).min(1).optional(),
  on_unavailable: z.enum(['stop', 'continue']).default('stop'),
  required: z.boolean().default(true),
  timeout: duration({ min: '100ms', max: '60s' }).optional(),
}

/** How the login asks a store, whatever its kind. */
export interface StorePlace {
  /** Canonical: lower case. A name with one of these goes to this store alone. */
  readonly realms: readonly string[]
  /** Whether every realm, or none, is cut off the names that it is asked for; absent: its own are. */
  readonly stripRealm?: boolean
  /** Gateways whose users are looked for here; absent: all. */
  readonly gateways?: readonly string[]
  /** Whether the next store is asked when this one cannot be. */
  readonly onUnavailable: 'stop' | 'continue'
  /** Whether the broker starts only when this store can be asked. */
  readonly required: boolean
  /** Milliseconds that one question may take, all in all; absent: a share of `radius.deadline`. */
  readonly timeoutMs?: number
}

/** A login needs time for other steps than this question, and for the next store if that is asked instead. */
const SHARES_OF_DEADLINE: Readonly<Record<StorePlace['onUnavailable'], number>> = { stop: 0.8, continue: 0.4 }

/** Milliseconds that one question to a store may take. */
export function timeFor(
  { timeoutMs, onUnavailable }: Pick<StorePlace, 'timeoutMs' | 'onUnavailable'>,
  deadlineMs: number,
): number {
  return timeoutMs ?? Math.round(deadlineMs * SHARES_OF_DEADLINE[onUnavailable])
}

/** What a login needs beside the slowest store, so that all refusals can take as long as that one's, in milliseconds. */
const TIME_TO_ANSWER = 500

/** Many servers delay the refusal of a wrong password by one to two seconds, to slow down guessing. */
const TIME_FOR_A_NO = 2000

/** A wrong password does not count towards a lockout if its answer comes too late. */
export function checkTime(path: Path, deadlineMs: number | undefined, report: Report): void {
  const timeout = report.at([...path, 'timeout'])
  const timeoutMs = typeof timeout === 'string' ? parseDuration(timeout) : undefined
  const onUnavailable = report.at([...path, 'on_unavailable']) === 'continue' ? 'continue' : 'stop'
  if (deadlineMs === undefined) return
  if (timeoutMs !== undefined && timeoutMs > deadlineMs - TIME_TO_ANSWER)
    report.warn(
      [...path, 'timeout'],
      'leaves radius.deadline no time to answer: a slow refusal tells which names the store knows',
      `make it ${(deadlineMs - TIME_TO_ANSWER) / 1000}s or less, or radius.deadline longer`,
    )
  if (Math.min(deadlineMs, timeFor({ timeoutMs, onUnavailable }, deadlineMs)) >= TIME_FOR_A_NO) return
  report.warn(
    timeoutMs === undefined ? path : [...path, 'timeout'],
    'has less than 2s for a question: servers that are slow to refuse a wrong password are taken for down',
    timeoutMs === undefined ? 'add timeout: 2s, or make radius.deadline longer' : 'make it 2s or more',
  )
}

export type CommonSettings = z.output<z.ZodObject<typeof commonKeys>>

export function placeOf(settings: CommonSettings): StorePlace {
  const { realms, strip_realm, gateways, on_unavailable, required, timeout } = settings
  return {
    realms,
    stripRealm: strip_realm,
    gateways,
    onUnavailable: on_unavailable,
    required,
    timeoutMs: timeout,
  }
}

/** What stands after the `@` or before the backslash of a name, in canonical form. */
export function realm() {
  return fromText((value) => {
    if (hiddenCharacterIn(value) !== undefined || /[\s@\\]/.test(value))
      return new ValueError('is not a realm', 'write what stands after the @, or before the backslash')
    return foldName(value)
  })
}
