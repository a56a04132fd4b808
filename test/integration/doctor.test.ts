import { describe, expect, onTestFinished, test } from 'vitest'
import { install } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { startRedis } from '../real/redis.ts'

interface Findings {
  readonly findings: readonly { readonly about: string; readonly level: string; readonly says: string }[]
}

describe('ocbroker doctor', () => {
  test('finds nothing wrong with a running broker', async () => {
    const broker = await install()
    onTestFinished(broker.remove)
    const running = await broker.serve()
    onTestFinished(running.stop)
    await broker.ocbroker(['user', 'add', 'una', '--password-stdin'], { input: 'correct horse\n' })
    const { findings } = (await broker.ocbroker(['doctor'])) as Findings
    const levelOf = (about: string) => findings.find((finding) => finding.about.includes(about))?.level
    expect(
      ['authentication port', 'accounting port', 'storage', 'accounting in', 'disk of'].map(levelOf),
    ).toEqual(Array(5).fill('good'))
    expect(findings).toContainEqual(
      expect.objectContaining({ level: 'warning', says: '1 have no authenticator yet (una)' }),
    )
    expect(findings).toContainEqual(expect.objectContaining({ about: 'gateway gw', level: 'warning' }))
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
    const levels = async () => {
      const { stdout } = await broker.run(['doctor', '--json'])
      const { findings } = JSON.parse(stdout) as Findings
      return findings.filter(({ about }) => about === 'redis').map(({ level }) => level)
    }
    expect((await levels()).sort()).toEqual(['good', 'warning', 'warning'])
    await redis.kill()
    expect(await levels()).toEqual(['fault'])
  })
})
