import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { EVENTS } from './occtl.ts'
import { environmentOfOcctl, OCCTL, socketArguments } from './run-occtl.ts'

/**
 * occtl writes to a pipe when 4 KiB are full, so `stdbuf` has it write each line. At the end of its input it would take a
 * whole processor, so it ends with the agent, also after SIGKILL. Without these two programs it runs as it is.
 */
const IN_TIME = ['setpriv', '--pdeathsig', 'KILL', '--', 'stdbuf', '-oL', OCCTL] as const

/** Hears from `occtl show events` that a client came or went. What it says of the client is not read. */
export class OcctlEvents {
  readonly #socket: string | undefined
  #deaf = new AbortController()
  #hasHeard = false
  #known: ReadonlySet<string> | undefined

  constructor(socket: string | undefined) {
    this.#socket = socket
  }

  /** Runs occtl until it ends, which it does with ocserv. */
  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    this.#deaf = new AbortController()
    const until = AbortSignal.any([signal, this.#deaf.signal])
    const heard = () => {
      this.#hasHeard = true
      changed()
    }
    if ((await run(IN_TIME, this.#socket, heard, until)) === 'missing')
      await run([OCCTL], this.#socket, heard, until)
    // ocserv has ended, and its sessions with it, some of which may not have been reported yet.
    this.#known = undefined
  }

  /**
   * ocserv tells its events to one listener only. Where sessions changed and nothing was heard, somebody else listened,
   * so `watch` ends, to begin again.
   *
   * @param sessions those that ocserv has now.
   * @returns whether one is missing that was there before, or what was there before is not known.
   */
  reported(sessions: readonly string[]): boolean {
    const before = this.#known
    this.#known = new Set(sessions)
    const isMore = sessions.some((session) => before?.has(session) === false)
    const isLess = before === undefined || [...before].some((session) => !this.#known?.has(session))
    if ((isMore || isLess) && before !== undefined && !this.#hasHeard) this.#deaf.abort()
    this.#hasHeard = false
    return isLess
  }
}

async function run(
  [program, ...before]: readonly [string, ...string[]],
  socket: string | undefined,
  changed: () => void,
  signal: AbortSignal,
): Promise<'ended' | 'missing'> {
  const child = spawn(program, [...before, ...socketArguments(socket), ...EVENTS], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: environmentOfOcctl(),
    signal,
    killSignal: 'SIGKILL',
  })
  child.stdin.on('error', () => {})
  child.stdout.on('data', changed)
  try {
    await once(child, 'exit')
    return 'ended'
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'missing' : 'ended'
  }
}
