import { BROWSER } from './real/chromium.ts'
import { postgresProgram } from './real/postgres-programs.ts'
import { findProgram } from './real/programs.ts'
import { RSYSLOG_TLS } from './real/rsyslog.ts'
import { AD_SCHEMA } from './real/samba.ts'
import { FAKETIME } from './real/stepped-clock.ts'

/** A Debian package that the tests with real programs need. */
export interface DebianPackage {
  readonly name: string
  /** The program, or the file by its full path, whose presence shows that the package is installed. */
  readonly proof: string
  /** The suites of vitest.config.ts that skip tests without it. */
  readonly suites: readonly string[]
}

const NOTO_CJK = '/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc'

const debianPackages: readonly DebianPackage[] = [
  { name: 'ocserv', proof: 'ocserv', suites: ['integration', 'vpn'] },
  { name: 'openconnect', proof: 'openconnect', suites: ['vpn'] },
  { name: 'vpnc-scripts', proof: '/usr/share/vpnc-scripts/vpnc-script', suites: ['vpn'] },
  { name: 'iproute2', proof: 'ip', suites: ['vpn'] },
  { name: 'iputils-ping', proof: 'ping', suites: ['vpn'] },
  { name: 'nftables', proof: 'nft', suites: ['vpn'] },
  { name: 'systemd', proof: 'systemd-analyze', suites: ['integration', 'vpn'] },
  { name: 'gnutls-bin', proof: 'certtool', suites: ['vpn'] },
  { name: 'freeradius', proof: 'freeradius', suites: ['integration', 'vpn'] },
  { name: 'radsecproxy', proof: 'radsecproxy', suites: ['integration'] },
  { name: 'freeradius-utils', proof: 'radclient', suites: ['integration', 'vpn'] },
  { name: 'slapd', proof: 'slapd', suites: ['integration', 'vpn'] },
  { name: 'ldap-utils', proof: 'ldapmodify', suites: ['integration', 'vpn'] },
  { name: 'samba', proof: 'samba', suites: ['integration'] },
  // It has no file of its own, but winbind among its needs.
  { name: 'samba-ad-dc', proof: 'winbindd', suites: ['integration'] },
  { name: 'samba-ad-provision', proof: AD_SCHEMA, suites: ['integration'] },
  { name: '389-ds-base', proof: 'ns-slapd', suites: ['integration'] },
  { name: 'sasl2-bin', proof: 'saslauthd', suites: ['integration'] },
  { name: 'libpam-google-authenticator', proof: 'google-authenticator', suites: ['unit', 'integration'] },
  { name: 'pskctool', proof: 'pskctool', suites: ['unit'] },
  { name: 'pskc-utils', proof: 'pskc2csv', suites: ['unit'] },
  { name: 'pamtester', proof: 'pamtester', suites: ['integration'] },
  { name: 'oathtool', proof: 'oathtool', suites: ['integration'] },
  { name: 'chromium-headless-shell', proof: BROWSER, suites: ['integration', 'vpn'] },
  // Or pages in Chinese are pictures of empty boxes.
  { name: 'fonts-noto-cjk', proof: NOTO_CJK, suites: ['integration'] },
  { name: 'redis-server', proof: 'redis-server', suites: ['integration'] },
  { name: 'redis-tools', proof: 'redis-cli', suites: ['integration'] },
  { name: 'haproxy', proof: 'haproxy', suites: ['integration'] },
  { name: 'nginx-light', proof: 'nginx', suites: ['integration'] },
  { name: 'caddy', proof: 'caddy', suites: ['integration'] },
  { name: 'prometheus', proof: 'promtool', suites: ['unit', 'integration'] },
  { name: 'postgresql', proof: postgresProgram('postgres'), suites: ['integration'] },
  { name: 'docker-compose', proof: 'docker-compose', suites: ['integration'] },
  { name: 'kubernetes-client', proof: 'kubectl', suites: ['unit'] },
  { name: 'libfaketime', proof: FAKETIME, suites: ['integration'] },
  { name: 'rsyslog', proof: 'rsyslogd', suites: ['integration'] },
  { name: 'rsyslog-gnutls', proof: RSYSLOG_TLS, suites: ['integration'] },
  { name: 'exim4-daemon-light', proof: 'exim4', suites: ['integration'] },
  { name: 'poppler-utils', proof: 'pdftotext', suites: ['integration'] },
  { name: 'logrotate', proof: 'logrotate', suites: ['integration'] },
  { name: 'python3', proof: '/usr/bin/python3', suites: ['integration'] },
  { name: 'systemd', proof: 'systemd-notify', suites: ['integration'] },
  { name: 'openssl', proof: 'openssl', suites: ['unit', 'integration', 'vpn'] },
]

export function missingPackages(): DebianPackage[] {
  return debianPackages.filter(({ proof }) => findProgram(proof) === undefined)
}
