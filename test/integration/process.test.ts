import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { type RealProcess, thisMachine, waitForSocket } from '../real/process.ts'

const started: RealProcess[] = []

afterEach(async () => {
  for (const shell of started.splice(0)) await shell.stop()
})

function shell(script: string): RealProcess {
  const process = thisMachine.start('sh', ['-c', script])
  started.push(process)
  return process
}

describe('a started process', () => {
  test('can be waited for by what it says', async () => {
    const [, port] = await shell('sleep 0.1; echo listening on 4711; sleep 100').waitForOutput(/on (\d+)/)
    expect(port).toBe('4711')
  })

  test('that never says it is shown with what it did say', async () => {
    const waiting = shell('echo something else; sleep 100').waitForOutput(/ready/, 300)
    await expect(waiting).rejects.toThrow(/within 300 ms:\nsomething else/)
  })

  test('that ends without saying it is not waited for', async () => {
    const waiting = shell('echo no such file >&2; exit 1').waitForOutput(/ready/, 60_000)
    await expect(waiting).rejects.toThrow(/ended without saying .*:\nno such file/)
  })

  test('is ended although it ignores SIGTERM', async () => {
    const stubborn = shell("trap '' TERM; echo ready; while :; do sleep 0.1; done")
    await stubborn.waitForOutput(/ready/)
    await stubborn.stop({ within: 100 })
    expect(stubborn.isRunning()).toBe(false)
  })

  test('takes its own children with it', async () => {
    const parent = shell('sleep 100 & echo child $!; wait')
    const [, child] = await parent.waitForOutput(/child (\d+)/)
    await parent.stop()
    await expectGone(Number(child))
  })

  test('may be stopped twice', async () => {
    const once = shell('sleep 100')
    await once.stop()
    await once.stop()
    expect(once.isRunning()).toBe(false)
  })
})

describe('a program that is run to its end', () => {
  test('gives its exit code and both outputs', async () => {
    const { code, stdout, stderr } = await thisMachine.run('sh', ['-c', 'cat; echo bad >&2; exit 3'], {
      input: 'good\n',
    })
    expect({ code, stdout, stderr }).toEqual({ code: 3, stdout: 'good\n', stderr: 'bad\n' })
  })

  test('is stopped when it takes too long', async () => {
    const running = thisMachine.run('sh', ['-c', 'echo half; sleep 100'], { within: 200 })
    await expect(running).rejects.toThrow(/not ended after 200 ms:\nhalf/)
  })

  test('must be installed', async () => {
    await expect(thisMachine.run('no-such-program', [])).rejects.toThrow('no-such-program is not installed')
  })
})

test('a listening socket is waited for', async () => {
  const folder = temporaryFolder('socket')
  onTestFinished(folder.remove)
  const path = folder.file('socket')
  await expect(waitForSocket(path, 50)).rejects.toThrow(`nothing listened at ${path}`)
  const server = createServer().listen(path)
  await waitForSocket(path)
  server.close()
})

test('free ports of one test differ', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, freePort))
  expect(new Set(ports).size).toBe(20)
})

describeWith(['/proc/self/stat'], 'a test process that ends by', () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    test(`${signal} leaves no program and no folder behind`, async () => {
      const { pids, folder } = await interrupted(signal)
      for (const pid of pids) await expectGone(pid)
      expect(folder).toContain('ocbroker-victim-')
      await expect.poll(() => existsSync(folder), { timeout: 2000 }).toBe(false)
    })
  }
})

/** Has another process start a program that starts one too, and make a folder, and ends it by a signal. */
async function interrupted(signal: NodeJS.Signals): Promise<{ pids: number[]; folder: string }> {
  const script = `
    import { temporaryFolder } from '${import.meta.dirname}/../real/folder.ts'
    import { thisMachine } from '${import.meta.dirname}/../real/process.ts'
    const parent = thisMachine.start('sh', ['-c', 'sleep 100 & echo child $!; wait'])
    const [, child] = await parent.waitForOutput(/child (\\d+)/)
    console.log(JSON.stringify({ pids: [parent.pid, Number(child)], folder: temporaryFolder('victim').path }))
  `
  const victim = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(victim.stdout, 'data')) as [Buffer]
  victim.kill(signal)
  const [, by] = (await once(victim, 'exit')) as [null, NodeJS.Signals]
  expect(by).toBe(signal)
  return JSON.parse(line.toString()) as { pids: number[]; folder: string }
}

/** A process that has ended but that nobody has asked about yet, a zombie, is gone too. */
async function expectGone(pid: number): Promise<void> {
  await expect.poll(() => stateOf(pid), { timeout: 2000 }).toMatch(/^[ZX]?$/)
}

function stateOf(pid: number): string {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? ''
  } catch {
    return ''
  }
}
