import { mkdirSync, writeFileSync } from 'node:fs'
import { type Certificates, makeCertificates } from './certificates.ts'
import { type TemporaryFolder, temporaryFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { type LdifEntry, ldif } from './ldif.ts'
import { outputOf, type Place, type RealProcess, thisMachine, waitForSocket } from './process.ts'
import { ACTIVE_DIRECTORY_SCHEMA, VPN_SCHEMA } from './slapd-schema.ts'

/** What `startSlapd` needs, for `describeWith`. */
export const SLAPD_NEEDS: readonly string[] = ['slapd', 'slapadd', 'ldapmodify', 'openssl']

const SUFFIX = 'dc=example,dc=org'
export const PEOPLE = `ou=people,${SUFFIX}`
export const GROUPS = `ou=groups,${SUFFIX}`
/** May read and write everything. */
export const ADMIN = `cn=admin,${SUFFIX}`
export const ADMIN_PASSWORD = 'the directory’s own'

export interface SlapdOptions {
  /** Where it runs; this machine where it is not given. Its ports are those of that place. */
  readonly place?: Place
  /** Entries below the suffix; the suffix, `PEOPLE` and `GROUPS` are there already. */
  readonly entries?: readonly LdifEntry[]
  /** With TLS: a certificate for `localhost`, `ldaps://` and StartTLS. */
  readonly tls?: boolean
  /** Takes nobody without a certificate of the same authority. */
  readonly demandsCertificate?: boolean
  /** Refuses what is not under TLS. */
  readonly demandsTls?: boolean
  /** Active Directory's attributes in place of those of a directory of VPN users. */
  readonly activeDirectory?: boolean
  /** Wrong passwords at which it locks an account, by its overlay ppolicy, until an administrator unlocks it. */
  readonly locksAt?: number
  /** More lines for the configuration's global part and its database. */
  readonly config?: { readonly global?: readonly string[]; readonly database?: readonly string[] }
}

export interface Slapd {
  readonly port: number
  /** `ldap://localhost:…` */
  readonly url: string
  /** `ldaps://localhost:…`; nothing listens there without TLS. */
  readonly tlsUrl: string
  readonly folder: TemporaryFolder
  /** Empty paths without TLS. */
  readonly certificates: Certificates
  /** Changes entries by ldapmodify, as the administrator. */
  modify(ldif: string): Promise<void>
  /** What the overlay ppolicy has counted for a person. */
  passwordState(name: string): Promise<{ readonly wrong: number; readonly isLocked: boolean }>
  signal(signal: NodeJS.Signals): void
  /** Ends it without warning. */
  kill(): Promise<void>
  /** Starts it again, on the same ports and with the same entries. */
  start(): Promise<void>
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

const NO_CERTIFICATES: Certificates = { authority: '', authorityPem: '', certificate: '', key: '' }

/** An OpenLDAP server with a configuration, a database and certificates of its own, on free ports of localhost. */
export async function startSlapd(options: SlapdOptions = {}): Promise<Slapd> {
  const { place = thisMachine } = options
  const port = await freePort()
  const tlsPort = await freePort()
  const folder = temporaryFolder('slapd')
  mkdirSync(folder.file('db'))
  const certificates = options.tls === true ? await makeCertificates(folder) : NO_CERTIFICATES
  writeFileSync(folder.file('own.schema'), options.activeDirectory ? ACTIVE_DIRECTORY_SCHEMA : VPN_SCHEMA)
  writeFileSync(folder.file('slapd.conf'), configuration(folder, certificates, options))
  const { locksAt } = options
  const policy = locksAt === undefined ? [] : [passwordPolicy(locksAt)]
  const entries = [...SKELETON, ...policy, ...(options.entries ?? [])]
  const isGroup = ({ objectClass }: LdifEntry) =>
    [objectClass].flat().some((name) => /^groupOf/.test(`${name}`))
  writeFileSync(folder.file('entries.ldif'), ldif(entries.filter((entry) => !isGroup(entry))))

  let server: RealProcess | undefined
  const url = `ldap://localhost:${port}`
  const socket = `ldapi://${encodeURIComponent(folder.file('socket'))}`
  const urls = [
    `ldap://127.0.0.1:${port}`,
    socket,
    ...(options.tls === true ? [`ldaps://127.0.0.1:${tlsPort}`] : []),
  ]
  const slapd: Slapd = {
    port,
    url,
    tlsUrl: `ldaps://localhost:${tlsPort}`,
    folder,
    certificates,
    modify: (changes) => modify(socket, changes),
    async passwordState(name) {
      const wanted = ['pwdFailureTime', 'pwdAccountLockedTime']
      const found = await outputOf(thisMachine, 'ldapsearch', [
        ...['-x', '-LLL', '-H', socket, '-D', ADMIN, '-w', ADMIN_PASSWORD],
        ...['-b', personDn(name), '-s', 'base', ...wanted],
      ])
      const count = (attribute: string) =>
        found.split('\n').filter((line) => line.startsWith(attribute)).length
      return { wrong: count('pwdFailureTime:'), isLocked: count('pwdAccountLockedTime:') > 0 }
    },
    signal: (signal) => server?.signal(signal),
    kill: async () => server?.stop({ signal: 'SIGKILL' }),
    async start() {
      server = place.start('slapd', ['-d', '0', '-f', folder.file('slapd.conf'), '-h', urls.join(' ')])
      await waitForSocket(folder.file('socket'))
    },
    async stop() {
      await server?.stop({ signal: 'SIGKILL' })
      await folder.remove()
    },
  }
  try {
    await outputOf(thisMachine, 'slapadd', [
      '-q',
      '-f',
      folder.file('slapd.conf'),
      '-l',
      folder.file('entries.ldif'),
    ])
    await slapd.start()
    // Only what is added to a running server gets its memberOf.
    const groups = entries.filter(isGroup)
    if (groups.length > 0) await slapd.modify(ldif(groups, 'changetype: add'))
    return slapd
  } catch (error) {
    await slapd.stop()
    throw error
  }
}

const SKELETON: readonly LdifEntry[] = [
  { dn: SUFFIX, objectClass: ['dcObject', 'organization'], o: 'Example', dc: 'example' },
  { dn: PEOPLE, objectClass: 'organizationalUnit', ou: 'people' },
  { dn: GROUPS, objectClass: 'organizationalUnit', ou: 'groups' },
]

const POLICY = `cn=policy,${SUFFIX}`

function passwordPolicy(locksAt: number): LdifEntry {
  return {
    dn: POLICY,
    objectClass: ['organizationalRole', 'pwdPolicy'],
    cn: 'policy',
    pwdAttribute: 'userPassword',
    pwdLockout: 'TRUE',
    pwdMaxFailure: locksAt,
    pwdFailureCountInterval: 1800,
    pwdLockoutDuration: 0,
  }
}

/** Entries of the kind that most directories have, with the passwords in clear. */
export function person(name: string, password: string, more: Omit<LdifEntry, 'dn'> = {}): LdifEntry {
  const classes = ['inetOrgPerson', ...(more.objectClass === undefined ? [] : [more.objectClass].flat())]
  return {
    dn: `uid=${name},${PEOPLE}`,
    uid: name,
    sn: name,
    cn: name,
    userPassword: password,
    ...more,
    objectClass: classes,
  }
}

export function personDn(name: string): string {
  return `uid=${name},${PEOPLE}`
}

/** Of the class groupOfNames. */
export function group(name: string, members: readonly string[]): LdifEntry {
  return {
    dn: `cn=${name.replaceAll(',', '\\,')},${GROUPS}`,
    objectClass: 'groupOfNames',
    cn: name,
    member: members,
  }
}

function configuration(
  folder: TemporaryFolder,
  { authority, certificate, key }: Certificates,
  { demandsCertificate, demandsTls, activeDirectory, locksAt, config = {} }: SlapdOptions,
): string {
  const schemas = ['core', 'cosine', 'nis', 'inetorgperson'].map(
    (name) => `include /etc/ldap/schema/${name}.schema`,
  )
  const tls = [
    `TLSCACertificateFile ${authority}`,
    `TLSCertificateFile ${certificate}`,
    `TLSCertificateKeyFile ${key}`,
    `TLSVerifyClient ${demandsCertificate === true ? 'demand' : 'never'}`,
  ]
  return [
    ...schemas,
    `include ${folder.file('own.schema')}`,
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    'moduleload memberof',
    ...(locksAt === undefined ? [] : ['moduleload ppolicy']),
    ...(authority === '' ? [] : tls),
    ...(demandsTls === true ? ['security ssf=1'] : []),
    'sizelimit 2000',
    'threads 16',
    ...(config.global ?? []),
    'database mdb',
    `suffix "${SUFFIX}"`,
    `rootdn "${ADMIN}"`,
    `rootpw "${ADMIN_PASSWORD}"`,
    `directory ${folder.file('db')}`,
    'maxsize 1073741824',
    'dbnosync',
    'index objectClass,uid,member,memberUid,gidNumber eq',
    ...(activeDirectory === true ? ['index sAMAccountName,userPrincipalName eq'] : []),
    'overlay memberof',
    'memberof-group-oc groupOfNames',
    'memberof-member-ad member',
    ...(locksAt === undefined ? [] : ['overlay ppolicy', `ppolicy_default "${POLICY}"`]),
    ...(config.database ?? []),
    '',
  ].join('\n')
}

/** By a socket of the file system, which the server takes for secret. */
async function modify(socket: string, changes: string): Promise<void> {
  const { code, stdout, stderr } = await thisMachine.run(
    'ldapmodify',
    ['-x', '-H', socket, '-D', ADMIN, '-w', ADMIN_PASSWORD],
    { input: changes },
  )
  if (code !== 0) throw new Error(`ldapmodify failed (${code}):\n${stdout}${stderr}`)
}
