import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { messageOf, OperatorError } from '../domain/errors.ts'

/** Read, write, or enter a folder. */
export type Right = 'r' | 'w' | 'x'

/** An account of this machine, and what the system lets it do. */
export interface Account {
  readonly name: string
  readonly uid: number
  /** Asked of the system itself, with the account's groups: permissions, lists of access, read-only mounts. */
  may(questions: readonly (readonly [right: Right, path: string])[]): Promise<readonly boolean[]>
}

const run = promisify(execFile)
const TIMEOUT_MS = 5000
const TEST = 'while [ $# -gt 1 ]; do if test "-$1" "$2"; then echo yes; else echo no; fi; shift 2; done'

/** @throws OperatorError where there is no such account, or this process may not look as another. */
export async function accountOf(name: string): Promise<Account> {
  const [uid, gid] = await Promise.all([idOf(name, '-u'), idOf(name, '-g')])
  const own = process.getuid?.()
  if (own !== uid && own !== 0)
    throw new OperatorError(`--as ${name}: only root can look as another account: run it by sudo`)
  const become = ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--init-groups', '--']
  const program = [...(own === uid ? [] : become), '/bin/sh', '-c', TEST, 'sh']
  return {
    name,
    uid,
    async may(questions) {
      const [command = '', ...args] = [...program, ...questions.flat()]
      try {
        const { stdout } = await run(command, args, { timeout: TIMEOUT_MS })
        return stdout
          .trimEnd()
          .split('\n')
          .map((line) => line === 'yes')
      } catch (error) {
        throw new OperatorError(`cannot look as ${name}: ${messageOf(error)}`, { cause: error })
      }
    },
  }
}

async function idOf(name: string, option: '-u' | '-g'): Promise<number> {
  try {
    return Number((await run('id', [option, '--', name], { timeout: TIMEOUT_MS })).stdout)
  } catch {
    throw new OperatorError(`--as: there is no account ${name}`)
  }
}
