import { readFileSync, writeFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { temporaryFolder } from './folder.ts'
import type { Namespace } from './netns.ts'
import { outputOf, type RealProcess } from './process.ts'
import { installed } from './programs.ts'

export interface OpenconnectOptions {
  readonly place: Namespace
  /** `address:port` of the gateway. */
  readonly gateway: string
  /** The gateway's key: `pin-sha256:…`. */
  readonly pin: string
  readonly user: string
  /**
   * What the user types, one at each prompt in turn: the password, then codes; after a refused password the
   * password again, of which ocserv takes three in all. A prompt that is left without an answer ends the login.
   * A function gets the client, for a test that looks at the output before it types.
   */
  readonly answers: readonly string[] | ((client: RealProcess) => AsyncIterable<string>)
  /** The group that the user picks. */
  readonly authgroup?: string
  /** Base32: openconnect answers the prompt after the password with a code of its own making. */
  readonly totpSecret?: string
  /** More words for openconnect, such as `--useragent=…`. */
  readonly extra?: readonly string[]
  /** Milliseconds (30 s) until the login must have been decided. */
  readonly within?: number
}

/** A real VPN client after its login, whether it was let in or not. */
export interface Openconnect {
  /** Whether the login ended with a tunnel. */
  readonly connected: boolean
  /** Every prompt and message that the user has seen. */
  seen(): string
  readonly process: RealProcess
  /** What the gateway pushed, as the vpnc-script is told, such as INTERNAL_IP4_DNS and CISCO_SPLIT_INC. */
  pushedEnvironment(): Readonly<Record<string, string>>
  /** The tunnel device's own address without a prefix length, or undefined where it has none. */
  tunAddress(family?: 4 | 6): Promise<string | undefined>
  /** The destinations that are routed into the tunnel, as `10.0.0.0/8`, `10.0.0.53` or `default`. */
  routes(family?: 4 | 6): Promise<string[]>
  /** The name servers that programs on the client's side are given. */
  nameservers(): string[]
  /** Says goodbye to the gateway as a user does with Ctrl-C, and clears up. Harmless when repeated. */
  disconnect(): Promise<void>
}

const VPNC_SCRIPT = '/usr/share/vpnc-scripts/vpnc-script'
/** openconnect itself says that it is connected before the script has set up the device. */
const TUNNEL_IS_UP = 'lab: the tunnel is up'
const LAB_NOT_READY = 97

/**
 * The vpnc-script changes /etc/resolv.conf, keeps its notes in /run and may call on the machine's own
 * resolver. Both places are covered up, inside the mount namespace that `ip netns exec` makes.
 */
const APART_FROM_THE_MACHINE = `
set -e
trap 'exit ${LAB_NOT_READY}' EXIT
resolv_conf=$1
shift
mount -t tmpfs tmpfs /run
target=$(readlink -f /etc/resolv.conf)
mkdir -p "$(dirname "$target")"
test -e "$target" || : > "$target"
mount --bind "$resolv_conf" "$target"
exec "$@"
`

/** Logs in with the real openconnect, and returns when it has a tunnel or has given up. */
export async function openconnect(options: OpenconnectOptions): Promise<Openconnect> {
  const { place, gateway, pin, user, answers, authgroup, totpSecret, extra = [], within = 30_000 } = options
  const folder = temporaryFolder('openconnect')
  const typed = new PassThrough()
  const resolvConf = folder.file('resolv.conf')
  const environment = folder.file('environment')
  writeFileSync(resolvConf, 'nameserver 192.0.2.53\n')
  writeFileSync(folder.file('script'), recordingScript(environment), { mode: 0o700 })
  const client = place.start(
    'sh',
    [
      '-c',
      APART_FROM_THE_MACHINE,
      'sh',
      resolvConf,
      installed('openconnect'),
      '--protocol=anyconnect',
      `--user=${user}`,
      `--servercert=${pin}`,
      `--script=${folder.file('script')}`,
      ...(authgroup === undefined ? [] : [`--authgroup=${authgroup}`]),
      ...(totpSecret === undefined ? [] : ['--token-mode=totp', `--token-secret=base32:${totpSecret}`]),
      ...extra,
      `https://${gateway}`,
    ],
    {
      // Whatever the machine speaks: openconnect shows what its locale cannot write as question marks.
      env: { LC_ALL: 'C.UTF-8' },
      input: typeof answers === 'function' ? typed : answers.map((answer) => `${answer}\n`).join(''),
    },
  )
  const conversation = typeof answers === 'function' ? type(answers(client), typed) : undefined
  const disconnect = async () => {
    await client.stop({ signal: 'SIGINT' })
    await folder.remove()
  }
  try {
    const connected = await hasTunnel(client, within)
    await conversation
    const pushed = connected ? readEnvironment(environment) : {}
    if (!connected) await disconnect()
    const device = pushed.TUNDEV ?? 'tun0'
    const show = async (family: 4 | 6, ...what: string[]) =>
      JSON.parse(await outputOf(place, 'ip', ['-j', `-${family}`, ...what, 'dev', device])) as unknown
    return {
      connected,
      seen: () => client.output(),
      process: client,
      pushedEnvironment: () => pushed,
      tunAddress: async (family = 4) => {
        const [link] = (await show(family, 'address', 'show', 'scope', 'global')) as AddressListing[]
        return link?.addr_info?.[0]?.local
      },
      routes: async (family = 4) => {
        const listing = (await show(family, 'route', 'show')) as { dst: string }[]
        return listing.map(({ dst }) => dst)
      },
      nameservers: () =>
        Array.from(
          readFileSync(resolvConf, 'utf8').matchAll(/^nameserver (\S+)/gm),
          ([, server]) => server ?? '',
        ),
      disconnect,
    }
  } catch (error) {
    await disconnect()
    throw error
  }
}

/** Types line after line, as they come. Throws what the typing function throws. */
async function type(lines: AsyncIterable<string>, to: PassThrough): Promise<void> {
  try {
    for await (const line of lines) to.write(`${line}\n`)
  } finally {
    to.end()
  }
}

interface AddressListing {
  addr_info?: { local?: string }[]
}

function recordingScript(environment: string): string {
  return `#!/bin/sh
if [ "$reason" != connect ]; then exec ${VPNC_SCRIPT}; fi
env -0 > '${environment}'
${VPNC_SCRIPT} && echo '${TUNNEL_IS_UP}'
`
}

function readEnvironment(file: string): Record<string, string> {
  const entries = readFileSync(file, 'utf8').split('\0')
  return Object.fromEntries(
    entries
      .filter((entry) => entry !== '')
      .map((entry) => [entry.split('=', 1)[0], entry.replace(/^[^=]*=/, '')]),
  )
}

async function hasTunnel(client: RealProcess, within: number): Promise<boolean> {
  try {
    await client.waitForOutput(new RegExp(TUNNEL_IS_UP), within)
    return true
  } catch (error) {
    if (client.isRunning()) throw error
    const { code } = await client.finished
    if (code === LAB_NOT_READY) throw error
    return false
  }
}
