const USER_RECORD = 'it is set for each user: ocbroker user add NAME --ipv4 … --ipv6 …'
const PACKET = 'remove it; each reply gets its own'
const NO_SECRETS = 'remove it; no reply carries a password'

/** Attributes that the broker writes, by lower-case name, and what to do instead. */
const TAKEN: ReadonlyMap<string, string> = new Map([
  ['framed-ip-address', `use reply.pool, or ${USER_RECORD}`],
  ['framed-ipv6-address', USER_RECORD],
  ['framed-ip-netmask', 'use reply.netmask'],
  ['framed-route', 'use reply.routes'],
  ['framed-ipv6-route', 'use reply.routes'],
  ['framed-ipv6-prefix', 'use reply.routes; ocserv before 1.5.0 reads this attribute wrongly'],
  ['delegated-ipv6-prefix', 'use reply.ipv6_prefix'],
  ['ms-primary-dns-server', 'use reply.dns'],
  ['ms-secondary-dns-server', 'use reply.dns'],
  ['dns-server-ipv6-address', 'use reply.dns'],
  ['class', 'use reply.groups; ocserv takes every Class for a group'],
  ['session-timeout', 'use reply.session_timeout'],
  ['acct-interim-interval', 'use reply.interim'],
  ['rp-upstream-speed-limit', 'use reply.upstream_speed'],
  ['rp-downstream-speed-limit', 'use reply.downstream_speed'],
  ['service-type', 'remove it; ocserv fails a login on any value but one'],
  ['reply-message', 'remove it; the words come with radius.locale'],
  ['state', PACKET],
  ['proxy-state', PACKET],
  ['message-authenticator', PACKET],
  ['eap-message', PACKET],
  ['user-password', NO_SECRETS],
  ['chap-password', NO_SECRETS],
  ['chap-challenge', NO_SECRETS],
])

const IGNORED: ReadonlySet<string> = new Set([
  'idle-timeout',
  'filter-id',
  'framed-mtu',
  'framed-pool',
  'framed-ipv6-pool',
  'route-ipv6-information',
  'delegated-ipv6-prefix-pool',
  'stateful-ipv6-address-pool',
])

/** @returns what to do instead, where the attribute is the broker's own. */
export function takenAttribute(name: string): string | undefined {
  return TAKEN.get(name.toLowerCase())
}

export function ignoredByOcserv(name: string): boolean {
  return IGNORED.has(name.toLowerCase())
}
