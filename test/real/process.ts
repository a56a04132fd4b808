import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { guard } from './guard.ts'
import { installed } from './programs.ts'

/** Characters: enough to understand a failure; a server that chatters for minutes must not fill the memory. */
const KEPT_OUTPUT = 1_000_000
const READY_WITHIN = 30_000
const RUN_WITHIN = 30_000
const STOP_WITHIN = 5_000

interface StartOptions {
  /** Added to this process's own environment. */
  env?: Readonly<Record<string, string>>
  cwd?: string
  /** Written to standard input, which is then closed; without it standard input is empty. A stream is passed on as it comes. */
  input?: string | Uint8Array | Readable
}

interface RunOptions extends StartOptions {
  /** Milliseconds (30 s) after which the program is stopped and `run` throws. */
  within?: number
}

interface Finished {
  /** The exit code, or null where a signal ended the program. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Both, in the order that they came. */
  readonly output: string
}

/** A process that a test started and that only this handle ends. */
export interface RealProcess {
  readonly pid: number
  /** Standard output and standard error, in the order that they came. */
  output(): string
  /** Settles when the process has ended and its output is complete. */
  readonly finished: Promise<Finished>
  isRunning(): boolean
  /**
   * The first match of `pattern` in the output so far or yet to come.
   * Throws, with the output, when the process ends first or `within` milliseconds (10 s) have passed.
   */
  waitForOutput(pattern: RegExp, within?: number): Promise<RegExpMatchArray>
  signal(signal: NodeJS.Signals): void
  /**
   * Ends the process by `signal` (SIGTERM), and by SIGKILL where that took longer than `within` milliseconds
   * (5 s). Harmless when repeated.
   */
  stop(how?: { signal?: NodeJS.Signals; within?: number }): Promise<void>
}

/** Where programs run: on this machine as it is, or inside a network namespace. */
export interface Place {
  start(program: string, args: readonly string[], options?: StartOptions): RealProcess
  /** Runs a program to its end, whatever its exit code. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<Finished>
}

export const thisMachine: Place = { start: startProcess, run: runProgram }

function startProcess(program: string, args: readonly string[], options: StartOptions = {}): RealProcess {
  // A group of its own, so that whatever the program forks can be ended with it.
  const child = spawn(installed(program), args, {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
  })
  const pid = child.pid
  if (pid === undefined) throw new Error(`${program} could not be started`)

  const news = new EventEmitter()
  const heard = { all: '', stdout: '', stderr: '' }
  const collect = (stream: 'stdout' | 'stderr') => {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      heard[stream] = (heard[stream] + chunk).slice(-KEPT_OUTPUT)
      heard.all = (heard.all + chunk).slice(-KEPT_OUTPUT)
      news.emit('change')
    })
  }
  collect('stdout')
  collect('stderr')
  // A program that ends before it has read its input is no failure of the test.
  child.stdin.on('error', () => {})
  if (options.input instanceof Readable) options.input.pipe(child.stdin)
  else child.stdin.end(options.input ?? '')

  const endGroup = guard('kill -KILL -"$1"', String(pid))
  let running = true
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      running = false
      resolve(endGroup())
    })
  })
  let complete = false
  const finished = new Promise<Finished>((resolve) => {
    child.once('close', (code, signal) => {
      complete = true
      resolve({ code, signal, stdout: heard.stdout, stderr: heard.stderr, output: heard.all })
      news.emit('change')
    })
  })

  return {
    pid,
    output: () => heard.all,
    finished,
    isRunning: () => running,
    waitForOutput: async (pattern, within = READY_WITHIN) => {
      const deadline = AbortSignal.timeout(within)
      for (;;) {
        const match = heard.all.match(pattern)
        if (match !== null) return match
        if (complete) throw new Error(`${program} ended without saying ${pattern}:\n${heard.all}`)
        await once(news, 'change', { signal: deadline }).catch(() => {
          throw new Error(`${program} did not say ${pattern} within ${within} ms:\n${heard.all}`)
        })
      }
    },
    signal: (signal) => {
      if (running) signalTo(pid, signal)
    },
    stop: async ({ signal = 'SIGTERM', within = STOP_WITHIN } = {}) => {
      if (running) signalTo(pid, signal)
      if (!(await isSettledWithin(ended, within))) signalTo(-pid, 'SIGKILL')
      await ended
    },
  }
}

async function runProgram(
  program: string,
  args: readonly string[],
  { within = RUN_WITHIN, ...options }: RunOptions = {},
): Promise<Finished> {
  const child = startProcess(program, args, options)
  if (await isSettledWithin(child.finished, within)) return child.finished
  await child.stop()
  throw new Error(`${program} ${args.join(' ')} had not ended after ${within} ms:\n${child.output()}`)
}

/** What the program wrote to standard output; throws with everything that it said where it failed. */
export async function outputOf(
  place: Place,
  program: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string> {
  const { code, stdout, stderr } = await place.run(program, args, options)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} failed (${code}):\n${stdout}${stderr}`)
  return stdout
}

/** Settles when something accepts connections at a socket of the file system, or at a port of this machine; throws after `within` milliseconds. */
export async function waitForSocket(path: string | number, within = READY_WITHIN): Promise<void> {
  const deadline = performance.now() + within
  while (!(await accepts(path))) {
    if (performance.now() > deadline) throw new Error(`nothing listened at ${path} within ${within} ms`)
    await sleep(25)
  }
}

async function accepts(path: string | number): Promise<boolean> {
  const socket = typeof path === 'number' ? connect(path) : connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** A negative `target` is a whole process group; one that is gone already is left in peace. */
function signalTo(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function isSettledWithin(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const timer = new AbortController()
  const settled = promise.then(() => true)
  const tooLate = sleep(milliseconds, false, { signal: timer.signal }).catch(() => false)
  const inTime = await Promise.race([settled, tooLate])
  timer.abort()
  return inTime
}
