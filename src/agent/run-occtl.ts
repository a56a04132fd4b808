import { type ExecFileException, execFile } from 'node:child_process'
import { Unavailable } from '../domain/errors.ts'

export interface OcctlOutput {
  /** 0: it did what it was told. */
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
}

/** @throws Unavailable where occtl cannot be run or has no answer of ocserv. */
export type RunOcctl = (args: readonly string[]) => Promise<OcctlOutput>

/** ocserv's own command. */
export const OCCTL = 'occtl'

const MAX_OUTPUT = 16 * 1024 * 1024
const WITHIN_MS = 10_000
const FOLDERS = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Of occtl and what starts it. Its texts are read, so they must not follow the language of the machine. */
export function environmentOfOcctl(): NodeJS.ProcessEnv {
  const { PATH, TZ } = process.env
  return { PATH: PATH === undefined ? FOLDERS : `${PATH}:${FOLDERS}`, TZ, LC_ALL: 'C' }
}

/** @param socket where ocserv listens to occtl; absent: where occtl looks itself. */
export function socketArguments(socket: string | undefined): readonly string[] {
  return socket === undefined ? [] : ['-s', socket]
}

/** Runs occtl without a shell. Its output and its time are bounded. */
export function runOcctl(socket: string | undefined): RunOcctl {
  const before = socketArguments(socket)
  return (args) =>
    new Promise((resolve, reject) => {
      execFile(
        OCCTL,
        [...before, ...args],
        {
          encoding: 'buffer',
          maxBuffer: MAX_OUTPUT,
          timeout: WITHIN_MS,
          killSignal: 'SIGKILL',
          env: environmentOfOcctl(),
        },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : error.code
          const said = stderr.toString('utf8')
          const fault = typeof code === 'number' ? connectionFault(said) : startFault(error)
          if (fault !== undefined) reject(new Unavailable('occtl', fault, { cause: error }))
          else resolve({ code: Number(code), stdout, stderr: said })
        },
      )
    })
}

function startFault(error: ExecFileException | null): string {
  if (error?.code === 'ENOENT')
    return 'it is not installed, or not in PATH: run the agent on the machine where ocserv runs'
  if (error?.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'it printed more than 16 MiB'
  if (error?.killed === true) return `it gave no answer within ${WITHIN_MS / 1000} s: see whether ocserv runs`
  return `it cannot be run: ${error?.message ?? 'no reason given'}`
}

function connectionFault(said: string): string | undefined {
  const [, socket, why] = /error connecting to ocserv socket '(.*)': (.*)/.exec(said) ?? []
  if (socket !== undefined) {
    if (why === 'Permission denied')
      return `the socket ${socket} cannot be opened by this account: see the units of "ocbroker ocserv-config"`
    return `nothing listens at the socket ${socket} (${why}): start ocserv, or set --socket to its occtl-socket-file`
  }
  if (/insufficient permissions or server is offline/.test(said))
    return 'ocserv does not run, or refuses this account, as it answers root only: see the units of "ocbroker ocserv-config"'
  return undefined
}
