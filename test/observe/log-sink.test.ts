import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { LogNotWritable, LogSink } from '../../src/observe/log-sink.ts'
import { temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { outputOf, type RealProcess, thisMachine } from '../real/process.ts'

function folder() {
  const made = temporaryFolder('log')
  onTestFinished(made.remove)
  return made
}

test('lines arrive whole and in their order, however many come at once', async () => {
  const file = folder().file('deep/below/broker.log')
  const sink = LogSink.open(file, () => {})
  const lines = Array.from({ length: 5000 }, (_, number) => `line ${number} 密码\n`)
  for (const line of lines) sink.write(line)
  await expect.poll(() => readFileSync(file, 'utf8')).toBe(lines.join(''))
  sink.write('and one more\n')
  await expect.poll(() => readFileSync(file, 'utf8')).toMatch(/and one more\n$/)
})

test('a file that is there is continued', async () => {
  const file = folder().file('broker.log')
  LogSink.open(file, () => {}).write('before\n')
  await expect.poll(() => readFileSync(file, 'utf8')).toBe('before\n')
  LogSink.open(file, () => {}).write('after\n')
  await expect.poll(() => readFileSync(file, 'utf8')).toBe('before\nafter\n')
})

test('a file that cannot be opened is named', () => {
  const place = folder().path
  expect(() => LogSink.open(place, () => {})).toThrow(LogNotWritable)
  expect(() => LogSink.open(place, () => {})).toThrow(`the log file ${place} cannot be written`)
})

test('no more than a bounded amount waits, and the rest is counted', async () => {
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
  test('whose reader goes away costs lines, which are counted once there is another', async () => {
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
