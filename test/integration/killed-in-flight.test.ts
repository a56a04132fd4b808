import { expect, onTestFinished, test } from 'vitest'
import { translator } from '../../src/i18n/messages.ts'
import { Code } from '../../src/radius/codes.ts'
import { SECRET, upstreamPeer } from '../identity/upstream-peer.ts'
import { type Installation, install, type RunningBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { ask, loginRequest, type Reply } from '../real/radius-socket.ts'
import { startRedis } from '../real/redis.ts'

const TOO_MANY = translator('en')('vpn.refused.rateLimited')

interface Site {
  readonly here: Installation
  readonly there: Installation
  /** Begins a guess that gets no answer; its user has no further one. */
  guess(): Promise<void>
}

const running = async (installation: Installation): Promise<RunningBroker> => {
  const broker = await installation.serve()
  onTestFinished(broker.stop)
  return broker
}

/** Two brokers that share a Redis and ask a server that answers all but the first password. */
async function siteOf(radius: Readonly<Record<string, unknown>> = {}): Promise<Site> {
  const redis = await startRedis()
  onTestFinished(redis.stop)
  let unanswered: Buffer | undefined
  const upstream = await upstreamPeer(({ packet, send, reply }) => {
    if (packet.code === Code.AccessRequest) unanswered ??= packet.raw
    if (unanswered === undefined || !packet.raw.equals(unanswered)) send(reply(Code.AccessAccept))
  })
  const sections = {
    // A guess in flight counts for a minute.
    radius: { deadline: '30s', ...radius },
    redis: { url: `redis://127.0.0.1:${redis.port}`, brokers: 2 },
    second_factor: { required: false },
    lockout: { after: 1 },
    identity: {
      order: ['up'],
      up: { type: 'radius', servers: [{ host: '127.0.0.1', port: upstream.port, secret: SECRET }] },
    },
  }
  const [here, there] = await Promise.all([install({ sections }), install({ sections })])
  for (const { remove } of [here, there]) onTestFinished(remove)
  return {
    here,
    there,
    async guess() {
      const gone = new AbortController()
      onTestFinished(() => gone.abort())
      void logIn(here, gone.signal)
      await expect.poll(() => unanswered, { timeout: 10_000 }).toBeDefined()
    },
  }
}

function logIn({ authPort, secret }: Installation, until?: AbortSignal): Promise<Reply | undefined> {
  const request = loginRequest({ secret, user: 'alice', password: 'a password' })
  return ask(authPort, request, { tries: 1, until })
}

describeWith(['redis-server', 'redis-cli'], 'a guess in flight, of one that the user has,', () => {
  test('holds nobody when its broker was killed and serves again', { timeout: 60_000 }, async () => {
    const { here, there, guess } = await siteOf()
    const [killed] = await Promise.all([running(here), running(there)])
    await guess()
    await killed.kill()
    expect(await logIn(there), 'its broker may live').toMatchObject({ message: TOO_MANY })
    const { logUntil } = await running(here)
    expect((await logIn(there))?.code).toBe('Access-Accept')
    expect((await logIn(here))?.code).toBe('Access-Accept')
    await logUntil('limits.runs_ended', { runs: 1 })
  })

  test('holds its place while its broker stalls and another starts', { timeout: 60_000 }, async () => {
    const { here, there, guess } = await siteOf()
    const [stalled] = await Promise.all([running(here), running(there)])
    await guess()
    stalled.process.signal('SIGSTOP')
    onTestFinished(stalled.kill)
    await expect(here.serve()).rejects.toThrow('holds the port')
    expect(await logIn(there)).toMatchObject({ message: TOO_MANY })
  })

  test('holds its place while its broker reloads, and none when its worker was killed', {
    timeout: 90_000,
  }, async () => {
    const { here, there, guess } = await siteOf({ workers: 2 })
    const [broker] = await Promise.all([running(here), running(there)])
    await guess()
    broker.process.signal('SIGHUP')
    await broker.process.waitForOutput(/"event":"reload\.done"/, 30_000)
    expect(await logIn(there)).toMatchObject({ message: TOO_MANY })
    for (const pid of await pidsOf(broker)) process.kill(pid, 'SIGKILL')
    await expect.poll(async () => (await logIn(there))?.code, { timeout: 20_000 }).toBe('Access-Accept')
  })
})

/** The processes with which it began to serve. */
async function pidsOf(broker: RunningBroker): Promise<readonly number[]> {
  const lines = await broker.logUntil('broker.listening')
  const serving = lines.filter(({ event }) => event === 'worker.serving')
  return serving.map(({ pid }) => Number(pid))
}
