import type { Config } from '../config/schema.ts'
import type { IdentityStoreConfig } from '../config/sections/identity.ts'
import { type StorePlace, timeFor } from '../config/sections/identity-place.ts'
import type { Dependency } from '../domain/dependency.ts'
import { Unavailable } from '../domain/errors.ts'
import type { IdentityProvider, Remark } from '../domain/identity-provider.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { StoreListing, StoreUserSearch } from '../domain/store-users.ts'
import { withCircuitBreaker } from '../identity/circuit-breaker.ts'
import { type Member, subjectOfListed } from '../identity/fan-out.ts'
import { withTimeLimit } from '../identity/time-limit.ts'
import { withOpaquePasswords } from '../identity/with-opaque-passwords.ts'
import type { CreatedProvider } from '../schema/provider-type.ts'

export interface IdentityContext extends Pick<Runtime, 'clock' | 'random' | 'log'> {
  /** The broker's own users; absent where the records are not open, and then they are left out. */
  readonly local?: IdentityProvider
}

/** The identity stores of a configuration, in the order in which they are asked. */
export interface Identities {
  readonly members: readonly Member[]
  readonly listings: readonly StoreListing[]
  /** One line for each store that cannot be asked now: which, which server, and why. */
  findFaults(
    withinMs: number,
  ): Promise<readonly { readonly store: string; readonly required: boolean; readonly cause: string }[]>
  /** What does not fit at the stores that can be asked. */
  findRemarks(withinMs: number): Promise<readonly (Remark & { readonly store: string })[]>
  /** What `/readyz` asks: every store but the local one, which is as ready as the records. */
  readonly dependencies: readonly Dependency[]
  close(): Promise<void>
}

interface Store extends CreatedProvider {
  readonly config: IdentityStoreConfig
}

/** @throws Error if the settings of a store cannot be used, such as a malformed filter. */
export async function buildIdentities(
  { identity, radius }: Config,
  context: IdentityContext,
): Promise<Identities> {
  const { local, clock } = context
  const stores: Store[] = []
  const close = async () => {
    await Promise.all(stores.map((store) => store.close?.()))
  }
  try {
    for (const config of identity.order) {
      const { name, providerType, settings } = config
      const created = await providerType.create(settings, { ...context, name })
      if (created !== undefined) stores.push({ ...created, config })
    }
  } catch (error) {
    await close()
    throw error
  }
  return {
    members: stores.map(({ config: { place }, provider }) => ({
      store: provider === local ? provider : guarded(provider, place, radius.deadlineMs, context),
      realms: place.realms,
      stripRealm: place.stripRealm,
      gateways: place.gateways,
      onUnavailable: place.onUnavailable,
    })),
    listings: stores.map(listingOf),
    async findFaults(withinMs) {
      const deadline = clock.monotonic() + withinMs
      const faults = stores.map(async ({ config: { name, place }, provider }) => {
        try {
          await provider.checkReady(deadline)
          return []
        } catch (error) {
          if (!(error instanceof Unavailable)) throw error
          return [{ store: name, required: place.required, cause: error.message }]
        }
      })
      return (await Promise.all(faults)).flat()
    },
    async findRemarks(withinMs) {
      const deadline = clock.monotonic() + withinMs
      const remarks = stores.map(async ({ config: { name: store }, provider }) => {
        try {
          return ((await provider.remarks?.(deadline)) ?? []).map((remark) => ({ store, ...remark }))
        } catch (error) {
          // `findFaults` tells it.
          if (error instanceof Unavailable) return []
          throw error
        }
      })
      return (await Promise.all(remarks)).flat()
    },
    dependencies: stores
      .filter(({ provider }) => provider !== local)
      .map(({ config: { name }, provider }) => ({
        name: `identity ${name}`,
        checkReady: (deadline) => provider.checkReady(deadline),
      })),
    close,
  }
}

/** Not within the time limit of a login: a whole directory takes longer. */
function listingOf({ config: { name, place }, provider }: Store): StoreListing {
  if (provider.users === undefined) return { store: name }
  return {
    store: name,
    async *users(search: StoreUserSearch) {
      for await (const page of provider.users?.(search) ?? [])
        yield page.map((user) => ({ ...user, store: name, subject: subjectOfListed(place, user) }))
    },
  }
}

function guarded(
  provider: IdentityProvider,
  place: StorePlace,
  deadlineMs: number,
  { clock, log }: IdentityContext,
): IdentityProvider {
  const limited = withTimeLimit(withOpaquePasswords(provider), { clock, ms: timeFor(place, deadlineMs) })
  return withCircuitBreaker(limited, { clock, log })
}
