import type { z } from 'zod'
import type { AddressPool } from '../domain/address-pool.ts'
import type { Report } from './fault.ts'
import type { Draft } from './schema-walk.ts'
import { checkEnrolAtLogin } from './sections/enrol-at-login.ts'
import { checkGateways } from './sections/gateways.ts'
import { checkHttp } from './sections/http.ts'
import { checkIdentity } from './sections/identity/identity.ts'
import { checkLockout } from './sections/lockout.ts'
import { checkPasswords } from './sections/passwords.ts'
import { checkPolicies } from './sections/policies.ts'
import { checkPools, poolsShape, resolvePools } from './sections/pools.ts'
import { checkRadius } from './sections/radius.ts'
import { checkRedis } from './sections/redis.ts'
import type { ReplyRules } from './sections/reply.ts'
import { checkSecondFactor } from './sections/second-factor.ts'
import { checkStorage } from './sections/storage.ts'
import type { shape } from './shape.ts'

/** Everything that one key alone cannot tell. What has a fault already is missing from the draft and is passed over. */
export function crossCheck(
  draft: Draft<z.output<typeof shape>>,
  folder: string,
  rules: ReplyRules,
  report: Report,
): void {
  if (draft.radius !== undefined) checkRadius(draft.radius, report)
  if (draft.gateways !== undefined) checkGateways(draft.gateways, report)
  if (draft.identity?.order !== undefined)
    checkIdentity(draft.identity.order, gatewayNames(report), draft.radius?.deadline, report)
  if (draft.second_factor !== undefined) checkSecondFactor(draft.second_factor, report)
  if (draft.passwords !== undefined) checkPasswords(draft.passwords, draft.radius?.deadline, report)
  if (draft.lockout !== undefined) checkLockout(draft.lockout, report)
  if (draft.pools !== undefined) checkPools(draft.pools, poolNames(draft.policies), report)
  if (draft.policies !== undefined)
    checkPolicies(draft.policies, gatewayNames(report), soundPools(report), rules, report)
  checkEnrolAtLogin(draft, report)
  if (draft.http !== undefined) checkHttp(draft.http, report)
  if (draft.redis !== undefined) checkRedis(draft.redis, report)
  if (draft.storage !== undefined) checkStorage(draft.storage, draft.radius?.deadline, folder, report)
}

/** A gateway whose address is wrong still has its name, and a policy that names it is right. */
function gatewayNames(report: Report): readonly string[] | undefined {
  const gateways = report.at(['gateways'])
  if (!Array.isArray(gateways)) return undefined
  const names = gateways.map((_, index) => report.at(['gateways', index, 'name']))
  return names.every((name) => typeof name === 'string') ? names : undefined
}

/** The pools that policies give addresses of; undefined where a fault hides a policy or its reply. */
function poolNames(policies: Draft<z.output<typeof shape>>['policies']): ReadonlySet<string> | undefined {
  if (policies === undefined) return undefined
  const names = new Set<string>()
  for (const policy of policies) {
    if (policy === undefined) return undefined
    if (policy.reply?.pool !== undefined) names.add(policy.reply.pool)
  }
  return names
}

function soundPools(report: Report): readonly AddressPool[] | undefined {
  const read = poolsShape.safeParse(report.at(['pools']) ?? {})
  return read.success ? resolvePools(read.data) : undefined
}
