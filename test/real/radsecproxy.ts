import { writeFileSync } from 'node:fs'
import type { IssuedCertificate } from './certificates.ts'
import { temporaryFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { type RealProcess, thisMachine } from './process.ts'

interface RadsecproxyOptions {
  /** Where the server of RADIUS over TLS listens on 127.0.0.1. */
  readonly port: number
  /** Of the server's certificate, in PEM. */
  readonly authority: string
  /** What the proxy shows of itself. */
  readonly own: IssuedCertificate
  /** Of those that ask it over UDP. */
  readonly secret: string
}

export interface Radsecproxy {
  /** Where it takes logins and accounting over UDP, on 127.0.0.1. */
  readonly port: number
  readonly process: RealProcess
  stop(): Promise<void>
}

/** A real radsecproxy: takes requests over UDP and passes them on over TLS. */
export async function startRadsecproxy(options: RadsecproxyOptions): Promise<Radsecproxy> {
  const port = await freePort()
  const folder = temporaryFolder('radsecproxy')
  writeFileSync(folder.file('radsecproxy.conf'), configuration(port, options), { mode: 0o600 })
  const proxy = thisMachine.start('radsecproxy', ['-f', '-c', folder.file('radsecproxy.conf')])
  const stop = async () => {
    await proxy.stop()
    await folder.remove()
  }
  try {
    await proxy.waitForOutput(/listening for udp/)
  } catch (error) {
    await stop()
    throw error
  }
  return { port, process: proxy, stop }
}

function configuration(listen: number, { port, authority, own, secret }: RadsecproxyOptions): string {
  return `
LogLevel 3
ListenUDP 127.0.0.1:${listen}
tls default {
  CACertificateFile ${authority}
  CertificateFile ${own.certificate}
  CertificateKeyFile ${own.key}
}
client ocserv {
  host 127.0.0.1
  type udp
  secret ${secret}
}
server broker {
  host 127.0.0.1
  port ${port}
  type tls
  secret radsec
  statusServer on
}
realm * {
  server broker
  accountingServer broker
}
`
}
