import { createHash, randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { temporaryFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { untilLdapAnswers } from './ldap-answers.ts'
import { type LdifEntry, ldif } from './ldif.ts'
import { thisMachine } from './process.ts'

/** What `startNsSlapd` needs, for `describeWith`. */
export const NS_SLAPD_NEEDS: readonly string[] = [
  'root',
  'ns-slapd',
  'ldapmodify',
  '/usr/share/dirsrv/data/template-dse.ldif',
]

const SUFFIX = 'dc=example,dc=org'
export const DS_PEOPLE = `ou=people,${SUFFIX}`
export const DS_ADMIN = { dn: 'cn=Directory Manager', password: 'of the directory' }

export interface NsSlapd {
  readonly url: string
  /** Changes entries and the configuration by ldapmodify. */
  modify(changes: string): Promise<void>
  stop(): Promise<void>
}

const START_WITHIN = 60_000
const TEMPLATE = '/usr/share/dirsrv/data/template-dse.ldif'

/** A 389 Directory Server with a configuration and a database in a folder of its own. */
export async function startNsSlapd(entries: readonly LdifEntry[]): Promise<NsSlapd> {
  // In a path with `slapd-` it looks for the name of an instance.
  const folder = temporaryFolder('389ds')
  const port = await freePort()
  const places = ['inst', 'db', 'bak', 'ldif', 'lock', 'log', 'run', 'tmp', 'etc', 'dbhome']
  for (const place of places) mkdirSync(folder.file(place))
  cpSync('/etc/dirsrv/schema', folder.file('etc/schema'), { recursive: true })
  cpSync('/etc/dirsrv/config', folder.file('etc'), { recursive: true })
  const values: Readonly<Record<string, string | number>> = {
    schema_dir: folder.file('etc/schema'),
    lock_dir: folder.file('lock'),
    tmp_dir: folder.file('tmp'),
    cert_dir: folder.file('etc'),
    ldif_dir: folder.file('ldif'),
    bak_dir: folder.file('bak'),
    run_dir: folder.file('run'),
    inst_dir: folder.file('inst'),
    log_dir: folder.file('log'),
    db_dir: folder.file('db'),
    db_home_dir: folder.file('dbhome'),
    db_lib: 'bdb',
    fqdn: 'localhost',
    ds_port: port,
    ds_user: 'root',
    rootdn: DS_ADMIN.dn,
    ds_suffix: SUFFIX,
    ds_passwd: salted(DS_ADMIN.password),
    ldapi_enabled: 'off',
    ldapi: folder.file('run/ldapi'),
    ldapi_autobind: 'off',
    config_dir: folder.file('etc'),
  }
  const dse = readFileSync(TEMPLATE, 'utf8').replaceAll(
    /%(\w+)%/g,
    (_, name: string) => `${values[name] ?? ''}`,
  )
  writeFileSync(folder.file('etc/dse.ldif'), dse)
  const url = `ldap://localhost:${port}`
  const server = thisMachine.start('ns-slapd', [
    ...['-D', folder.file('etc'), '-i', folder.file('run/pid'), '-d', '16384'],
  ])
  const stop = async () => {
    await server.stop({ signal: 'SIGKILL' })
    await folder.remove()
  }
  const modify = async (changes: string) => {
    const { code, output } = await thisMachine.run(
      'ldapmodify',
      ['-x', '-H', url, '-D', DS_ADMIN.dn, '-w', DS_ADMIN.password],
      { input: changes },
    )
    if (code !== 0) throw new Error(`ldapmodify failed (${code}):\n${output}`)
  }
  try {
    const logOf = () => readFileSync(folder.file('log/errors'), 'utf8')
    await untilLdapAnswers(url, server, START_WITHIN, logOf)
    await modify(
      [ldif(BACKEND, 'changetype: add'), ldif([...SKELETON, ...entries], 'changetype: add')].join('\n'),
    )
    return { url, modify, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The configuration holds no password in clear. */
function salted(password: string): string {
  const salt = randomBytes(8)
  const digest = createHash('sha512').update(password).update(salt).digest()
  return `{SSHA512}${Buffer.concat([digest, salt]).toString('base64')}`
}

const BACKEND: readonly LdifEntry[] = [
  {
    dn: 'cn=userroot,cn=ldbm database,cn=plugins,cn=config',
    objectClass: ['extensibleObject', 'nsBackendInstance'],
    cn: 'userroot',
    'nsslapd-suffix': SUFFIX,
  },
  {
    dn: `cn="${SUFFIX}",cn=mapping tree,cn=config`,
    objectClass: ['extensibleObject', 'nsMappingTree'],
    cn: SUFFIX,
    'nsslapd-state': 'backend',
    'nsslapd-backend': 'userroot',
  },
]

const SKELETON: readonly LdifEntry[] = [
  { dn: SUFFIX, objectClass: 'domain', dc: 'example' },
  { dn: DS_PEOPLE, objectClass: 'organizationalUnit', ou: 'people' },
]

export function dsPerson(name: string, password: string, more: Omit<LdifEntry, 'dn'> = {}): LdifEntry {
  return {
    dn: dsDn(name),
    objectClass: 'inetOrgPerson',
    ...{ uid: name, cn: name, sn: name, userPassword: password },
    ...more,
  }
}

export function dsDn(name: string): string {
  return `uid=${name},${DS_PEOPLE}`
}
