import type { Expectation } from '../doctor/gateway/expectation.ts'
import type { Gateway } from '../domain/gateway.ts'
import { contains, type Network, parseNetwork } from '../domain/network.ts'
import { OCCTL_LINES } from './agent-units.ts'

/** What the files of a gateway are made of. */
export interface GatewayPlan {
  readonly gateway: Gateway
  readonly expectation: Expectation
  /** Of ocserv: paths on the gateway. */
  readonly certificate: string
  readonly key: string
  /** The shared secret, or what is to be read in its place. */
  readonly secret: string
  /** Where it asks by RadSec; absent: it asks over UDP. */
  readonly tlsPort?: number
}

/** Lines by path. */
export type Files = Readonly<Record<string, readonly string[]>>

const RADCLI_CONF = '/etc/radcli/radiusclient.conf'
/** radcli's own files are left as they are. */
const DICTIONARY = '/etc/radcli/dictionary.ocbroker'
/** A file that holds the secret. */
export const SERVERS_FILE = '/etc/radcli/servers'

const AUTH_TIMEOUT_S = 240
const FEWEST_CLIENTS = 1024
/** For the gateway's end of the tunnels, and for users to whom no policy gives an address. */
const IPV4_NETWORKS = ['10.254.0.0/21', '172.31.248.0/21', '192.168.248.0/21', '100.127.248.0/21']
const IPV6_NETWORKS = ['fd6f:6362:726b::/48', 'fd6f:6362:726c::/48']

/** Whole files, with which ocserv starts and asks the broker. */
export function gatewayFiles(plan: GatewayPlan): Files {
  return {
    '/etc/ocserv/ocserv.conf': ocservConf(plan),
    [RADCLI_CONF]: radiusclientConf(plan),
    [SERVERS_FILE]: [
      `# For the gateway ${plan.gateway.name}. Replaces ${SERVERS_FILE}; mode 0600. Of an old file keep no line for these`,
      '# servers: radcli takes the first secret that it finds. IPv6 addresses have no brackets here.',
      ...plan.expectation.broker.servers.map((server) => `${server} ${plan.secret}`),
    ],
    [DICTIONARY]: [
      '# A new file. The second and the third line are commented out in the dictionary of the package; without them',
      '# the name servers and the speed limits of a reply are ignored in silence.',
      '$INCLUDE /etc/radcli/dictionary',
      '$INCLUDE /etc/radcli/dictionary.microsoft',
      '$INCLUDE /etc/radcli/dictionary.roaringpenguin',
    ],
  }
}

function ocservConf({ gateway, expectation, certificate, key }: GatewayPlan): readonly string[] {
  const { policies, pools, broker } = expectation
  const groups = new Set(policies.flatMap((policy) => policy.groups))
  const clients = pools.reduce((sum, { network, size }) => (network.includes(':') ? sum : sum + size), 0)
  const ipv6 = policies.some(({ hasIpv6 }) => hasIpv6)
  return [
    `# For the gateway ${gateway.name}. Replaces /etc/ocserv/ocserv.conf as a whole; keep a copy of the old one.`,
    '# To change an old file instead, take these lines over and remove from it every other line that begins with:',
    '#   auth, acct                     ocserv does not start with a second auth line',
    '#   enable-auth, select-group, config-per-user, config-per-group, default-user-config, default-group-config',
    '#   ipv4-network, ipv6-network     its own addresses must lie outside of what the broker gives',
    '#   route, no-route, dns           they come from the broker, for each user',
    '',
    `auth = "radius[config=${RADCLI_CONF},groupconfig=true]"`,
    `acct = "radius[config=${RADCLI_CONF}]"`,
    '# Seconds between reports of a session; a policy can say otherwise (interim).',
    'stats-report-time = 300',
    '# A login may take this long: the password, the code, and enrolling within a login.',
    `auth-timeout = ${Math.max(AUTH_TIMEOUT_S, Math.ceil(broker.answerWithinMs / 1000) + 60)}`,
    '# A client may come back for so long without a login.',
    'cookie-timeout = 300',
    ...(groups.size > 0 ? ['# Groups that users may pick; the policies give them.'] : []),
    ...[...groups].map((group) => `select-group = ${group}`),
    ...(gateway.classForm === 'comma' ? ['group-separator = comma'] : []),
    '',
    'tcp-port = 443',
    'udp-port = 443',
    '# The certificate with its chain, and its key (mode 0600).',
    `server-cert = ${certificate}`,
    `server-key = ${key}`,
    'tls-priorities = "NORMAL:%SERVER_PRECEDENCE:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:+VERS-DTLS1.2"',
    '',
    '# Used for nothing else: the end of the tunnels here, and users to whom no policy gives an address.',
    `ipv4-network = ${freeNetwork(IPV4_NETWORKS, expectation)}`,
    ...(ipv6 ? [`ipv6-network = ${freeNetwork(IPV6_NETWORKS, expectation)}`, 'ipv6-subnet-prefix = 64'] : []),
    'device = vpns',
    `max-clients = ${Math.max(FEWEST_CLIENTS, clients)}`,
    '# The broker limits the sessions of a user (policies: sessions).',
    'max-same-clients = 0',
    'keepalive = 32400',
    'dpd = 90',
    'mobile-dpd = 1800',
    'try-mtu-discovery = true',
    'cisco-client-compat = true',
    'dtls-legacy = true',
    '',
    'run-as-user = nobody',
    'run-as-group = daemon',
    'isolate-workers = true',
    'socket-file = /run/ocserv-socket',
    'pid-file = /run/ocserv.pid',
    '# For the agent.',
    ...OCCTL_LINES,
  ]
}

/** By radcli itself. radsecproxy connects again where radcli 1.2 does not. */
const TLS_LINES = [
  '# RadSec. The certificate of the server must hold the name or address above. radcli 1.2 (Debian 12) does not survive a',
  '# restart of the broker: with radsecproxy between the two it is asked over UDP (docs/gateways.md, RadSec).',
  'serv-type tls',
  'tls-ca-file /etc/radcli/broker-ca.pem',
  'tls-cert-file /etc/radcli/gateway.pem',
  'tls-key-file /etc/radcli/gateway.key',
]

function radiusclientConf({ gateway, expectation, tlsPort }: GatewayPlan): readonly string[] {
  const { servers, authPort, acctPort, deadlineMs } = expectation.broker
  // The broker answers within its deadline; radcli must wait longer than that.
  const wait = Math.ceil(deadlineMs / 1000) + 1
  // A lost packet is sent again; where there is another server it is asked sooner.
  const retries = servers.length > 1 ? 1 : 2
  // Over TLS radcli takes one server only.
  const asked = tlsPort === undefined ? servers : servers.slice(0, 1)
  const at = (port: number) => asked.map((server) => `${bracketed(server)}:${port}`).join(' ')
  return [
    `# For the gateway ${gateway.name}. Replaces ${RADCLI_CONF}. Of an old file keep no authserver and no acctserver:`,
    `# radcli asks the first one first, and waits ${wait * (retries + 1)} s for it at every login if it does not answer.`,
    '# ocserv does not start with an unknown word here, nor with a blank before one.',
    `nas-identifier ${gateway.nasIdentifiers[0] ?? gateway.name}`,
    `authserver ${at(tlsPort ?? authPort)}`,
    `acctserver ${at(tlsPort ?? acctPort)}`,
    ...(tlsPort === undefined ? [] : TLS_LINES),
    `servers ${SERVERS_FILE}`,
    `dictionary ${DICTIONARY}`,
    ...(gateway.defaultRealm === undefined ? [] : [`default_realm ${gateway.defaultRealm}`]),
    `# Seconds for each try: longer than radius.deadline of the broker (${deadlineMs / 1000} s).`,
    `radius_timeout ${wait}`,
    `radius_retries ${retries}`,
    'bindaddr *',
  ]
}

/** An address as it stands before a port. */
export function bracketed(server: string): string {
  return server.includes(':') ? `[${server}]` : server
}

/** The first that lies apart from what the broker gives and sends clients to; the last one if none does. */
function freeNetwork(candidates: readonly string[], { pools, policies, broker, entry }: Expectation): string {
  const given = pools.flatMap(({ network }) => parseNetwork(network) ?? [])
  const named = [
    ...policies.flatMap(({ routes, dns }) => [...routes, ...dns]),
    ...broker.servers,
    ...entry.addresses,
  ]
  const reached = named.flatMap((text) => parseNetwork(text) ?? [])
  const isFree = (own: Network) =>
    !given.some((other) => contains(own, other.base) || contains(other, own.base)) &&
    !reached.some((other) => other.prefix >= own.prefix && contains(own, other.base))
  const free = candidates.find((text) => {
    const network = parseNetwork(text)
    return network !== undefined && isFree(network)
  })
  return free ?? candidates.at(-1) ?? ''
}
