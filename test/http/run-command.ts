import { vi } from 'vitest'
import { run } from '../../src/cli/program.ts'

/** Runs the command in this process, which costs no start of another one. @returns what it wrote to standard output. */
export async function runCommand(...args: readonly string[]): Promise<string> {
  let written = ''
  const output = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += String(text)
    return true
  })
  try {
    await run(['node', 'ocbroker', ...args])
    return written
  } finally {
    output.mockRestore()
  }
}
