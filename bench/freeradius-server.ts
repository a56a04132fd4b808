import { execFileSync } from 'node:child_process'
import { pbkdf2Sync } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder } from '../test/real/folder.ts'
import { freePort } from '../test/real/free-port.ts'
import { type RealProcess, thisMachine } from '../test/real/process.ts'
import { findProgram, installed } from '../test/real/programs.ts'
import { ADMIN, ADMIN_PASSWORD, PEOPLE, type Slapd } from '../test/real/slapd.ts'
import { type CodeMode, GRANTED, type Server, SHARED_SECRET } from './server.ts'
import { base32, PASSWORD, seedOf, userName } from './users.ts'

export interface FreeradiusOptions {
  readonly users: number
  readonly mode: CodeMode
  /**
   * As they are, or hashed by PBKDF2 with as many rounds as take so many milliseconds. FreeRADIUS has no argon2, and
   * what it leaves to the system's crypt() it does one at a time (3.2.1). Or in a directory, which is searched for
   * the user and then asked by a bind.
   */
  readonly passwords: 'clear text' | { readonly pbkdf2Ms: number } | { readonly ldap: Pick<Slapd, 'port'> }
  /** `detail` appends to a text file and leaves it to the system when that reaches the disk; `sqlite` waits for it. */
  readonly accounting: 'detail' | 'sqlite'
  /** Where each login is kept besides the log: nowhere, or as a row of a table that waits for the disk. */
  readonly logins?: 'sqlite'
}

const START_WITHIN_MS = 60_000
const THREADS = 32
const SALT = Buffer.from('salt of the bench')
const KEY_OCTETS = 32
/** Enough to time beside the start of a program. */
const TRIAL_ROUNDS = 200_000
const TRIALS = 5

export function freeradiusIsInstalled(): boolean {
  return findProgram('freeradius') !== undefined
}

/** As in `3.2.1`. */
export function freeradiusVersion(): string {
  const said = execFileSync(installed('freeradius'), ['-v'], { encoding: 'utf8' })
  return /Version (\d+\.\d+\.\d+)/.exec(said)?.[1] ?? 'of an unknown version'
}

/** A FreeRADIUS that does with its own modules as much of the broker's work as they offer. */
export async function startFreeradius(options: FreeradiusOptions): Promise<Server> {
  const authPort = await freePort()
  const acctPort = await freePort()
  const folder = temporaryFolder('freeradius')
  mkdirSync(folder.file('run'))
  const check = passwordCheck(options.passwords)
  writeFileSync(
    folder.file('users'),
    Array.from({ length: options.users }, (_, user) => entry(user, check)).join(''),
  )
  writeFileSync(folder.file('schema.sql'), SCHEMA)
  writeFileSync(folder.file('radiusd.conf'), configuration(folder.path, { ...options, authPort, acctPort }), {
    mode: 0o640,
  })
  const server = thisMachine.start('freeradius', ['-f', '-d', folder.path])
  const stop = async () => {
    await server.stop()
    await folder.remove()
  }
  try {
    await waitUntilReady(server, folder.file('log'))
  } catch (error) {
    await stop()
    throw error
  }
  const target = {
    name: folder.path,
    authPort,
    acctPort,
    secret: SHARED_SECRET,
    signsFirst: false,
    spendsCodes: false,
    users: options.users,
  }
  return { pids: [server.pid], targets: [target], stop }
}

/** Each login is a line of the log, as with the broker; a log on standard output would come to the bench to read. */
async function waitUntilReady(server: RealProcess, log: string): Promise<void> {
  const deadline = performance.now() + START_WITHIN_MS
  for (;;) {
    const said = readIfThere(log)
    if (said.includes('Ready to process requests')) return
    if (!server.isRunning() || performance.now() > deadline) {
      throw new Error(`freeradius did not start:\n${said}${server.output()}`)
    }
    await sleep(50)
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** How a user's entry names the password; empty if another server checks it. */
function passwordCheck(passwords: FreeradiusOptions['passwords']): string {
  if (passwords === 'clear text') return `Cleartext-Password := '${PASSWORD}', `
  if ('ldap' in passwords) return ''
  const rounds = roundsThatTake(passwords.pbkdf2Ms)
  const derived = pbkdf2Sync(PASSWORD, SALT, rounds, KEY_OCTETS, 'sha256')
  const text = `$PBKDF2$HMACSHA2+256:${rounds}:${SALT.toString('base64')}$${derived.toString('base64')}`
  // An attribute of octets: hex is the one spelling that needs no care.
  return `PBKDF2-Password := 0x${Buffer.from(text).toString('hex')}, `
}

/** Timed with the library that FreeRADIUS uses: Node brings a faster one of its own. The least is the undisturbed one. */
function roundsThatTake(milliseconds: number): number {
  const loading = Math.min(...Array.from({ length: TRIALS }, () => derivationTime(1)))
  const working = Math.min(...Array.from({ length: TRIALS }, () => derivationTime(TRIAL_ROUNDS)))
  return Math.round((milliseconds / (working - loading)) * TRIAL_ROUNDS)
}

function derivationTime(rounds: number): number {
  const settings = ['digest:SHA256', `pass:${PASSWORD}`, 'salt:bench', `iter:${rounds}`]
  const options = settings.flatMap((setting) => ['-kdfopt', setting])
  const startedAt = performance.now()
  execFileSync(installed('openssl'), ['kdf', '-keylen', String(KEY_OCTETS), ...options, 'PBKDF2'])
  return performance.now() - startedAt
}

function entry(user: number, check: string): string {
  return `${userName(user)} ${check}TOTP-Secret := '${base32(seedOf(user))}'\n`
}

/** What an accounting Start and a login fill of FreeRADIUS' own tables, in a file that commits as durably as the broker's. */
const SCHEMA = `
PRAGMA journal_mode = WAL;
CREATE TABLE radacct (
  radacctid INTEGER PRIMARY KEY AUTOINCREMENT,
  acctsessionid TEXT, acctuniqueid TEXT UNIQUE, username TEXT, nasipaddress TEXT, nasidentifier TEXT,
  acctstarttime INTEGER, callingstationid TEXT
);
CREATE INDEX radacct_by_user ON radacct (username);
CREATE TABLE radpostauth (
  id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT, authdate INTEGER, callingstationid TEXT, nasidentifier TEXT
);
CREATE INDEX radpostauth_by_user ON radpostauth (username);
`

const INSERT_START = `
  INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress, nasidentifier, acctstarttime, callingstationid)
  VALUES ('%{Acct-Session-Id}', '%{Acct-Session-Id}', '%{User-Name}', '%{NAS-IP-Address}', '%{NAS-Identifier}', %l, '%{Calling-Station-Id}')
`

const INSERT_LOGIN = `
  INSERT INTO radpostauth (username, authdate, callingstationid, nasidentifier)
  VALUES ('%{User-Name}', %l, '%{Calling-Station-Id}', '%{NAS-Identifier}')
`

type Settings = FreeradiusOptions & { readonly authPort: number; readonly acctPort: number }

function configuration(folder: string, settings: Settings): string {
  const { authPort, acctPort, mode, accounting, passwords, logins } = settings
  const directory = typeof passwords === 'object' && 'ldap' in passwords ? passwords.ldap : undefined
  const checked = directory === undefined ? 'pap' : 'ldap'
  return `
prefix = ${folder}
localstatedir = ${folder}
raddbdir = ${folder}
logdir = ${folder}
radacctdir = ${folder}
run_dir = ${folder}/run
pidfile = ${folder}/run/pid
max_request_time = 5
cleanup_delay = 5
max_requests = 131072
hostname_lookups = no
security {
  max_attributes = 200
  reject_delay = 0
  status_server = yes
}
log {
  destination = files
  file = ${folder}/log
  auth = yes
}
thread pool {
  start_servers = ${THREADS / 4}
  max_servers = ${THREADS}
  min_spare_servers = 4
  max_spare_servers = 16
  max_queue_size = 131072
}
client bench {
  ipaddr = 127.0.0.1
  secret = '${SHARED_SECRET}'
  require_message_authenticator = no
}
modules {
  pap { }
  totp { }
${directory === undefined ? '' : ldapModule(directory)}
  expr { }
  always ok {
    rcode = ok
  }
  always handled {
    rcode = handled
  }
  files {
    filename = ${folder}/users
  }
  detail {
    filename = ${folder}/detail
  }
  sql {
    dialect = "sqlite"
    driver = "rlm_sql_sqlite"
    sqlite {
      filename = "${folder}/acct.db"
      busy_timeout = 5000
      bootstrap = "${folder}/schema.sql"
    }
    pool {
      start = 4
      min = 4
      max = 32
      spare = 4
      uses = 0
      lifetime = 0
      idle_timeout = 0
    }
    accounting {
      reference = "%{tolower:type.%{Acct-Status-Type}.query}"
      type {
        start {
          query = "${INSERT_START.trim().replace(/\s+/g, ' ')}"
        }
      }
    }
    post-auth {
      reference = ".query"
      query = "${INSERT_LOGIN.trim().replace(/\s+/g, ' ')}"
    }
  }
}
server default {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = ${authPort}
  }
  listen {
    type = acct
    ipaddr = 127.0.0.1
    port = ${acctPort}
  }
  authorize {
    ${mode === 'none' ? '' : 'files'}
    ${AUTHORIZE[mode]}
    ${directory === undefined ? '' : 'ldap'}
  }
  authenticate {
    Auth-Type password-before-code {
      ${checked} {
        ok = 1
      }
      if (ok) {
        update {
          reply:State := "%{randstr:aaaaaaaaaaaaaaaaaaaaaaaa}"
          reply:Reply-Message := "Enter the code from your authenticator app."
          control:Response-Packet-Type := Access-Challenge
        }
        handled
      }
    }
    Auth-Type password-and-code {
      ${checked} {
        ok = 1
      }
      if (ok) {
        totp
      }
    }
    Auth-Type code {
      totp
    }
    Auth-Type password {
      ${checked}
    }
  }
  post-auth {
    update reply {
${GRANTED.routes.map((route) => `      Framed-Route += "${route}"`).join('\n')}
      MS-Primary-DNS-Server := ${GRANTED.dns[0]}
      MS-Secondary-DNS-Server := ${GRANTED.dns[1]}
      Class := "OU=${GRANTED.group}"
      Session-Timeout := ${GRANTED.sessionTimeout}
      Acct-Interim-Interval := ${GRANTED.interim}
    }
    ${logins === 'sqlite' ? 'sql' : ''}
  }
  accounting {
    ${accounting === 'sqlite' ? 'sql' : 'detail'}
  }
}
`
}

/** A connection for each thread: with fewer they would wait for one another. */
function ldapModule({ port }: Pick<Slapd, 'port'>): string {
  return `
  ldap {
    server = 'ldap://127.0.0.1:${port}'
    identity = '${ADMIN}'
    password = '${ADMIN_PASSWORD}'
    base_dn = '${PEOPLE}'
    user_dn = "LDAP-UserDn"
    user {
      base_dn = "\${..base_dn}"
      filter = "(uid=%{User-Name})"
    }
    options {
      chase_referrals = no
      res_timeout = 5
      net_timeout = 1
    }
    pool {
      start = ${THREADS}
      min = ${THREADS}
      max = ${THREADS}
      spare = ${THREADS}
      uses = 0
      lifetime = 0
      idle_timeout = 0
    }
  }`
}

const CODE_ALONE = `
    update {
      request:TOTP-Password := "%{User-Password}"
      control:Auth-Type := code
    }`

const AUTHORIZE: Readonly<Record<CodeMode, string>> = {
  none: `
    update control {
      Auth-Type := password
    }`,
  only: CODE_ALONE,
  challenge: `
    if (&request:State) {
      ${CODE_ALONE}
    }
    else {
      update control {
        Auth-Type := password-before-code
      }
    }`,
  append: `
    if (&User-Password =~ /^(.*)([0-9]{6})$/) {
      update {
        request:TOTP-Password := "%{2}"
        request:User-Password := "%{1}"
        control:Auth-Type := password-and-code
      }
    }`,
}
