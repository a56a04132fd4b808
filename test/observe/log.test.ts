import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { hiddenCharacterIn } from '../../src/domain/hidden-characters.ts'
import { jsonLog } from '../../src/observe/log.ts'
import { temporaryFolder } from '../real/folder.ts'

test('a line of the log makes a terminal do nothing, and keeps what it tells', async () => {
  const folder = temporaryFolder('log')
  onTestFinished(folder.remove)
  const file = folder.file('broker.log')
  const user = 'bob\u001b[2J\u009b31m\u202e\u200b\u2028\ud800'
  jsonLog({ level: 'info', file }).warn('tests', { user, [user]: 1 })
  await expect.poll(() => readFileSync(file, 'utf8')).toMatch(/\n$/)
  const line = readFileSync(file, 'utf8').slice(0, -1)
  expect(hiddenCharacterIn(line)).toBeUndefined()
  expect(JSON.parse(line)).toMatchObject({ event: 'tests', user, [user]: 1 })
})
