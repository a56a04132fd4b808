import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Finding, fault, hint, ok, warning } from '../finding.ts'
import type { GatewayCheck } from './gateway-check.ts'
import type { OcservSettings } from './ocserv-conf.ts'
import { runProgram } from './programs.ts'

/** From here on an address of a pool is free while a client may still come back (seconds). */
const COOKIE_AT_MOST = 900 - 325
const AUTH_TIMEOUT = 240

/** Whether ocserv's limits fit what the broker gives and waits for. */
export const checkLimits: GatewayCheck = async (host) => {
  const about = `limits in ${host.file}`
  const { main } = await host.conf()
  const { expectation } = host
  const findings: Finding[] = []
  const authTimeout = main.number('auth-timeout') ?? AUTH_TIMEOUT
  const answer = (expectation?.broker.answerWithinMs ?? 0) / 1000
  if (answer > authTimeout)
    findings.push(
      warning(
        about,
        `a login ends after ${authTimeout} s (auth-timeout), and the broker waits ${answer} s for a code`,
        `auth-timeout = ${Math.ceil(answer) + 60}`,
      ),
    )
  const cookie = main.number('cookie-timeout') ?? 300
  if ((expectation?.pools.length ?? 0) > 0 && cookie > COOKIE_AT_MOST)
    findings.push(
      warning(
        about,
        `a client may come back after ${cookie} s (cookie-timeout), when its address may be another user’s`,
        'cookie-timeout = 300',
      ),
    )
  const most = main.number('max-clients') ?? 0
  const size = Math.max(0, ...(expectation?.pools.map((pool) => pool.size) ?? []))
  if (most > 0 && most < size)
    findings.push(
      hint(
        about,
        `max-clients = ${most} is less than a pool has addresses (${size})`,
        `max-clients = ${size}`,
      ),
    )
  return findings.length > 0 ? findings : [ok(about, 'fit')]
}

/** Octets around a packet of the tunnel: IP, UDP, DTLS. */
const OVERHEAD = 66

/** Whether packets of the tunnel fit the outer interface. */
export const checkMtu: GatewayCheck = async (host) => {
  const { main } = await host.conf()
  const about = `mtu in ${host.file}`
  const mtu = main.number('mtu')
  if (mtu === undefined) return [ok(about, 'is found by ocserv')]
  const routes = await runProgram('ip', ['-o', 'route', 'show', 'default'])
  const device = /\bdev (\S+)/.exec(routes?.stdout ?? '')?.[1]
  const link = Number(await readFile(`/sys/class/net/${device}/mtu`, 'utf8').catch(() => '1500'))
  if (mtu <= link - OVERHEAD) return [ok(about, `${mtu} fits ${link}`)]
  return [
    warning(
      about,
      `${mtu} and what is put around it are more than ${link}, the link's: small packets pass, large ones do not`,
      `mtu = ${link - OVERHEAD}, or none`,
    ),
  ]
}

/** How ocserv is kept apart from the system. */
export const checkIsolation: GatewayCheck = async (host) => {
  const about = `privileges in ${host.file}`
  const { main } = await host.conf()
  const missing = await missingFolder(main)
  if (missing !== undefined)
    return [fault(about, `there is no folder ${missing}: ocserv does not start`, `mkdir ${missing}`)]
  const user = main.last('run-as-user')
  if (user === undefined || user === 'root')
    return [hint(about, 'workers run as root', 'run-as-user = ocserv')]
  if (!main.isTrue('isolate-workers'))
    return [hint(about, 'workers are not confined by seccomp', 'isolate-workers = true')]
  return [ok(about, `workers run as ${user}, confined`)]
}

/** Workers see the socket from within chroot-dir. */
async function missingFolder(main: OcservSettings): Promise<string | undefined> {
  const root = main.last('chroot-dir')
  const socket = main.last('socket-file')
  const folders = [
    ...(root === undefined ? [] : [root]),
    ...(socket === undefined ? [] : [dirname(join(root ?? '/', socket))]),
  ]
  for (const folder of folders) {
    const isFolder = await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    )
    if (!isFolder) return folder
  }
  return undefined
}
