import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { ProcessLockFiles } from '../../src/cluster/process-lock-files.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'

const MODULE = new URL('../../src/cluster/process-lock-files.ts', import.meta.url).href
const HOLD = `
const [name, folder] = process.argv.slice(1)
const { ProcessLockFiles } = await import('${MODULE}')
new ProcessLockFiles(folder).hold(name)
globalThis.gc()
console.log('held')
setInterval(() => globalThis.gc(), 10)
`

function folderOfOne(): TemporaryFolder {
  const folder = temporaryFolder('runs')
  onTestFinished(folder.remove)
  return folder
}

/** A process that goes on until it is killed, with nothing in its memory that need not be there. */
async function runOf(name: string, folder: string): Promise<ChildProcess> {
  const words = ['--expose-gc', '--input-type=module', '--eval', HOLD, '--', name, folder]
  const process_ = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void process_.kill('SIGKILL'))
  await once(process_.stdout ?? expect.unreachable(), 'data')
  return process_
}

test('a run has ended when its process is gone, and not while that lives or stalls', async () => {
  const folder = folderOfOne()
  const [killed, stalled] = await Promise.all([runOf('-killed', folder.path), runOf('stalled', folder.path)])
  const files = new ProcessLockFiles(folder.path)
  files.hold('own')
  expect(files.ended()).toEqual([])
  stalled.kill('SIGSTOP')
  killed.kill('SIGKILL')
  await once(killed, 'exit')
  expect(files.ended()).toEqual(['-killed'])
  // Perhaps nobody knows it yet.
  expect(files.ended()).toEqual(['-killed'])
  files.remove(['-killed'])
  expect(files.ended()).toEqual([])
  files.close(true)
  expect(readdirSync(folder.path)).toEqual(['run.stalled'])
})

test('of two in one process each sees that the other goes on', () => {
  const folder = folderOfOne()
  const [one, other] = [new ProcessLockFiles(folder.path), new ProcessLockFiles(folder.path)]
  one.hold('one')
  other.hold('other')
  expect([one.ended(), other.ended()]).toEqual([[], []])
  one.close(false)
  expect(other.ended()).toEqual(['one'])
  other.close(true)
  expect(existsSync(folder.file('run.other'))).toBe(false)
})
