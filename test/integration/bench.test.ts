import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { CASES } from '../../bench/cases.ts'

const PROGRAM = fileURLToPath(new URL('../../bench/run.ts', import.meta.url))

test('every case of the bench runs', { timeout: 600_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, '--brief'], { maxBuffer: 2 ** 24 })
  for (const each of CASES) {
    // A case whose servers are not installed is left out, as the command says.
    if ('missing' in each && each.missing?.() !== undefined) continue
    expect(stdout).toContain(`\n${each.name}: ${each.about}; `)
  }
  expect(stdout).toContain('\ncodec: ')
})
