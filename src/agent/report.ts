import { PROTOCOL } from './broker.ts'
import { BLURRED, type Tunnel } from './listing.ts'
import type { Occtl } from './occtl.ts'

/** Who reports; one gateway of the broker may be several machines. */
export interface AgentIdentity {
  readonly version: string
  readonly host: string
}

export type Report = Awaited<ReturnType<typeof reportOf>>

const MAX_CLIENT = 256
const UNKNOWN_OCTET = '\ufffd'

/** What ocserv has now, in the words of the API. @throws Unavailable */
export async function reportOf(occtl: Occtl, { version, host }: AgentIdentity) {
  const ocserv = await occtl.inspect()
  const cookies = await occtl.cookies()
  const tunnels = await occtl.tunnels()
  const connected = new Set(tunnels.map(({ acctSession }) => acctSession))
  return {
    agent: { version, protocol: PROTOCOL, host },
    ocserv: { version: ocserv.version },
    sessions: tunnels.map(inWordsOfTheApi),
    cookies: cookies.map(({ acctSession }) => acctSession).filter((session) => !connected.has(session)),
    bans: await occtl.bans(),
  }
}

function inWordsOfTheApi(tunnel: Tunnel) {
  const { connectedAt, client, isNameKnown } = tunnel
  return {
    acct_session: tunnel.acctSession,
    user: isNameKnown ? tunnel.user : tunnel.user.replaceAll(BLURRED, UNKNOWN_OCTET),
    group: tunnel.group,
    address: tunnel.address,
    ipv4: tunnel.ipv4,
    ipv6: tunnel.ipv6,
    connected_at: connectedAt === undefined ? undefined : new Date(connectedAt).toISOString(),
    octets_in: tunnel.octetsIn,
    octets_out: tunnel.octetsOut,
    client: client?.slice(0, MAX_CLIENT),
  }
}
