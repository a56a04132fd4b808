import { describe, expect, onTestFinished, test } from 'vitest'
import { install } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { startRedis } from '../real/redis.ts'

interface Findings {
  readonly findings: readonly { readonly about: string; readonly verdict: string }[]
}

describe('ocbroker doctor', () => {
  test('finds nothing wrong with a running broker', async () => {
    const broker = await install()
    onTestFinished(broker.remove)
    const running = await broker.serve()
    onTestFinished(running.stop)
    await broker.ocbroker(['user', 'add', 'una', '--password-stdin'], { input: 'correct horse\n' })
    const { findings } = (await broker.ocbroker(['doctor'])) as Findings
    const verdictOf = (about: string) => findings.find((finding) => finding.about.includes(about))?.verdict
    expect(
      ['authentication port', 'accounting port', 'storage', 'accounting in', 'disk of'].map(verdictOf),
    ).toEqual(Array(5).fill('ok'))
    expect(findings).toContainEqual(
      expect.objectContaining({ verdict: 'warning', cause: '1 have no authenticator yet (una)' }),
    )
    expect(findings).toContainEqual(expect.objectContaining({ about: 'gateway gw', verdict: 'warning' }))
  })

  test('names a broker that hangs', async () => {
    const broker = await install()
    onTestFinished(broker.remove)
    const running = await broker.serve()
    onTestFinished(running.stop)
    running.process.signal('SIGSTOP')
    onTestFinished(() => running.process.signal('SIGCONT'))
    const { code, stdout } = await broker.run(['doctor', '--json', '--only', 'running'])
    expect(code).toBe(1)
    expect((JSON.parse(stdout) as Findings).findings).toMatchObject([
      { id: 'running', about: 'authentication port', verdict: 'fault' },
      { id: 'running', about: 'accounting port', verdict: 'fault' },
    ])
    expect(await broker.run(['doctor', '--only', 'runing'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no check runing'),
    })
  })

  test('fails where no broker runs, and says so for people', async () => {
    const broker = await install()
    onTestFinished(broker.remove)
    const { code, stdout } = await broker.run(['doctor'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^FAULT {4}authentication port: .*nobody listens there/m)
  })
})

describeWith(['redis-server', 'redis-cli'], 'ocbroker doctor on a Redis', () => {
  test('tells what is set wrong there, and that it is gone', async () => {
    const redis = await startRedis({ config: ['maxmemory-policy allkeys-lru'] })
    onTestFinished(redis.stop)
    const broker = await install({ sections: { redis: { url: `redis://127.0.0.1:${redis.port}` } } })
    onTestFinished(broker.remove)
    const verdicts = async () => {
      const { stdout } = await broker.run(['doctor', '--json'])
      const { findings } = JSON.parse(stdout) as Findings
      return findings.filter(({ about }) => about === 'redis').map(({ verdict }) => verdict)
    }
    expect((await verdicts()).sort()).toEqual(['ok', 'warning', 'warning'])
    await redis.kill()
    expect(await verdicts()).toEqual(['fault'])
  })
})
