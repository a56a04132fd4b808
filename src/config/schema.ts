import { z } from 'zod'
import type { AddressPool } from '../domain/address-pool.ts'
import type { Gateway } from '../domain/gateway.ts'
import type { Policy } from '../domain/policy.ts'
import type { ProviderType } from '../schema/provider-type.ts'
import { type AccountingConfig, accountingSchema } from './sections/accounting.ts'
import { type AuditConfig, auditSchema } from './sections/audit.ts'
import { gatewaysSchema } from './sections/gateways.ts'
import { type HttpConfig, httpSchema } from './sections/http.ts'
import { type IdentityConfig, identitySchema } from './sections/identity.ts'
import { type LimitsConfig, limitsSchema } from './sections/limits.ts'
import { type LockoutConfig, lockoutSchema } from './sections/lockout.ts'
import { type LogConfig, logSchema } from './sections/log.ts'
import { type MailConfig, mailSchema } from './sections/mail.ts'
import { type PasswordsConfig, passwordsSchema } from './sections/passwords.ts'
import { policiesSchema } from './sections/policies.ts'
import { poolsSchema } from './sections/pools.ts'
import { type PortalConfig, portalSchema } from './sections/portal.ts'
import { type RadiusConfig, radiusSchema } from './sections/radius.ts'
import { type RedisConfig, redisSchema } from './sections/redis.ts'
import { type SecondFactorConfig, secondFactorSchema } from './sections/second-factor.ts'
import { type StorageConfig, storageSchema } from './sections/storage.ts'

/** The configuration file: every key, its bounds and its default. `cross-checks.ts` checks rules over several keys. */
export function configSchema(types: readonly ProviderType[]) {
  return z.strictObject({
    radius: radiusSchema.prefault({}),
    gateways: gatewaysSchema,
    identity: identitySchema(types).prefault({}),
    second_factor: secondFactorSchema.prefault({}),
    passwords: passwordsSchema.prefault({}),
    limits: limitsSchema.prefault({}),
    lockout: lockoutSchema.prefault({}),
    accounting: accountingSchema.prefault({}),
    pools: poolsSchema.prefault({}),
    policies: policiesSchema,
    storage: storageSchema.prefault({}),
    redis: redisSchema.optional(),
    http: httpSchema.optional(),
    portal: portalSchema.prefault({}),
    mail: mailSchema.optional(),
    audit: auditSchema.prefault({}),
    log: logSchema.prefault({}),
  })
}

/** The file as it is written, with its defaults. */
export type ConfigInput = z.output<ReturnType<typeof configSchema>>

/** The configuration with defaults, the content of secret files, and absolute paths. */
export interface Config {
  readonly radius: RadiusConfig
  readonly gateways: readonly Gateway[]
  readonly identity: IdentityConfig
  readonly secondFactor: SecondFactorConfig
  readonly passwords: PasswordsConfig
  readonly limits: LimitsConfig
  readonly lockout: LockoutConfig
  readonly accounting: AccountingConfig
  readonly pools: readonly AddressPool[]
  readonly policies: readonly Policy[]
  readonly storage: StorageConfig
  /** Absent: short-lived state is kept in memory, by one broker. */
  readonly redis?: RedisConfig
  /** Absent: no HTTP. */
  readonly http?: HttpConfig
  readonly portal: PortalConfig
  /** Absent: no mails are sent. */
  readonly mail?: MailConfig
  readonly audit: AuditConfig
  readonly log: LogConfig
}
