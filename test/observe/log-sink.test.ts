import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { OperatorError } from '../../src/domain/errors.ts'
import { LogSink } from '../../src/observe/log-sink.ts'
import { temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { outputOf, type RealProcess, thisMachine } from '../real/process.ts'

function folder() {
  const made = temporaryFolder('log')
  onTestFinished(made.remove)
  return made
}

test('lines arrive whole and in their order, also many at once', async () => {
  const file = folder().file('deep/below/broker.log')
  const sink = LogSink.open(file, () => {})
  const lines = Array.from({ length: 5000 }, (_, number) => `line ${number} 密码\n`)
  for (const line of lines) sink.write(line)
  await expect.poll(() => readFileSync(file, 'utf8')).toBe(lines.join(''))
  sink.write('and one more\n')
  await expect.poll(() => readFileSync(file, 'utf8')).toMatch(/and one more\n$/)
})

test('an existing file is appended to', async () => {
  const file = folder().file('broker.log')
  LogSink.open(file, () => {}).write('before\n')
  await expect.poll(() => readFileSync(file, 'utf8')).toBe('before\n')
  LogSink.open(file, () => {}).write('after\n')
  await expect.poll(() => readFileSync(file, 'utf8')).toBe('before\nafter\n')
})

test('a file that cannot be opened is named', () => {
  const place = folder().path
  expect(() => LogSink.open(place, () => {})).toThrow(OperatorError)
  expect(() => LogSink.open(place, () => {})).toThrow(`the log file ${place} cannot be written`)
})

test('a new file belongs to its owner alone, and one that is there is taken from all but owner and group', () => {
  const { file } = folder()
  const modeOf = (path: string) => statSync(path).mode & 0o777
  LogSink.open(file('below/new.log'), () => {})
  expect([modeOf(file('below/new.log')), modeOf(file('below'))]).toEqual([0o600, 0o700])
  writeFileSync(file('open.log'), '')
  chmodSync(file('open.log'), 0o644)
  LogSink.open(file('open.log'), () => {})
  expect(modeOf(file('open.log'))).toBe(0o640)
})

test('a bounded amount waits, and further lines are counted as lost', async () => {
  const file = folder().file('broker.log')
  let lost = 0
  const sink = LogSink.open(file, (lines) => {
    lost += lines
  })
  const line = `${'x'.repeat(1024 * 1024 - 1)}\n`
  for (let count = 0; count < 20; count++) sink.write(line)
  await expect.poll(() => lost).toBeGreaterThan(0)
  await expect.poll(() => readFileSync(file).length / line.length).toBe(20 - lost)
})

describeWith(['mkfifo', 'cat'], 'a pipe', () => {
  test('without a reader loses lines, which are reported to the next reader', async () => {
    const pipe = folder().file('pipe')
    await outputOf(thisMachine, 'mkfifo', [pipe])
    const first = reader(pipe)
    const lost: number[] = []
    const sink = LogSink.open(pipe, (lines) => void lost.push(lines))
    sink.write('heard\n')
    await first.waitForOutput(/heard/)
    await first.stop()
    sink.write('lost\n')

    const second = reader(pipe)
    await expect
      .poll(() => {
        sink.write('heard again\n')
        return second.output()
      })
      .toContain('heard again')
    expect(second.output()).not.toContain('lost')
    await expect.poll(() => lost).toHaveLength(1)
    expect(lost[0]).toBeGreaterThanOrEqual(1)
  })
})

function reader(pipe: string): RealProcess {
  const process = thisMachine.start('cat', [pipe])
  onTestFinished(() => process.stop())
  return process
}
