import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Certificates, makeCertificates } from './certificates.ts'
import { temporaryFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { type RealProcess, thisMachine } from './process.ts'

/** The driver for TLS, of the package rsyslog-gnutls. */
export const RSYSLOG_TLS = '/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so'

/** What `startRsyslog` needs, for `describeWith`. */
export const RSYSLOG_NEEDS: readonly string[] = ['rsyslogd', RSYSLOG_TLS, 'openssl']

/** A message as rsyslog has understood it, each part by itself. */
interface SyslogMessage {
  readonly transport: string
  readonly version: string
  readonly priority: string
  readonly hostname: string
  readonly app: string
  readonly kind: string
  /** Parsed from the message, which is JSON. */
  readonly event: Readonly<Record<string, unknown>>
}

export interface Rsyslog {
  readonly ports: { readonly udp: number; readonly tcp: number; readonly tls: number }
  readonly certificates: Certificates
  /** What came over one transport so far, in that order. */
  messages(transport: 'udp' | 'tcp' | 'tls'): readonly SyslogMessage[]
  start(): Promise<void>
  /** By SIGTERM, or by another signal. */
  end(signal?: NodeJS.Signals): Promise<void>
  stop(): Promise<void>
}

/** An rsyslogd that takes syslog over UDP, TCP and TLS, where it demands a certificate of the sender's too. */
export async function startRsyslog(): Promise<Rsyslog> {
  const folder = temporaryFolder('rsyslog')
  const certificates = await makeCertificates(folder)
  const ports = { udp: await freePort(), tcp: await freePort(), tls: await freePort() }
  const configFile = folder.file('rsyslog.conf')
  const fileOf = (transport: string) => folder.file(`${transport}.log`)
  const write = (transport: string) =>
    `ruleset(name="${transport}") { action(type="omfile" file="${fileOf(transport)}" template="parts") }`
  writeFileSync(
    configFile,
    `
global(workDirectory="${folder.path}" maxMessageSize="64k"
  defaultNetstreamDriverCAFile="${certificates.authority}"
  defaultNetstreamDriverCertFile="${certificates.certificate}"
  defaultNetstreamDriverKeyFile="${certificates.key}")
template(name="parts" type="string"
  string="%protocol-version%|%pri%|%hostname%|%app-name%|%msgid%|%msg%\\n")
${['udp', 'tcp', 'tls'].map(write).join('\n')}
module(load="imudp")
module(load="imptcp")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
input(type="imudp" address="127.0.0.1" port="${ports.udp}" ruleset="udp")
input(type="imptcp" address="127.0.0.1" port="${ports.tcp}" ruleset="tcp")
input(type="imtcp" address="127.0.0.1" port="${ports.tls}" ruleset="tls")
`,
  )
  let daemon: RealProcess | undefined
  const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
    await daemon?.stop({ signal })
    daemon = undefined
  }
  const start = async () => {
    daemon = thisMachine.start('rsyslogd', ['-n', '-f', configFile, '-i', folder.file('rsyslogd.pid')])
    for (const port of [ports.tls, ports.tcp]) await untilTaken(port, daemon)
  }
  const rsyslog: Rsyslog = {
    ports,
    certificates,
    messages(transport) {
      const text = existsSync(fileOf(transport)) ? readFileSync(fileOf(transport), 'utf8') : ''
      const lines = text.split('\n').slice(0, -1)
      return lines.map((line) => {
        const [version = '', priority = '', hostname = '', app = '', kind = '', ...rest] = line.split('|')
        const event = JSON.parse(rest.join('|')) as SyslogMessage['event']
        return { transport, version, priority, hostname, app, kind, event }
      })
    },
    start,
    end,
    async stop() {
      await end()
      await folder.remove()
    },
  }
  try {
    await start()
  } catch (error) {
    await rsyslog.stop()
    throw error
  }
  return rsyslog
}

async function untilTaken(port: number, daemon: RealProcess): Promise<void> {
  for (let waited = 0; ; waited += RETRY_MS) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      if (waited > START_WITHIN_MS || !daemon.isRunning()) throw new Error(`rsyslogd:\n${daemon.output()}`)
      await sleep(RETRY_MS)
    } finally {
      socket.destroy()
    }
  }
}

const RETRY_MS = 50
const START_WITHIN_MS = 10_000
