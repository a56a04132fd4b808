import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { messageOf } from '../domain/errors.ts'
import { oneLine, pipeFault } from './faults.ts'
import { NotTaken, type Outlet } from './outlet.ts'
import { rawMail } from './raw-mail.ts'

const WITHIN_MS = 30_000
const MAX_SAID = 300
/** sysexits.h: data that is wrong, no such user, no such host. */
const FINAL = new Set([65, 67, 68])

/** A program that takes a mail at its standard input, as sendmail does with -t. */
export function pipeOutlet([program = '', ...args]: readonly string[]): Outlet {
  return {
    async send(letter) {
      const content = await rawMail(letter)
      const { code, said } = await run(program, args, content)
      if (code === 0) return `${program} took it`
      const fault = `exit code ${code}${said === '' ? '' : `: ${said}`}`
      throw FINAL.has(code) ? new NotTaken(`${program}: ${fault}`, true) : pipeFault(fault, program)
    },
    async check() {
      try {
        await access(program, constants.X_OK)
      } catch (error) {
        throw pipeFault(messageOf(error), program, error)
      }
    },
    close() {},
  }
}

async function run(
  program: string,
  args: readonly string[],
  input: Buffer,
): Promise<{ readonly code: number; readonly said: string }> {
  // No shell: nothing of a mail is ever a word of a command.
  const child = spawn(program, args, {
    stdio: ['pipe', 'ignore', 'pipe'],
    timeout: WITHIN_MS,
    killSignal: 'SIGKILL',
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(0, MAX_SAID)
  })
  // A program may end before it has read everything: its exit code says how.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  try {
    const [code, signal] = await once(child, 'close')
    if (code === null) throw new Error(`it was ended by ${signal} after ${WITHIN_MS / 1000} s`)
    return { code: Number(code), said: oneLine(said) }
  } catch (error) {
    throw pipeFault(messageOf(error), program, error)
  }
}
