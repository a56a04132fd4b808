import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, truncateSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
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

test('a log with the names of the Elastic Common Schema says what happened by them', async () => {
  const folder = temporaryFolder('log')
  onTestFinished(folder.remove)
  const file = folder.file('broker.log')
  const fields = { user: 'bob', address: '192.0.2.7', gateway: 'gw1', reason: 'locked', ms: 12, before: 3 }
  const log = jsonLog({ level: 'info', file, format: 'ecs' })
  log.info('login.refused', fields)
  log.error('login.fault', { error: new TypeError('odd') })
  await expect.poll(() => readFileSync(file, 'utf8').split('\n').length).toBe(3)
  const [refused = '', fault = ''] = readFileSync(file, 'utf8').split('\n')
  expect(JSON.parse(refused)).toMatchObject({
    '@timestamp': expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    'log.level': 'info',
    message: 'login.refused',
    'event.action': 'login.refused',
    'event.outcome': 'failure',
    'event.duration': 12_000_000,
    'user.name': 'bob',
    'source.ip': '192.0.2.7',
    'observer.name': 'gw1',
    'ocbroker.before': 3,
  })
  expect(JSON.parse(fault)).toMatchObject({ 'error.type': 'TypeError', 'error.message': 'odd' })
})

test('a log follows its file, and goes on in the old one where it cannot', async () => {
  const folder = temporaryFolder('log')
  onTestFinished(folder.remove)
  const file = folder.file('broker.log')
  const log = jsonLog({ level: 'info', file })
  log.info('one')
  log.info('two')
  renameSync(file, `${file}.1`)
  log.reopen()
  log.info('three')
  await expect.poll(() => readFileSync(file, 'utf8')).toContain('three')
  mkdirSync(folder.file('away'))
  renameSync(file, folder.file('away/log'))
  mkdirSync(file)
  log.reopen()
  await expect.poll(() => readFileSync(folder.file('away/log'), 'utf8')).toContain('log.not_reopened')
  const all = [`${file}.1`, folder.file('away/log')].map((each) => readFileSync(each, 'utf8')).join('')
  const events = all.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).event]))
  expect(events).toEqual(['one', 'two', 'three', 'log.not_reopened'])
})

test('lines for the journal begin with their priority, and others do not', async () => {
  const main = new URL('./children/log-to-output.ts', import.meta.url)
  const folder = temporaryFolder('log')
  onTestFinished(folder.remove)
  const file = folder.file('output')
  const fd = openSync(file, 'w')
  onTestFinished(() => closeSync(fd))
  const { dev, ino } = fstatSync(fd)
  const linesWith = async (JOURNAL_STREAM: string) => {
    truncateSync(file)
    const env = { ...process.env, JOURNAL_STREAM }
    const child = spawn(process.execPath, [fileURLToPath(main)], { env, stdio: ['ignore', fd, 'inherit'] })
    await once(child, 'exit')
    return readFileSync(file, 'utf8')
      .replaceAll('\0', '')
      .split('\n')
      .map((line) => line.slice(0, 4))
  }
  expect(await linesWith(`${dev}:${ino}`)).toEqual(['<6>{', '<4>{', '<3>{', '<7>{', ''])
  expect(await linesWith(`${dev}:${ino + 1}`)).toEqual(['{"le', '{"le', '{"le', '{"le', ''])
})
