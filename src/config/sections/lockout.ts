import { z } from 'zod'
import type { LockoutRules } from '../../domain/lockout.ts'
import type { Network } from '../../domain/network.ts'
import type { Report } from '../fault.ts'
import { duration, network } from '../scalars.ts'
import type { Draft } from '../schema-walk.ts'

const failures = () => z.int().min(1).max(100_000)

export const lockoutShape = z.strictObject({
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

type Parsed = z.output<typeof lockoutShape>
type Key = Exclude<keyof Parsed, 'tell_user' | 'exempt'>

export interface LockoutConfig extends LockoutRules {
  /** Addresses of users for which failures make no lockout and that none bars, but one by hand or by the hard limit. */
  readonly exempt: readonly Network[]
  /** Whether a locked user reads that they are locked, or the same words as for a wrong password. */
  readonly tellUser: boolean
}

/** NIST SP 800-63B §3.2.2: no more than 100 consecutive failures. */
const NIST_HARD_LIMIT = 100

/** No site has so large a network: 10.0.0.0/8 is the largest private one, and a /32 what a provider is given. */
const NARROWEST_SUSPECT = { ipv4: 8, ipv6: 32 }

const AT_LEAST: readonly (readonly [larger: Key, smaller: Key])[] = [
  ['up_to', 'for'],
  ['user_after', 'after'],
  ['address_after', 'after'],
  ['hard_after', 'after'],
]

export function checkLockout(draft: Draft<Parsed>, report: Report): void {
  for (const [larger, smaller] of AT_LEAST) {
    const large = draft[larger]
    const small = draft[smaller]
    if (large === undefined || small === undefined || large >= small) continue
    const isDefault = !report.given(['lockout', larger])
    report.fault(
      ['lockout', isDefault ? smaller : larger],
      isDefault ? `is more than lockout.${larger}, which has its default` : `is less than lockout.${smaller}`,
      `make lockout.${larger} as large as lockout.${smaller} or larger`,
    )
  }
  for (const [index, each] of (draft.exempt ?? []).entries())
    if (each !== undefined && each.prefix < NARROWEST_SUSPECT[each.base.kind()])
      report.warn(
        ['lockout', 'exempt', index],
        `${each.text} exempts ${each.prefix === 0 ? 'everybody' : 'a large part of the Internet'}: nobody there is locked before ${draft.hard_after ?? NIST_HARD_LIMIT} failures`,
        'name the networks that you trust',
      )
  if (draft.hard_after !== undefined && draft.hard_after > NIST_HARD_LIMIT)
    report.warn(
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
