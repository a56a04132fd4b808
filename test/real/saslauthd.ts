import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { temporaryFolder } from './folder.ts'
import { outputOf, type RealProcess, thisMachine } from './process.ts'

/** What `startSaslauthd` needs, for `describeWith`. */
export const SASLAUTHD_NEEDS: readonly string[] = ['root', 'saslauthd', 'unshare', 'mount', 'openssl']

interface SystemUser {
  readonly name: string
  readonly password: string
  /** Beside the group of the user's own name. */
  readonly groups?: readonly string[]
  readonly expired?: boolean
}

export interface Saslauthd {
  /** The socket to ask. */
  readonly socket: string
  /** The PAM service that it knows. */
  readonly service: string
  readonly passwdFile: string
  readonly groupFile: string
  readonly process: RealProcess
  /** Ends the daemon and removes its folder. */
  stop(): Promise<void>
}

interface SaslauthdOptions {
  /** Requests that it works on at the same time (2). */
  readonly processes?: number
  /** Whether pam_unix takes its time to refuse a password: two seconds, more or less. */
  readonly delays?: boolean
}

const SERVICE = 'vpn-login'
const FIRST_ID = 5001
const YESTERDAY = Math.floor(Date.now() / 86_400_000) - 1

/**
 * A saslauthd with PAM, pam_unix and system users of the test's own. Its mount namespace lays their files over those
 * in /etc for itself alone, so the machine keeps its users and nothing is left to undo.
 */
export async function startSaslauthd(
  users: readonly SystemUser[],
  { processes = 2, delays = false }: SaslauthdOptions = {},
): Promise<Saslauthd> {
  const folder = temporaryFolder('saslauthd')
  mkdirSync(folder.file('run'))
  mkdirSync(folder.file('pam.d'))
  writeFileSync(
    folder.file(`pam.d/${SERVICE}`),
    `auth required pam_unix.so${delays ? '' : ' nodelay'}\naccount required pam_unix.so\n`,
  )
  const hashes = await Promise.all(
    users.map(({ password }) => outputOf(thisMachine, 'openssl', ['passwd', '-6', password])),
  )
  const write = (name: string, lines: readonly string[]) => {
    writeFileSync(folder.file(name), `${lines.join('\n')}\n`)
    chmodSync(folder.file(name), 0o644)
  }
  const id = (index: number) => FIRST_ID + index
  write('passwd', [
    'root:x:0:0:root:/root:/bin/sh',
    ...users.map(({ name }, at) => `${name}:x:${id(at)}:${id(at)}::/nonexistent:/usr/sbin/nologin`),
  ])
  write(
    'shadow',
    users.map(({ name, expired }, at) => {
      const end = expired === true ? YESTERDAY : ''
      return `${name}:${hashes[at]?.trim()}:${YESTERDAY}:0:99999:7::${end}:`
    }),
  )
  const groups = [...new Set(users.flatMap((user) => user.groups ?? []))]
  write('group', [
    'root:x:0:',
    ...users.map(({ name }, at) => `${name}:x:${id(at)}:`),
    ...groups.map((group, at) => {
      const members = users.filter((user) => user.groups?.includes(group)).map(({ name }) => name)
      return `${group}:x:${id(users.length + at)}:${members.join(',')}`
    }),
  ])
  const overlays = ['pam.d', 'passwd', 'shadow', 'group'].map(
    (name) => `mount --bind '${folder.file(name)}' /etc/${name}`,
  )
  const command = `exec saslauthd -d -a pam -n ${processes} -m '${folder.file('run')}'`
  const daemon = thisMachine.start('unshare', [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-ec',
    [...overlays, command].join('\n'),
  ])
  const stop = async () => {
    await daemon.stop()
    await folder.remove()
  }
  try {
    await daemon.waitForOutput(/acquired accept lock/)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    socket: folder.file('run/mux'),
    service: SERVICE,
    passwdFile: folder.file('passwd'),
    groupFile: folder.file('group'),
    process: daemon,
    stop,
  }
}
