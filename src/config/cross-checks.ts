import type { Diagnostics } from './diagnostics.ts'
import type { LoadRules } from './load-rules.ts'
import type { PartialConfig } from './partial-config.ts'
import type { ConfigInput } from './schema.ts'
import { checkApproval } from './sections/approval.ts'
import { checkAudit } from './sections/audit.ts'
import { checkEnrolAtLogin } from './sections/enrol-at-login.ts'
import { checkGateways } from './sections/gateways.ts'
import { checkGrace } from './sections/grace.ts'
import { checkHttp } from './sections/http.ts'
import { checkIdentity } from './sections/identity.ts'
import { checkLockout } from './sections/lockout.ts'
import { checkMail } from './sections/mail.ts'
import { checkPasskeys } from './sections/passkeys.ts'
import { checkPasswords } from './sections/passwords.ts'
import { checkPolicies } from './sections/policies.ts'
import { checkPolicyRules } from './sections/policy-rules.ts'
import { checkPools, poolsSchema, resolvePools } from './sections/pools.ts'
import { checkRadius } from './sections/radius.ts'
import { checkRadiusTls } from './sections/radius-tls.ts'
import { checkRedis } from './sections/redis.ts'
import type { ReplyReader } from './sections/reply.ts'
import { checkSecondFactor } from './sections/second-factor.ts'
import { checkSingleHosts } from './sections/single-hosts.ts'
import { checkSingleSignOn } from './sections/single-sign-on.ts'
import { checkStorage } from './sections/storage.ts'

type Partial = PartialConfig<ConfigInput>

/** Checks what the schema of a single key cannot. Parts with a fault are missing from the configuration and skipped. */
export function crossCheck(
  config: Partial,
  folder: string,
  rules: LoadRules,
  diagnostics: Diagnostics,
): void {
  const { radius, gateways, identity, pools, policies } = config
  const deadlineMs = radius?.deadline
  if (radius !== undefined) checkRadius(radius, diagnostics)
  if (radius?.tls !== undefined) checkRadiusTls(radius.tls, config.http, radius.address ?? [], diagnostics)
  if (gateways !== undefined) checkGateways(gateways, diagnostics)
  checkSingleHosts(diagnostics)
  if (identity?.order !== undefined)
    checkIdentity(identity.order, gatewayNames(diagnostics), deadlineMs, rules.providerTypes, diagnostics)
  if (config.second_factor !== undefined) checkSecondFactor(config.second_factor, diagnostics)
  if (config.passwords !== undefined) checkPasswords(config.passwords, deadlineMs, diagnostics)
  if (config.lockout !== undefined) checkLockout(config.lockout, diagnostics)
  if (pools !== undefined) checkPools(pools, poolNames(policies), gateways, diagnostics)
  if (policies !== undefined) {
    const read = poolsSchema.safeParse(diagnostics.at(['pools']) ?? {})
    const soundPools = read.success ? resolvePools(read.data) : undefined
    checkPolicies(
      policies,
      gatewayNames(diagnostics),
      soundPools,
      replyReaders(gateways ?? []),
      rules,
      diagnostics,
    )
  }
  checkPolicyRules(config, diagnostics)
  checkEnrolAtLogin(config, diagnostics)
  checkApproval(config, diagnostics)
  checkGrace(config, diagnostics)
  if (config.http !== undefined) checkHttp(config.http, diagnostics)
  const { portal } = config
  if (portal?.single_sign_on !== undefined)
    checkSingleSignOn(portal.single_sign_on, portal.public_url, diagnostics)
  checkPasskeys(config, diagnostics)
  if (config.audit !== undefined) checkAudit(config.audit, diagnostics)
  if (config.mail !== undefined) checkMail(config.mail, diagnostics)
  if (config.redis !== undefined) checkRedis(config.redis, diagnostics)
  if (config.storage !== undefined) checkStorage(config.storage, deadlineMs, folder, diagnostics)
}

/** Also of gateways with a fault elsewhere; undefined if a name itself has a fault. */
function gatewayNames(diagnostics: Diagnostics): readonly string[] | undefined {
  const gateways = diagnostics.at(['gateways'])
  if (!Array.isArray(gateways)) return undefined
  const names = gateways.map((_, index) => diagnostics.at(['gateways', index, 'name']))
  return names.every((name) => typeof name === 'string') ? names : undefined
}

function replyReaders(gateways: NonNullable<Partial['gateways']>): ReadonlyMap<string, ReplyReader> {
  return new Map(
    gateways.flatMap((gateway) => {
      if (gateway?.name === undefined || gateway.class === undefined) return []
      const isOverIpv6 = (gateway.address ?? []).some(
        (each) => each !== undefined && 'network' in each && each.network?.base.kind() === 'ipv6',
      )
      return [[gateway.name, { classForm: gateway.class, isOverIpv6 }] as const]
    }),
  )
}

/** The pools that policies name; undefined if a policy has a fault that may hide one. */
function poolNames(policies: Partial['policies']): ReadonlySet<string> | undefined {
  if (policies === undefined || policies.includes(undefined)) return undefined
  return new Set(policies.flatMap((policy) => policy?.reply?.pool ?? []))
}
