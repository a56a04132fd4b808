import { type StorePlace, timeFor } from './config/sections/identity/common.ts'
import type { IdentityStoreConfig } from './config/sections/identity/identity.ts'
import type { LdapStore } from './config/sections/identity/ldap.ts'
import type { Config } from './config/shape.ts'
import type { Clock } from './domain/clock.ts'
import type { Dependency } from './domain/dependency.ts'
import type { Log } from './domain/log.ts'
import { type IdentityStore, Unavailable } from './domain/person.ts'
import type { Randomness } from './domain/random.ts'
import { Secret } from './domain/secret.ts'
import { withCircuitBreaker } from './identity/circuit-breaker.ts'
import type { Member } from './identity/fan-out.ts'
import { ldapIdentity } from './identity/ldap/identity.ts'
import type { GroupSource, LdapOptions } from './identity/ldap/options.ts'
import { pamIdentity } from './identity/pam/pam.ts'
import { withTimeLimit } from './identity/time-limit.ts'
import { upstreamRadiusIdentity } from './identity/upstream/upstream-radius.ts'
import { AttributeError, encodeAttribute } from './radius/dictionary.ts'

export interface IdentitySurroundings {
  /** The broker's own users; absent where the records are not open, and then they are left out. */
  readonly local?: IdentityStore
  readonly clock: Clock
  readonly random: Randomness
  readonly log: Log
}

/** The identity stores of a configuration, in the order in which they are asked. */
export interface Identities {
  readonly members: readonly Member[]
  /** One line for each store that cannot be asked now: which, which server, and why. */
  findFaults(
    withinMs: number,
  ): Promise<readonly { readonly store: string; readonly required: boolean; readonly cause: string }[]>
  /** What `/readyz` asks: every store but the local one, which is as ready as the records. */
  readonly dependencies: readonly Dependency[]
  close(): Promise<void>
}

/** @throws Error where the settings of a store cannot be used, such as a filter that is none. */
export function buildIdentities(
  { identity, radius }: Config,
  surroundings: IdentitySurroundings,
): Identities {
  const closers: (() => Promise<void>)[] = []
  const buildOne = (settings: IdentityStoreConfig) => {
    try {
      return build(settings, surroundings)
    } catch (error) {
      for (const close of closers) void close()
      throw error
    }
  }
  const stores = identity.order.flatMap((settings) => {
    const built = buildOne(settings)
    if (built?.close !== undefined) closers.push(built.close)
    return built === undefined ? [] : [{ settings, store: built.store }]
  })
  return {
    members: stores.map(({ settings: { place }, store }) => ({
      store: store === surroundings.local ? store : guarded(store, place, radius.deadlineMs, surroundings),
      realms: place.realms,
      gateways: place.gateways,
      onUnavailable: place.onUnavailable,
    })),
    async findFaults(withinMs) {
      const deadline = surroundings.clock.monotonic() + withinMs
      const faults = stores.map(async ({ settings: { name, place }, store }) => {
        try {
          await store.checkReady(deadline)
          return []
        } catch (error) {
          if (!(error instanceof Unavailable)) throw error
          return [{ store: name, required: place.required, cause: error.message }]
        }
      })
      return (await Promise.all(faults)).flat()
    },
    dependencies: stores
      .filter(({ store }) => store !== surroundings.local)
      .map(({ settings: { name }, store }) => ({
        name: `identity ${name}`,
        checkReady: (deadline) => store.checkReady(deadline),
      })),
    async close() {
      await Promise.all(closers.map((close) => close()))
    },
  }
}

function build(
  config: IdentityStoreConfig,
  { local, clock, random, log }: IdentitySurroundings,
): { readonly store: IdentityStore; readonly close?: () => Promise<void> } | undefined {
  const { name } = config
  switch (config.type) {
    case 'local':
      return local && { store: local }
    case 'ldap': {
      const store = ldapIdentity({
        ...ldapOptions(config.settings),
        name,
        bindPassword: config.bindPassword,
        clock,
        random,
        log,
      })
      return { store, close: () => store.close() }
    }
    case 'pam': {
      const { socket, service, saslauthd_realm: realm, parallel, waiting, groups, unknown } = config.settings
      const accounts =
        groups || unknown !== 'never' ? { passwdFile: '/etc/passwd', groupFile: '/etc/group' } : undefined
      return {
        store: pamIdentity({ name, clock, socket, service, realm, parallel, waiting, accounts, unknown }),
      }
    }
    case 'radius': {
      const { settings, secrets } = config
      const [first, ...others] = settings.servers.map((server, index) => ({
        host: server.host,
        port: server.port,
        secret: secrets[index] ?? new Secret(''),
        requireMessageAuthenticator: server.message_authenticator === 'require',
        statusServer: server.status_server,
      }))
      if (first === undefined) throw new Error(`identity ${name} has no servers`)
      const store = upstreamRadiusIdentity({
        name,
        servers: [first, ...others],
        realm: settings.send_realm,
        requestAttributes: settings.request,
        reply: { attributes: settings.reply, groupsFrom: settings.groups_from },
        answerWithinMs: settings.server_timeout,
        clock,
        random,
        log,
      })
      return { store, close: () => store.close() }
    }
  }
}

function guarded(
  store: IdentityStore,
  place: StorePlace,
  deadlineMs: number,
  { clock, log }: IdentitySurroundings,
): IdentityStore {
  return withCircuitBreaker(withTimeLimit(store, { clock, ms: timeFor(place, deadlineMs) }), { clock, log })
}

function ldapOptions(
  settings: LdapStore,
): Omit<LdapOptions, 'name' | 'bindPassword' | 'clock' | 'random' | 'log'> {
  const { groups, tls, shield, connections, active_directory: ad } = settings
  return {
    urls: settings.urls,
    bindDn: settings.bind_dn,
    userBase: settings.user_base,
    scope: settings.scope,
    userFilter: settings.user_filter,
    userAttributes: settings.user_attributes,
    bindTemplate: settings.bind_template,
    groups: groups && {
      sources: groups.sources as readonly GroupSource[],
      map: groups.map,
      unmapped: groups.unmapped,
      nameAttribute: groups.name_attribute,
    },
    attributes: settings.attributes,
    tls: tls && {
      startTls: tls.start_tls,
      caFile: tls.ca_file,
      certFile: tls.cert_file,
      keyFile: tls.key_file,
      serverName: tls.server_name,
      minVersion: tls.min_version,
    },
    pools: connections,
    ad: ad && { upnSuffixes: ad.upn_suffixes, tellState: ad.tell_state },
    shield: shield && { threshold: shield.threshold, windowMs: shield.window, lockedMs: shield.locked_for },
    replyFault,
  }
}

function replyFault(name: string, value: string | number): string | undefined {
  try {
    encodeAttribute(name, value)
    return undefined
  } catch (error) {
    if (error instanceof AttributeError) return error.message
    throw error
  }
}
