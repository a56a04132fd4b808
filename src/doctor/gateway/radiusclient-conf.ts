/** A RADIUS server as radcli understands a word of `authserver` or `acctserver`. */
export interface RadcliServer {
  readonly host: string
  /** Absent: the port of /etc/services. */
  readonly port?: number
  /** Comes before the servers file. */
  readonly secret?: string
  readonly line: number
}

/** What radcli does not take as it is written. */
interface SyntaxFault {
  /** 0: the file as a whole. */
  readonly line: number
  readonly problem: string
  readonly remedy: string
  /** radcli does not read the file, and ocserv does not start. */
  readonly stops: boolean
}

export interface RadiusclientConf {
  readonly faults: readonly SyntaxFault[]
  readonly authServers: readonly RadcliServer[]
  readonly acctServers: readonly RadcliServer[]
  /** The last value of each key. */
  readonly values: ReadonlyMap<string, string>
}

/** Keys of radcli 1.2 to 1.5. */
const KEYS = new Set(
  (
    'config_file serv-type serv-auth-type namespace use-public-addr tls-verify-hostname tls-ca-file tls-cert-file ' +
    'tls-key-file nas-identifier nas-ip authserver acctserver servers dictionary default_realm radius_timeout ' +
    'radius_retries radius_deadtime bindaddr clientdebug login_radius seqfile mapfile auth_order login_tries ' +
    'login_timeout nologin issue login_local require-message-authenticator'
  ).split(' '),
)

/** Reads the file as radcli 1.2.11 does (`rc_read_config` and `rc_test_config`). */
export function readRadiusclientConf(text: string): RadiusclientConf {
  const faults: SyntaxFault[] = []
  const values = new Map<string, string>()
  const servers = { authserver: [] as RadcliServer[], acctserver: [] as RadcliServer[] }
  const lines = text.split('\n')
  const isCut = lines.at(-1) !== ''
  if (!isCut) lines.pop()
  else if (lines.at(-1)?.startsWith('#') === false)
    faults.push({
      line: lines.length,
      problem: 'has no newline at its end, so its last character is cut off',
      remedy: 'end the file with a newline',
      stops: false,
    })
  for (const [index, whole] of lines.entries()) {
    const line = index + 1
    const read = isCut && line === lines.length ? whole.slice(0, -1) : whole
    if (read === '' || read === '\r' || read.startsWith('#')) continue
    const [, key = '', rest = ''] = /^([^ \t]*)(.*)$/s.exec(read) ?? []
    const value = rest.trim()
    if (key === '') {
      const remedy = value === '' ? 'remove the blanks' : `write at the beginning of the line: ${value}`
      faults.push({ line, problem: 'begins with a blank', remedy, stops: true })
    } else if (!KEYS.has(key))
      faults.push({
        line,
        problem: `${JSON.stringify(key)} is not a key of radcli`,
        remedy: remedyFor(key),
        stops: true,
      })
    else if (key === 'authserver' || key === 'acctserver') servers[key].push(...serversOf(value, line))
    else values.set(key, value)
  }
  faults.push(...missingIn(values, servers.authserver))
  return { faults, authServers: servers.authserver, acctServers: servers.acctserver, values }
}

function remedyFor(key: string): string {
  if (key.endsWith('\r')) return 'end lines with a newline alone: remove the carriage returns'
  const plain = (text: string) => text.replaceAll(/[-_]/g, '').toLowerCase()
  const close = [...KEYS].find((known) => plain(known) === plain(key))
  return close === undefined ? `remove it, or put # before ${key}` : `write ${close}`
}

/** Words at blanks and commas, each a server: `host`, `host:port`, `host:port:secret`, `[IPv6]:port`. */
function serversOf(value: string, line: number): RadcliServer[] {
  const words = value.split(/[ \t,]+/).filter((word) => word !== '')
  return words.map((word) => {
    const [, bracketed, plain, rest = ''] = /^(?:\[([^\]]*)\]|([^:]*))(.*)$/.exec(word) ?? []
    const [, port = '', ...secret] = rest.split(':')
    return {
      host: bracketed ?? plain ?? '',
      ...(/^\d+$/.test(port) && { port: Number(port) }),
      ...(secret.length > 0 && { secret: secret.join(':') }),
      line,
    }
  })
}

function missingIn(values: ReadonlyMap<string, string>, authServers: readonly RadcliServer[]): SyntaxFault[] {
  const faults: SyntaxFault[] = []
  const miss = (problem: string, remedy: string) => faults.push({ line: 0, problem, remedy, stops: true })
  if (authServers.length === 0) miss('there is no authserver', 'authserver BROKER:1812')
  if ((values.get('dictionary') ?? '') === '')
    miss('there is no dictionary', 'dictionary /etc/radcli/dictionary')
  for (const [key, usual] of [
    ['radius_timeout', 6],
    ['radius_retries', 2],
  ] as const) {
    if (!(Number.parseInt(values.get(key) ?? '', 10) > 0))
      miss(`${key} is missing or is not a number above 0`, `${key} ${usual}`)
  }
  return faults
}
