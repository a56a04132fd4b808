import { type Drop, type DropReason, OVER_TLS } from './traffic.ts'

const CAUSES: Readonly<Record<DropReason, string>> = {
  unknown_gateway: 'unknown gateway: none of the configuration has this address',
  no_source_port: 'it came from port 0',
  malformed: 'it is not a RADIUS packet',
  wrong_code: 'wrong port',
  forbidden_attribute: 'an attribute that the RFCs forbid',
  no_message_authenticator: 'not signed',
  bad_message_authenticator: 'wrong secret',
  bad_accounting_authenticator: 'wrong secret',
  proxy_state_unprotected: 'a proxy sent it, and it is not signed',
  repeated: 'the same request came before',
  overloaded: 'too many requests wait',
  too_late: 'too late: its deadline passed while it waited',
}

/** Why it was dropped, in a few words. */
export function causeOf({ outcome, detail }: Pick<Drop, 'outcome' | 'detail'>): string {
  if (detail === undefined) return CAUSES[outcome]
  return outcome === 'unknown_gateway'
    ? `unknown gateway: ${detail} is not what the gateways at this address send`
    : `${CAUSES[outcome]} (${detail})`
}

/** What to do about a dropped datagram: a line of a file or a command where there is one. */
export function remedyOf({
  outcome,
  source,
  gateway = 'NAME',
  kind,
  detail,
}: Pick<Drop, 'outcome' | 'source' | 'gateway' | 'kind' | 'detail'>): string {
  switch (outcome) {
    case 'unknown_gateway':
      return detail === undefined
        ? `if it is a gateway, add it to broker.yaml: gateways: [{ name: NAME, address: ${source.includes(':') ? `"${source}"` : source}, secret_file: FILE }]; otherwise block it in the firewall`
        : `add the name to its entry in broker.yaml, as in nas_identifier: [NAME], or set nas-identifier in its radiusclient.conf`
    case 'wrong_code':
      return `its ports are swapped or alike: in its radiusclient.conf authserver has radius.auth_port, and acctserver radius.acct_port`
    case 'bad_message_authenticator':
    case 'bad_accounting_authenticator':
      if (detail === OVER_TLS) return 'the shared secret over TLS is radsec (RFC 6614): set it at the sender'
      return `the shared secret differs: its servers file must hold that of gateways: ${gateway}; if it does, somebody forges requests`
    case 'no_message_authenticator':
      return kind === 'status'
        ? 'a Status-Server must be signed (RFC 5997): let the sender sign it'
        : `its radcli cannot sign, or is told not to: upgrade it to 1.5.0 or newer, or set message_authenticator: off for gateways: ${gateway} and run ocbroker reload`
    case 'proxy_state_unprotected':
      return 'let the RADIUS proxy between them sign its requests (Message-Authenticator)'
    case 'malformed':
    case 'forbidden_attribute':
      return 'the sender is faulty, or is not a RADIUS client: upgrade it, or block it in the firewall'
    case 'overloaded':
    case 'too_late':
      return 'see Overload in docs/operating.md: what logins wait for is too slow, or too many come'
    case 'repeated':
      return 'a few are retransmits from a new port; of many, somebody replays what was captured'
    case 'no_source_port':
      return 'somebody probes: keep the sender away by the firewall'
  }
}
