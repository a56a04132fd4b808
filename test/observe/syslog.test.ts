import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { AuditEvent } from '../../src/domain/audit.ts'
import { syslogSink } from '../../src/observe/sinks/syslog.ts'

const EVENTS = ['one', 'two'].map((id, at): AuditEvent => ({ id, at, kind: 'login.refused', user: '张伟' }))

/** What a receiver does with each connection. */
async function sinkTo(receive: (socket: Socket) => void) {
  const server = createServer({ allowHalfOpen: true }, receive).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return syslogSink({
    ...{ name: 'siem', transport: 'tcp', host: '127.0.0.1', port },
    ...{ facility: 'authpriv', hostname: 'broker', names: 'json' },
  })
}

const within = (ms: number) => AbortSignal.timeout(ms)

test('a batch is delivered when the receiver has read its end, each message with its length', async () => {
  let text = ''
  const sink = await sinkTo((socket) => {
    socket.setEncoding('ascii').on('data', (chunk) => {
      text += chunk
    })
    socket.once('end', () => socket.end())
  })
  await sink.send(EVENTS, within(10_000))
  const ids: unknown[] = []
  while (text !== '') {
    const [head = '', length] = /^(\d+) /.exec(text) ?? []
    const message = text.slice(head.length, head.length + Number(length))
    ids.push(JSON.parse(message.slice(message.indexOf('{'))).id)
    text = text.slice(head.length + Number(length))
  }
  expect(ids).toEqual(['one', 'two'])
})

test('a batch is not delivered where the receiver goes on holding the connection, resets it, or is not there', async () => {
  const silent = await sinkTo((socket) => void socket.resume())
  await expect(silent.send(EVENTS, within(300))).rejects.toThrow('did not close the connection in time')
  const gone = await sinkTo((socket) => socket.resetAndDestroy())
  await expect(gone.send(EVENTS, within(10_000))).rejects.toThrow()
  const nobody = syslogSink({
    ...{ name: 'siem', transport: 'tcp', host: '127.0.0.1', port: 1 },
    ...{ facility: 'authpriv', hostname: 'broker', names: 'json' },
  })
  await expect(nobody.send(EVENTS, within(10_000))).rejects.toThrow('ECONNREFUSED')
})
