import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeCertificates } from './certificates.ts'
import { temporaryFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { type RealProcess, thisMachine } from './process.ts'

/** A reverse proxy in front of a broker, on a free port of 127.0.0.1. */
export interface ReverseProxy {
  readonly port: number
  stop(): Promise<void>
}

interface ProxyOptions {
  /** Of the broker. */
  readonly port: number
  /** Of the proxy; a free one where it is not given. */
  readonly own?: number
}

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/proxies.md'), 'utf8')

/** The first, or a later, block of docs/proxies.md in this language, as an operator would copy it. */
export function snippet(language: string, which = 0): string {
  const [, text] = [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))][which] ?? []
  if (text === undefined) throw new Error(`docs/proxies.md has no block ${which} of ${language}`)
  return text
}

/** Replaces what differs on this machine; every piece must be there. */
export function adapted(text: string, pieces: readonly (readonly [from: string, to: string])[]): string {
  return pieces.reduce((so, [from, to]) => {
    if (!so.includes(from)) throw new Error(`${JSON.stringify(from)} is not in:\n${so}`)
    return so.replaceAll(from, to)
  }, text)
}

/** @param server the block of docs/proxies.md, or one like it. */
export async function startNginx(server: string, options: ProxyOptions): Promise<ReverseProxy> {
  return start('nginx', options, async (folder, own, { certificate, key }) => {
    const file = folder('nginx.conf')
    for (const name of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(folder(name))
    const paths = ['client_body:body', 'proxy:proxy', 'fastcgi:fastcgi', 'uwsgi:uwsgi', 'scgi:scgi']
      .map((each) => each.split(':'))
      .map(([what, name = '']) => `${what}_temp_path ${folder(name)};`)
    const text = server
      .replace('listen 443 ssl', `listen 127.0.0.1:${own} ssl`)
      .replace('listen 80', `listen 127.0.0.1:${own}`)
      .replace('/etc/ssl/vpn.example.org.pem', certificate)
      .replace('/etc/ssl/private/vpn.example.org.key', key)
      .replace('127.0.0.1:8080', `127.0.0.1:${options.port}`)
    writeFileSync(
      file,
      `daemon off;\nmaster_process off;\npid ${folder('pid')};\nerror_log stderr notice;\nevents {}\nhttp {\naccess_log off;\n${paths.join('\n')}\n${text}}\n`,
    )
    return thisMachine.start('nginx', ['-c', file, '-p', folder('.')])
  })
}

export async function startCaddy(site: string, options: ProxyOptions): Promise<ReverseProxy> {
  return start('caddy', options, async (folder, own, { certificate, key }) => {
    const file = folder('Caddyfile')
    const text = site
      .replace('{$PORTAL_HOST:localhost}', 'localhost')
      .replace(/^([\w.]+) \{$/m, `https://$1:${own} {\n\tbind 127.0.0.1\n\ttls ${certificate} ${key}`)
      .replace('127.0.0.1:8080', `127.0.0.1:${options.port}`)
    writeFileSync(
      file,
      `{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n\tstorage file_system ${folder('storage')}\n}\n${text}`,
    )
    return thisMachine.start('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], {
      env: { HOME: folder('.'), XDG_CONFIG_HOME: folder('.'), XDG_DATA_HOME: folder('.') },
    })
  })
}

export async function startHaproxy(sections: string, options: ProxyOptions): Promise<ReverseProxy> {
  return start('haproxy', options, async (folder, own, { certificate, key }) => {
    const file = folder('haproxy.cfg')
    writeFileSync(folder('both.pem'), readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'))
    const text = sections
      .replace('bind :443', `bind 127.0.0.1:${own}`)
      .replace('/etc/haproxy/vpn.example.org.pem', folder('both.pem'))
      .replace('127.0.0.1:8080', `127.0.0.1:${options.port}`)
    writeFileSync(file, text)
    return thisMachine.start('haproxy', ['-db', '-f', file])
  })
}

async function start(
  name: string,
  { own }: ProxyOptions,
  run: (
    folder: (name: string) => string,
    own: number,
    certificates: Awaited<ReturnType<typeof makeCertificates>>,
  ) => Promise<RealProcess>,
): Promise<ReverseProxy> {
  const folder = temporaryFolder(name)
  const port = own ?? (await freePort())
  const running = await run(folder.file, port, await makeCertificates(folder, 'vpn.example.org'))
  return {
    port,
    async stop() {
      await running.stop()
      await folder.remove()
    },
  }
}
