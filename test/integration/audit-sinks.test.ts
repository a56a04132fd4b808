import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { AuditEvent } from '../../src/domain/audit.ts'
import { type Installation, install, type RunningBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { outputOf, thisMachine } from '../real/process.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'
import { RSYSLOG_NEEDS, type Rsyslog, startRsyslog } from '../real/rsyslog.ts'
import { startWebhookReceiver, type WebhookReceiver } from '../real/webhook-receiver.ts'

/** A sink that fails is tried again after a minute at most. */
const DELIVERED = { timeout: 75_000, interval: 200 }
const NEXT = /^\d{4}-\d\d-\d\dT/

describeWith([...RSYSLOG_NEEDS, 'logrotate'], 'the audit trail elsewhere', () => {
  const resources = new AsyncDisposableStack()
  let rsyslog: Rsyslog
  let webhook: WebhookReceiver
  let broker: Installation
  let running: RunningBroker
  let attempts = 0

  beforeAll(async () => {
    rsyslog = await startRsyslog()
    resources.defer(rsyslog.stop)
    webhook = await startWebhookReceiver()
    resources.defer(webhook.stop)
    const { ports, certificates } = rsyslog
    const tls = {
      ca_file: certificates.authority,
      cert_file: certificates.certificate,
      key_file: certificates.key,
    }
    broker = await install({
      sections: {
        limits: { user: '1000/1s', address: '1000/1s' },
        lockout: { after: 1000, user_after: 1000, address_after: 1000, hard_after: 1000 },
        audit: {
          syslog: [
            { name: 'udp', url: `udp://127.0.0.1:${ports.udp}` },
            { name: 'tcp', url: `tcp://127.0.0.1:${ports.tcp}`, facility: 'local3' },
            { name: 'tls', url: `tls://localhost:${ports.tls}`, tls },
          ],
          webhook: [{ name: 'soc', url: webhook.url, secret_file: 'webhook.key', batch: 7 }],
        },
      },
    })
    resources.defer(broker.remove)
    writeFileSync(broker.folder.file('webhook.key'), `${webhook.secret}\n`, { mode: 0o600 })
    running = await broker.serve()
    resources.defer(() => running.stop())
  })
  afterAll(() => resources.disposeAsync())

  /** Each is an event: nobody knows these users. */
  async function guesses(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      attempts += 1
      const request = loginRequest({ secret: broker.secret, user: `user-${attempts}`, password: 'wrong' })
      await ask(broker.authPort, request)
    }
  }

  const trail = async () =>
    ((await broker.ocbroker(['audit', '--limit', '1000'])) as readonly AuditEvent[]).toReversed()
  const idsOf = (transport: 'udp' | 'tcp' | 'tls') =>
    rsyslog.messages(transport).map(({ event }) => String(event.id))
  const once = (ids: readonly string[]) => [...new Set(ids)]

  test('reaches syslog by UDP, TCP and TLS, and a webhook, as it is and in its order', async () => {
    await broker.ocbroker(['user', 'add', 'zoë', '--password-stdin'], { input: 'correct horse 密码' })
    await guesses(20)
    const events = await trail()
    const ids = events.map(({ id }) => id)
    expect(ids.length).toBeGreaterThan(20)
    for (const transport of ['udp', 'tcp', 'tls'] as const)
      await expect.poll(() => idsOf(transport), DELIVERED).toEqual(ids)
    await expect.poll(() => webhook.events.map(({ id }) => id), DELIVERED).toEqual(ids)

    const [added] = events
    const [message] = rsyslog.messages('tcp')
    // local3 and notice.
    expect(message).toMatchObject({ version: '1', priority: '157', app: 'ocbroker', kind: 'user.added' })
    expect(message?.event).toMatchObject({
      user: 'zoë',
      actor: added?.actor,
      at: expect.stringMatching(NEXT),
    })
    expect(rsyslog.messages('tls')[0]?.priority, 'authpriv').toBe('85')
    expect(webhook.refused).toEqual([])
    expect(webhook.headers).toMatchObject({
      'content-type': 'application/cloudevents-batch+json; charset=utf-8',
      'webhook-id': expect.stringMatching(/^batch_[0-9a-f]{32}$/),
    })
    expect(webhook.events[0]).toMatchObject({
      specversion: '1.0',
      source: 'urn:ocbroker',
      type: 'ocbroker.user.added',
      subject: 'zoë',
      data: { kind: 'user.added', user: 'zoë' },
    })
    expect(Math.max(...webhook.bodies.map((body) => JSON.parse(body).length))).toBeLessThanOrEqual(7)
    await running.logUntil('user.added', { user: 'zoë', id: String(added?.id) })
  })

  test('loses nothing by an outage of the receivers and a kill of the broker', {
    timeout: 180_000,
  }, async () => {
    await rsyslog.end('SIGKILL')
    webhook.answerWith(503)
    await guesses(15)
    await running.logUntil('audit.sink_fails', { sink: 'tcp' })
    await running.logUntil('audit.sink_fails', { sink: 'soc', why: /503/ })
    await running.kill()
    running = await broker.serve()
    await guesses(15)
    const findings = (await broker.run(['doctor', '--json', '--only', 'audit-sinks'])).stdout
    expect(findings).toContain('the receiver answered with 503')
    await rsyslog.start()
    webhook.answerWith(204)
    await guesses(5)
    const ids = (await trail()).map(({ id }) => id)
    for (const transport of ['tcp', 'tls'] as const)
      await expect.poll(() => once(idsOf(transport)), DELIVERED).toEqual(ids)
    await expect.poll(() => once(webhook.events.map(({ id }) => id)), DELIVERED).toEqual(ids)
    await running.logUntil('audit.sink_delivers', { sink: 'soc' })
  })

  test('goes on in a new file of the log when logrotate has moved the old one, by every worker', async () => {
    const rotated = await install({ sections: { radius: { workers: 2 }, log: { file: 'broker.log' } } })
    onTestFinished(rotated.remove)
    const serving = rotated.start(['serve'])
    onTestFinished(() => serving.stop())
    await serving.waitForOutput(/Accounting \(RADIUS\) on/, 40_000)
    const log = rotated.folder.file('broker.log')
    const eventsIn = (file: string) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [String(JSON.parse(line).event)]))
    await expect.poll(() => eventsIn(log), DELIVERED).toContain('broker.listening')

    const shipped = readFileSync(join(import.meta.dirname, '../../deploy/debian/logrotate'), 'utf8')
    const settings = shipped
      .replace('/var/lib/ocbroker/*.log', log)
      .replace(/^ *su .*\n/m, '')
      .replace(/systemctl kill .*/, `kill -USR1 ${serving.pid}`)
    writeFileSync(rotated.folder.file('logrotate.conf'), settings, { mode: 0o600 })
    const state = rotated.folder.file('logrotate.state')
    const rotation = ['--force', '--state', state, rotated.folder.file('logrotate.conf')]
    await outputOf(thisMachine, 'logrotate', rotation)
    const all = () => [serving.pid, ...childrenOf(serving.pid)]
    expect(all()).toHaveLength(3)
    for (const pid of all()) await expect.poll(() => filesOf(pid), DELIVERED).toContain(log)
    await ask(rotated.authPort, loginRequest({ secret: rotated.secret, user: 'bob', password: 'wrong' }))
    await expect.poll(() => eventsIn(log), DELIVERED).toContain('login.refused')
    expect(eventsIn(`${log}.1`)).not.toContain('login.refused')
    for (const pid of all()) expect(filesOf(pid)).not.toContain(`${log}.1`)
  })
})

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

/** The files that a process has open, by their present names. */
function filesOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      return []
    }
  })
}
