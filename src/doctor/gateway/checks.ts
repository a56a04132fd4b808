import type { Clock } from '../../domain/clock.ts'
import {
  checkDnsRoute,
  checkGroups,
  checkHostNetworks,
  checkIpv4Network,
  checkIpv6Network,
} from './address-plan.ts'
import { checkAccounting, checkAuthRadius, checkGroupConfig } from './auth-lines.ts'
import { checkBrokerClock } from './broker-clock.ts'
import { checkBrokerHttp } from './broker-http.ts'
import { checkServerCertificate } from './certificate.ts'
import { checkForwardChain, checkForwarding, checkInputChain, checkNat } from './firewall.ts'
import type { GatewayCheck } from './gateway-check.ts'
import { checkOcservConf } from './ocserv-test.ts'
import { checkPorts } from './ports.ts'
import { checkRadcliFiles, checkRadcliSyntax } from './radcli-files.ts'
import { checkDictionary, checkRealm, checkSigning, checkWait } from './radcli-settings.ts'
import { checkReach } from './reach.ts'
import { checkSecret } from './secret.ts'
import { checkServerAddress } from './server-address.ts'
import { checkIsolation, checkLimits, checkMtu } from './server-limits.ts'
import { checkBans, checkDtls } from './sessions.ts'
import { checkSourceAddress } from './source-address.ts'
import { checkTls } from './tls-handshake.ts'

/** Everything that is looked at on the host of a gateway, by its name on the command line. */
export function gatewayChecks(clock: Clock): Readonly<Record<string, GatewayCheck>> {
  return {
    'ocserv-conf': checkOcservConf,
    'auth-radius': checkAuthRadius,
    groupconfig: checkGroupConfig,
    acct: checkAccounting,
    'broker-http': checkBrokerHttp,
    'radcli-syntax': checkRadcliSyntax,
    'radcli-files': checkRadcliFiles,
    'server-address': checkServerAddress,
    reach: checkReach,
    'source-address': checkSourceAddress,
    secret: checkSecret,
    wait: checkWait,
    signs: checkSigning,
    dictionary: checkDictionary,
    realm: checkRealm,
    'ipv4-network': checkIpv4Network,
    'host-networks': checkHostNetworks,
    'ipv6-network': checkIpv6Network,
    groups: checkGroups,
    'dns-route': checkDnsRoute,
    limits: checkLimits,
    ban: checkBans,
    forwarding: checkForwarding,
    nat: checkNat,
    'forward-chain': checkForwardChain,
    ports: checkPorts,
    'input-chain': checkInputChain,
    dtls: checkDtls(clock),
    mtu: checkMtu,
    certificate: checkServerCertificate(clock),
    tls: checkTls,
    clock: checkBrokerClock(clock),
    isolation: checkIsolation,
  }
}
