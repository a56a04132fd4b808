import type { ProviderType } from '../schema/provider-type.ts'
import { ldapType } from './ldap/provider-type.ts'
import { localType } from './local/provider-type.ts'
import { pamType } from './pam/provider-type.ts'
import { radiusType } from './radius/provider-type.ts'

/** Every type of identity store that the configuration may name. */
export const PROVIDER_TYPES: readonly ProviderType[] = [localType, ldapType, pamType, radiusType]
