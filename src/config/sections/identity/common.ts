import { z } from 'zod'
import { parseDuration } from '../../../domain/duration.ts'
import { type Path, type Report, Slip } from '../../fault.ts'
import { CONTROL, duration, name, readText, scalar } from '../../scalars.ts'

/** What every identity store but the broker's own users has. */
export const commonKeys = {
  realms: z.array(realm()).default([]),
  gateways: z.array(name()).min(1).optional(),
  on_unavailable: z.enum(['stop', 'continue']).default('stop'),
  required: z.boolean().default(true),
  timeout: duration({ min: '100ms', max: '60s' }).optional(),
}

/** How the login asks a store, whatever its kind. */
export interface StorePlace {
  /** Canonical: lower case. A name with one of these goes to this store alone. */
  readonly realms: readonly string[]
  /** Gateways whose users are looked for here; absent: all. */
  readonly gateways?: readonly string[]
  /** Whether the next store is asked when this one cannot be. */
  readonly onUnavailable: 'stop' | 'continue'
  /** Whether the broker starts only when this store can be asked. */
  readonly required: boolean
  /** Milliseconds that one question may take, all in all; absent: a share of `radius.deadline`. */
  readonly timeoutMs?: number
}

/** There are other things to do than to ask a store, and where the next one is asked instead, that needs time too. */
const SHARES_OF_DEADLINE: Readonly<Record<StorePlace['onUnavailable'], number>> = { stop: 0.8, continue: 0.4 }

/** Milliseconds that one question to a store may take. */
export function timeFor(
  { timeoutMs, onUnavailable }: Pick<StorePlace, 'timeoutMs' | 'onUnavailable'>,
  deadlineMs: number,
): number {
  return timeoutMs ?? Math.round(deadlineMs * SHARES_OF_DEADLINE[onUnavailable])
}

/** Many servers take one to two seconds to say that a password is wrong, to slow down who guesses. */
const TIME_FOR_A_NO = 2000

/** A wrong password whose answer nobody awaits makes no lockout. */
export function checkTime(path: Path, deadlineMs: number | undefined, report: Report): void {
  const timeout = report.at([...path, 'timeout'])
  const timeoutMs = typeof timeout === 'string' ? parseDuration(timeout) : undefined
  const onUnavailable = report.at([...path, 'on_unavailable']) === 'continue' ? 'continue' : 'stop'
  if (deadlineMs === undefined) return
  if (Math.min(deadlineMs, timeFor({ timeoutMs, onUnavailable }, deadlineMs)) >= TIME_FOR_A_NO) return
  report.warn(
    timeoutMs === undefined ? path : [...path, 'timeout'],
    'has less than 2s for a question: servers that are slow to refuse a wrong password are taken for down',
    timeoutMs === undefined ? 'add timeout: 2s, or make radius.deadline longer' : 'make it 2s or more',
  )
}

type Common = z.output<z.ZodObject<typeof commonKeys>>

export function placeOf({ realms, gateways, on_unavailable, required, timeout }: Common): StorePlace {
  return { realms, gateways, onUnavailable: on_unavailable, required, timeoutMs: timeout }
}

function realm() {
  return scalar((raw) => {
    const value = readText(raw)
    if (value instanceof Slip) return value
    if (CONTROL.test(value) || /[\s@\\]/.test(value))
      return new Slip('is no realm', 'write what stands behind the @, or before the backslash')
    return value.normalize('NFKC').toLowerCase()
  })
}
