import { z } from 'zod'
import type { AddressPool } from '../domain/address-pool.ts'
import type { Gateway } from '../domain/gateway.ts'
import type { Policy } from '../domain/policy.ts'
import { gatewaysShape } from './sections/gateways.ts'
import { type HttpConfig, httpShape } from './sections/http.ts'
import { type IdentityConfig, identityShape } from './sections/identity/identity.ts'
import { type LimitsConfig, limitsShape } from './sections/limits.ts'
import { type LockoutConfig, lockoutShape } from './sections/lockout.ts'
import { type LogConfig, logShape } from './sections/log.ts'
import { type PasswordsConfig, passwordsShape } from './sections/passwords.ts'
import { policiesShape } from './sections/policies.ts'
import { poolsShape } from './sections/pools.ts'
import { type PortalConfig, portalShape } from './sections/portal.ts'
import { type RadiusConfig, radiusShape } from './sections/radius.ts'
import { type RedisConfig, redisShape } from './sections/redis.ts'
import { type SecondFactorConfig, secondFactorShape } from './sections/second-factor.ts'
import { type StorageConfig, storageShape } from './sections/storage.ts'

/** The configuration file: every key, its bounds and its default. What spans several keys is in `cross-checks.ts`. */
export const shape = z.strictObject({
  radius: radiusShape.prefault({}),
  gateways: gatewaysShape,
  identity: identityShape.prefault({}),
  second_factor: secondFactorShape.prefault({}),
  passwords: passwordsShape.prefault({}),
  limits: limitsShape.prefault({}),
  lockout: lockoutShape.prefault({}),
  pools: poolsShape.prefault({}),
  policies: policiesShape,
  storage: storageShape.prefault({}),
  redis: redisShape.optional(),
  http: httpShape.optional(),
  portal: portalShape.prefault({}),
  log: logShape.prefault({}),
})

/** The configuration as the broker takes it: defaults filled in, files read, paths absolute. */
export interface Config {
  readonly radius: RadiusConfig
  readonly gateways: readonly Gateway[]
  readonly identity: IdentityConfig
  readonly secondFactor: SecondFactorConfig
  readonly passwords: PasswordsConfig
  readonly limits: LimitsConfig
  readonly lockout: LockoutConfig
  readonly pools: readonly AddressPool[]
  readonly policies: readonly Policy[]
  readonly storage: StorageConfig
  /** Absent: what passes is kept in memory, by one broker. */
  readonly redis?: RedisConfig
  /** Absent: no HTTP. */
  readonly http?: HttpConfig
  readonly portal: PortalConfig
  readonly log: LogConfig
}
