import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Milliseconds; less than a check may take. */
const WITHIN_MS = 2500
const MAX_OCTETS = 16 * 1024 * 1024
/** An operator's PATH need not hold the folders of servers. */
const PATH = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`

export interface ProgramRun {
  /** 0: it succeeded. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program of this machine. @returns undefined where there is none, or where it did not end in time. */
export async function runProgram(program: string, args: readonly string[]): Promise<ProgramRun | undefined> {
  const env = { ...process.env, PATH, LC_ALL: 'C.UTF-8' }
  try {
    const done = await run(program, args, { timeout: WITHIN_MS, maxBuffer: MAX_OCTETS, env })
    return { code: 0, ...done }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'stdout' in error && 'stderr' in error))
      return undefined
    if (typeof error.code !== 'number') return undefined
    return { code: error.code, stdout: String(error.stdout), stderr: String(error.stderr) }
  }
}

/** What a program printed as JSON; undefined where it failed or printed something else. */
export async function jsonOf(program: string, args: readonly string[]): Promise<unknown> {
  const done = await runProgram(program, args)
  if (done === undefined || done.code !== 0) return undefined
  try {
    return JSON.parse(done.stdout)
  } catch {
    return undefined
  }
}
