import { z } from 'zod'
import { Slip } from '../../fault.ts'
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
