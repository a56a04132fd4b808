import { hash, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import type { IssuedCertificate } from './certificates.ts'
import { type TemporaryFolder, temporaryFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { outputOf, type Place, type RealProcess, thisMachine } from './process.ts'

interface OcservOptions {
  readonly place: Place
  /** Where RADIUS is asked; 127.0.0.1 where it is not given. */
  readonly radius?: string
  readonly authPort: number
  readonly acctPort: number
  /** Without white space, at which radcli would cut it off. */
  readonly secret: string
  /** Where RADIUS over TLS is asked in place of the two ports. */
  readonly tls?: { readonly port: number; readonly authority: string; readonly own: IssuedCertificate }
  /** Groups that a client may choose with `--authgroup`; a Class must name the chosen one. */
  readonly groups?: readonly string[]
  /** Seconds that a cookie outlives its connection; 300 where it is not given. */
  readonly cookieTimeout?: number
  /** Seconds between interim accounting packets; none where it is not given. */
  readonly statsReportTime?: number
  /** Seconds that radcli waits for each try; 5 where it is not given. */
  readonly radiusTimeout?: number
  /** Tries after the first; 1 where it is not given. */
  readonly radiusRetries?: number
  /** Appended to user names that have no `@`. */
  readonly defaultRealm?: string
  /** NAS-Identifier of its requests; none where it is not given. */
  readonly nasIdentifier?: string
  /** More lines for ocserv.conf, such as `ipv6-network = fd00:8::/48`. */
  readonly extra?: readonly string[]
}

/** A connected user as `occtl show users` describes one; the keys are occtl's own, such as `Username`. */
type OcctlUser = Readonly<Record<string, unknown>>

export interface Ocserv {
  readonly port: number
  /** What `openconnect --servercert` takes to know this gateway. */
  readonly pin: string
  readonly process: RealProcess
  /** The full path of one of its files: ocserv.conf, radiusclient.conf, servers, dictionary, certificate.pem, key.pem, occtl.socket. */
  file(name: string): string
  /** Ends it by SIGKILL and starts it again, as systemd would. */
  killAndStart(): Promise<void>
  /** Runs an occtl command and returns what it printed as JSON. */
  occtl(...command: string[]): Promise<unknown>
  users(): Promise<readonly OcctlUser[]>
  /** Ends the gateway and removes its folder. */
  stop(): Promise<void>
}

/** The network that ocserv itself gives addresses from where RADIUS names none. */
const OWN_NETWORK = '10.200.0.0'

/** A real ocserv that asks RADIUS, on a free port, ready for logins. */
export async function startOcserv(options: OcservOptions): Promise<Ocserv> {
  const port = await freePort()
  const folder = temporaryFolder('ocserv')
  let server: RealProcess | undefined
  const stop = async () => {
    await server?.stop()
    await folder.remove()
  }
  try {
    await makeCertificate(folder)
    writeRadcliFiles(folder, options)
    writeFileSync(folder.file('ocserv.conf'), configuration(folder, port, options))
    const start = async () => {
      const started = options.place.start('ocserv', ['-f', '-c', folder.file('ocserv.conf')])
      server = started
      await started.waitForOutput(/initialized ocserv/)
      return started
    }
    const first = await start()
    const occtl = async (...command: string[]): Promise<unknown> => {
      const printed = await outputOf(thisMachine, 'occtl', [
        '-j',
        '-s',
        folder.file('occtl.socket'),
        ...command,
      ])
      // A list of cookies has a comma too many.
      return JSON.parse(printed.replaceAll(/,(\s*\})/g, '$1'))
    }
    return {
      port,
      pin: pinOf(folder),
      file: folder.file,
      process: first,
      killAndStart: async () => {
        await server?.stop({ signal: 'SIGKILL' })
        await start()
      },
      occtl,
      users: async () => (await occtl('show', 'users')) as OcctlUser[],
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

export async function makeCertificate(folder: Pick<TemporaryFolder, 'file'>): Promise<void> {
  writeFileSync(
    folder.file('certificate.template'),
    'cn = gateway\nip_address = 192.0.2.1\nexpiration_days = 60\ntls_www_server\nsigning_key\n',
  )
  const key = folder.file('key.pem')
  await outputOf(thisMachine, 'certtool', ['--generate-privkey', '--key-type=ecdsa', '--outfile', key])
  await outputOf(thisMachine, 'certtool', [
    '--generate-self-signed',
    '--load-privkey',
    key,
    '--template',
    folder.file('certificate.template'),
    '--outfile',
    folder.file('certificate.pem'),
  ])
}

/** The SHA-256 of the public key, in the notation of RFC 7469. */
export function pinOf(folder: Pick<TemporaryFolder, 'file'>): string {
  const { publicKey } = new X509Certificate(readFileSync(folder.file('certificate.pem')))
  const octets = publicKey.export({ type: 'spki', format: 'der' })
  return `pin-sha256:${hash('sha256', octets, 'base64')}`
}

function writeRadcliFiles(folder: TemporaryFolder, options: OcservOptions): void {
  const {
    radius = '127.0.0.1',
    authPort,
    acctPort,
    secret,
    radiusTimeout = 5,
    radiusRetries = 1,
    defaultRealm = '',
    nasIdentifier,
    tls,
  } = options
  writeFileSync(folder.file('servers'), `${radius} ${secret}\n`, { mode: 0o600 })
  // Debian's own dictionary leaves these two vendors out, and then their attributes are ignored.
  writeFileSync(
    folder.file('dictionary'),
    `${readFileSync('/etc/radcli/dictionary', 'utf8')}
$INCLUDE /etc/radcli/dictionary.microsoft
$INCLUDE /etc/radcli/dictionary.roaringpenguin
`,
  )
  writeFileSync(
    folder.file('radiusclient.conf'),
    `authserver ${radius}:${tls?.port ?? authPort}
acctserver ${radius}:${tls?.port ?? acctPort}
servers ${folder.file('servers')}
dictionary ${folder.file('dictionary')}
default_realm ${defaultRealm}
radius_timeout ${radiusTimeout}
radius_retries ${radiusRetries}
bindaddr *
${nasIdentifier === undefined ? '' : `nas-identifier ${nasIdentifier}\n`}${tls === undefined ? '' : tlsLines(tls)}`,
  )
}

function tlsLines({ authority, own }: NonNullable<OcservOptions['tls']>): string {
  return `serv-type tls
tls-ca-file ${authority}
tls-cert-file ${own.certificate}
tls-key-file ${own.key}
`
}

function configuration(folder: TemporaryFolder, port: number, options: OcservOptions): string {
  const radcli = folder.file('radiusclient.conf')
  const { groups = [], cookieTimeout = 300, statsReportTime, extra = [] } = options
  return [
    `auth = "radius[config=${radcli},groupconfig=true]"`,
    `acct = "radius[config=${radcli}]"`,
    `tcp-port = ${port}`,
    `udp-port = ${port}`,
    'run-as-user = nobody',
    'run-as-group = daemon',
    `socket-file = ${folder.file('ocserv.socket')}`,
    `server-cert = ${folder.file('certificate.pem')}`,
    `server-key = ${folder.file('key.pem')}`,
    'isolate-workers = false',
    'max-clients = 64',
    'max-same-clients = 0',
    'device = vpns',
    `ipv4-network = ${OWN_NETWORK}`,
    'ipv4-netmask = 255.255.255.0',
    'use-occtl = true',
    `occtl-socket-file = ${folder.file('occtl.socket')}`,
    `pid-file = ${folder.file('ocserv.pid')}`,
    'auth-timeout = 240',
    `cookie-timeout = ${cookieTimeout}`,
    'log-level = 3',
    ...(statsReportTime === undefined ? [] : [`stats-report-time = ${statsReportTime}`]),
    ...groups.map((group) => `select-group = ${group}`),
    ...extra,
    '',
  ].join('\n')
}
