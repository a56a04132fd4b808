import { temporaryFolder } from './folder.ts'
import { untilLdapAnswers } from './ldap-answers.ts'
import { type LdifEntry, ldif } from './ldif.ts'
import { outputOf, type RealProcess, thisMachine } from './process.ts'

/** Of the package samba-ad-provision. */
export const AD_SCHEMA = '/usr/share/samba/setup/ad-schema/AD_DS_Attributes__Windows_Server_2012_R2.ldf'

/** What `startSamba` needs, for `describeWith`. Its port is 389, on an address of its own. */
export const SAMBA_NEEDS: readonly string[] = [
  'root',
  'samba',
  'samba-tool',
  AD_SCHEMA,
  '/usr/lib/python3/dist-packages/samba/samdb.py',
  'ldapsearch',
]

export const DOMAIN = 'DC=corp,DC=example'
export const DOMAIN_ADMIN = { dn: `CN=Administrator,CN=Users,${DOMAIN}`, password: 'Admin-pass-1' }

export interface Samba {
  /** `ldap://127.…`; the server takes passwords in clear. */
  readonly url: string
  /** Changes entries by LDIF, whether it runs or not. */
  modify(changes: string): Promise<void>
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

/** To make the domain takes 5 s of a processor. */
const PROVISION_WITHIN = 120_000
const START_WITHIN = 60_000

/**
 * A domain controller of Samba for corp.example, in a folder of its own: its LDAP service and no other. Passwords may be
 * anything, and an account is locked at the third wrong one.
 */
export async function startSamba(entries: readonly LdifEntry[]): Promise<Samba> {
  const folder = temporaryFolder('samba')
  // Two domain controllers of two tests need an address each.
  const address = `127.${64 + (process.pid % 128)}.${(process.pid >> 7) % 256}.1`
  const provision = [
    'domain',
    'provision',
    `--targetdir=${folder.path}`,
    '--server-role=dc',
    '--dns-backend=NONE',
  ]
  const domain = [
    '--realm=CORP.EXAMPLE',
    '--domain=CORP',
    `--adminpass=${DOMAIN_ADMIN.password}`,
    `--host-ip=${address}`,
  ]
  let server: RealProcess | undefined
  const stop = async () => {
    await server?.stop({ signal: 'SIGKILL' })
    await folder.remove()
  }
  const modify = async (changes: string) => {
    const options = { input: changes, within: START_WITHIN }
    await outputOf(thisMachine, '/usr/bin/python3', ['-c', MODIFY, folder.file('etc/smb.conf')], options)
  }
  try {
    await outputOf(thisMachine, 'samba-tool', [...provision, ...domain], { within: PROVISION_WITHIN })
    await modify([RULES, ldif(entries, 'changetype: add')].join('\n'))
    const options = {
      'server services': 'ldap',
      interfaces: `${address}/8`,
      'bind interfaces only': 'yes',
      'ldap server require strong auth': 'no',
      'pid directory': folder.path,
      'ncalrpc dir': folder.file('ncalrpc'),
      'log file': folder.file('log'),
      // Nobody needs its certificate.
      'tls enabled': 'no',
    }
    server = thisMachine.start('samba', [
      ...['-F', '-M', 'single', '-s', folder.file('etc/smb.conf'), '--debug-stdout'],
      ...Object.entries(options).map(([name, value]) => `--option=${name}=${value}`),
    ])
    await untilLdapAnswers(`ldap://${address}`, server, START_WITHIN)
    return { url: `ldap://${address}`, modify, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** As the system itself, since the server takes new passwords over TLS only. */
const MODIFY = `
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
lp = LoadParm()
lp.load(sys.argv[1])
SamDB(url=lp.private_path('sam.ldb'), session_info=system_session(), lp=lp).modify_ldif(sys.stdin.read())
`

const RULES = `dn: ${DOMAIN}
changetype: modify
replace: pwdProperties
pwdProperties: 0
-
replace: minPwdLength
minPwdLength: 0
-
replace: minPwdAge
minPwdAge: 0
-
replace: lockoutThreshold
lockoutThreshold: 3
`

const NORMAL_ACCOUNT = 512

/** A user of the domain. */
export function account(name: string, password: string, more: Omit<LdifEntry, 'dn'> = {}): LdifEntry {
  return {
    dn: `CN=${name},CN=Users,${DOMAIN}`,
    objectClass: 'user',
    sAMAccountName: name,
    userAccountControl: NORMAL_ACCOUNT,
    // MS-ADTS §3.1.1.3.1.5.1: in quotes, in UTF-16.
    unicodePwd: Buffer.from(`"${password}"`, 'utf16le'),
    ...more,
  }
}

export function domainGroup(
  name: string,
  members: readonly string[],
  more: Omit<LdifEntry, 'dn'> = {},
): LdifEntry {
  return {
    dn: `CN=${name},CN=Users,${DOMAIN}`,
    objectClass: 'group',
    sAMAccountName: name,
    ...(members.length > 0 && { member: members.map((each) => `CN=${each},CN=Users,${DOMAIN}`) }),
    ...more,
  }
}
