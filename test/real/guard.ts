import { spawn } from 'node:child_process'

/**
 * Has `sh` run a script exactly once: when the returned function is called, which waits for its end, or when
 * this process has ended without calling it. That is noticed by a closed pipe, so it works after SIGKILL too,
 * with which Vitest ends its workers when it is interrupted.
 */
export function guard(script: string, ...args: readonly string[]): () => Promise<void> {
  const keeper = spawn('sh', ['-c', `${UNTIL_THE_PIPE_CLOSES}${script}`, 'guard', ...args], {
    // A session of its own, so that Ctrl-C and signals to our group do not reach it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = new Promise<void>((resolve) => keeper.once('exit', () => resolve()))
  return async () => {
    keeper.stdin.end()
    await ended
  }
}

const UNTIL_THE_PIPE_CLOSES = `
PATH=$PATH:/usr/sbin:/sbin
while read -r line; do :; done
`
