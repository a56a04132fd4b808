import { z } from 'zod'
import type { LockoutRules } from '../../domain/lockout.ts'
import type { Network } from '../../domain/network.ts'
import { duration, network } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'

const failures = () => z.int().min(1).max(100_000)

export const lockoutSchema = z.strictObject({
  after: failures().default(5),
  user_after: failures().default(20),
  address_after: failures().default(50),
  within: duration({ min: '10s', max: '24h' }).default(600_000),
  for: duration({ min: '1s', max: '30d' }).default(300_000),
  up_to: duration({ min: '1s', max: '30d' }).default(3_600_000),
  hard_after: failures().default(100),
  exempt: z.array(network()).default([]),
  tell_user: z.boolean().default(true),
})

type Parsed = z.output<typeof lockoutSchema>
type Key = Exclude<keyof Parsed, 'tell_user' | 'exempt'>

export interface LockoutConfig extends LockoutRules {
  /** User addresses whose failures cause no lockout; only manual and hard lockouts apply there. */
  readonly exempt: readonly Network[]
  /** Whether a locked user reads that they are locked, or the same message as for a wrong password. */
  readonly tellUser: boolean
}

/** NIST SP 800-63B §3.2.2: no more than 100 consecutive failures. */
const NIST_HARD_LIMIT = 100

/** The largest private network is 10.0.0.0/8, and a provider is given a /32 of IPv6: wider networks are a mistake. */
const MIN_PREFIX = { ipv4: 8, ipv6: 32 }

const ORDERED: readonly (readonly [larger: Key, smaller: Key])[] = [
  ['up_to', 'for'],
  ['user_after', 'after'],
  ['address_after', 'after'],
  ['hard_after', 'after'],
]

export function checkLockout(lockout: PartialConfig<Parsed>, diagnostics: Diagnostics): void {
  for (const [larger, smaller] of ORDERED) {
    const large = lockout[larger]
    const small = lockout[smaller]
    if (large === undefined || small === undefined || large >= small) continue
    const isDefault = !diagnostics.given(['lockout', larger])
    diagnostics.fault(
      ['lockout', isDefault ? smaller : larger],
      isDefault ? `is more than lockout.${larger}, which has its default` : `is less than lockout.${smaller}`,
      `make lockout.${larger} as large as lockout.${smaller} or larger`,
    )
  }
  const hardAfter = lockout.hard_after ?? NIST_HARD_LIMIT
  for (const [index, each] of (lockout.exempt ?? []).entries())
    if (each !== undefined && each.prefix < MIN_PREFIX[each.base.kind()])
      diagnostics.warn(
        ['lockout', 'exempt', index],
        `${each.text} exempts ${each.prefix === 0 ? 'everybody' : 'a large part of the Internet'}: no user there is locked before ${hardAfter} failures`,
        'name the networks that you trust',
      )
  if (hardAfter > NIST_HARD_LIMIT)
    diagnostics.warn(
      ['lockout', 'hard_after'],
      `is more than the ${NIST_HARD_LIMIT} consecutive failures that NIST SP 800-63B allows`,
    )
}

export function resolveLockout(parsed: Parsed): LockoutConfig {
  return {
    after: parsed.after,
    userAfter: parsed.user_after,
    addressAfter: parsed.address_after,
    withinMs: parsed.within,
    forMs: parsed.for,
    upToMs: parsed.up_to,
    hardAfter: parsed.hard_after,
    exempt: parsed.exempt,
    tellUser: parsed.tell_user,
  }
}
