import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { holdSpoolFolder, runningBroker } from '../../src/app/spool-folder.ts'
import { temporaryFolder } from '../real/folder.ts'

test.each(['', '0', '-1', '1.5', 'init'])('no process is told to reload by a file that names %j', (text) => {
  const folder = temporaryFolder('spool')
  onTestFinished(() => folder.remove())
  using _ = holdSpoolFolder(folder.path)
  expect(runningBroker(folder.path)).toBe(process.pid)
  writeFileSync(`${folder.path}/broker.pid`, text)
  expect(runningBroker(folder.path)).toBeUndefined()
})

test('what waits there is kept from others, and a folder that others can write is refused', () => {
  const folder = temporaryFolder('spool')
  onTestFinished(() => folder.remove())
  chmodSync(folder.path, 0o755)
  const modes = () => readdirSync(folder.path).map((file) => statSync(folder.file(file)).mode & 0o777)
  for (const file of ['one.waiting', 'lock']) {
    writeFileSync(folder.file(file), '')
    chmodSync(folder.file(file), 0o644)
  }
  holdSpoolFolder(folder.path)[Symbol.dispose]()
  expect(modes()).toEqual([0o600, 0o600])
  using _ = holdSpoolFolder(folder.file('new'))
  expect(
    readdirSync(folder.file('new')).map((file) => statSync(folder.file(`new/${file}`)).mode & 0o777),
  ).toEqual([0o600, 0o600])
  for (const mode of [0o770, 0o707]) {
    chmodSync(folder.path, mode)
    expect(() => holdSpoolFolder(folder.path)).toThrow(`chmod go-w ${folder.path}`)
  }
})
