import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { install, startBroker } from '../real/broker.ts'
import { thisMachine } from '../real/process.ts'

const ROOT = join(import.meta.dirname, '../..')
const TELL_COST = join(import.meta.dirname, 'tell-cost.mjs')
const MAX_IDLE_KIB = 200 * 1024

/** Processor milliseconds of a run in all its threads, the least of three, and the packages that it loads. */
async function costOf(args: readonly string[]) {
  const env = {
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/compiled'),
    NODE_OPTIONS: `--import=${TELL_COST}`,
  }
  const costs: number[] = []
  const packages = new Set<string>()
  // The first one compiles what it loads.
  for (let run = 0; run < 4; run++) {
    const { code, stderr } = await thisMachine.run(process.execPath, args, { env, cwd: ROOT })
    expect(code, stderr).toBe(0)
    const costLines = [...stderr.matchAll(/^COST (\d+) (.*)$/gm)]
    if (run > 0) costs.push(Math.max(...costLines.map(([, ms]) => Number(ms))))
    for (const [, , names = ''] of costLines) for (const name of names.split(' ')) packages.add(name)
  }
  return { ms: Math.min(...costs), packages }
}

test('a command loads what it needs and no more', async () => {
  const { configFile, run, remove } = await install()
  onTestFinished(remove)
  await run(['user', 'list'])
  // Measured beside each other: a busy machine makes both dearer.
  const whole = await costOf([
    '-e',
    `await import('${ROOT}/src/app/broker.ts'); await import('${ROOT}/src/app/http.ts')`,
  ])
  expect(whole.packages, 'the measurement sees packages').toContain('express')
  const help = await costOf(['src/main.ts', '--help'])
  expect([...help.packages].filter((name) => name !== 'commander')).toEqual([])
  expect(help.ms).toBeLessThan(whole.ms * 0.4)
  // It runs on gateways, some of which are small.
  const agent = await costOf(['src/main.ts', 'agent', '--help'])
  expect([...agent.packages].filter((name) => !['commander', 'ipaddr.js'].includes(name))).toEqual([])
  expect(agent.ms).toBeLessThan(whole.ms * 0.5)
  const list = await costOf(['src/main.ts', 'user', 'list', '--config', configFile])
  for (const name of ['express', 'pg', 'ioredis', 'ldapjs', 'pino', 'prom-client', 'eta'])
    expect(list.packages).not.toContain(name)
  expect(list.packages).toContain('zod')
  // 1.2 to 1.7 times; it was 2.4 times when every command loaded the identity stores and Redis.
  expect(list.ms).toBeLessThan(whole.ms * 2.1)
})

test('a broker that has nothing to do keeps little memory', async () => {
  const broker = await startBroker({ sections: { http: { address: '127.0.0.1', port: 0 } } })
  onTestFinished(broker.stop)
  const status = readFileSync(`/proc/${broker.process.pid}/status`, 'utf8')
  const [, kib] = /^VmRSS:\s*(\d+)/m.exec(status) ?? []
  expect(Number(kib)).toBeLessThan(MAX_IDLE_KIB)
})
