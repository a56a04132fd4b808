const USER_RECORD = 'it is set for each user: ocbroker user add NAME --ipv4 … --ipv6 …'
const PACKET = 'remove it; each reply gets its own'
const NO_SECRETS = 'remove it; no reply carries a password'

/** Attributes that the broker writes, by lower-case name, with what to do instead. */
const RESERVED: ReadonlyMap<string, string> = new Map([
  ['framed-ip-address', `use reply.pool, or ${USER_RECORD}`],
  ['framed-ipv6-address', USER_RECORD],
  ['framed-ip-netmask', 'use reply.netmask'],
  ['framed-route', 'use reply.routes'],
  ['framed-ipv6-route', 'use reply.routes'],
  ['delegated-ipv6-prefix', 'use reply.ipv6_prefix'],
  ['ms-primary-dns-server', 'use reply.dns'],
  ['ms-secondary-dns-server', 'use reply.dns'],
  ['dns-server-ipv6-address', 'use reply.dns'],
  ['class', 'use reply.groups; ocserv reads every Class as a group'],
  ['session-timeout', 'use reply.session_timeout'],
  ['acct-interim-interval', 'use reply.interim'],
  ['rp-upstream-speed-limit', 'use reply.upstream_speed'],
  ['rp-downstream-speed-limit', 'use reply.downstream_speed'],
  ['service-type', 'write Framed-User, or remove it; ocserv fails a login on any other value'],
  ['reply-message', 'remove it; radius.locale sets the language of messages'],
  ['state', PACKET],
  ['proxy-state', PACKET],
  ['message-authenticator', PACKET],
  ['eap-message', PACKET],
  ['user-password', NO_SECRETS],
  ['chap-password', NO_SECRETS],
  ['chap-challenge', NO_SECRETS],
])

/** The only values of reserved attributes that the configuration may give. */
const ALLOWED: ReadonlyMap<string, readonly (string | number)[]> = new Map([
  ['service-type', ['Framed-User', 2]],
  // The gateway chooses (RFC 2865 §5.8).
  ['framed-ip-address', ['255.255.255.254']],
])

const IGNORED = 'is ignored by every version of ocserv'
/** What an operator should know of an attribute that may be sent, by lower-case name. */
const NOTES: ReadonlyMap<string, string> = new Map([
  ...[
    'idle-timeout',
    'filter-id',
    'framed-mtu',
    'framed-pool',
    'framed-ipv6-pool',
    'route-ipv6-information',
    'delegated-ipv6-prefix-pool',
    'stateful-ipv6-address-pool',
  ].map((name) => [name, IGNORED] as const),
  [
    'framed-ipv6-prefix',
    'is a route to ocserv, which reads it wrongly before 1.5.0; reply.routes works with all versions',
  ],
])

/** @returns what to do instead, if only the broker writes the attribute. */
export function reservedAttribute(name: string): string | undefined {
  return RESERVED.get(name.toLowerCase())
}

/** Whether a reserved attribute may have this value all the same. */
export function isAllowedAsValue(name: string, value: string | number): boolean {
  return ALLOWED.get(name.toLowerCase())?.includes(value) === true
}

export function noteOn(name: string): string | undefined {
  return NOTES.get(name.toLowerCase())
}
