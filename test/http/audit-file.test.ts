import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import express from 'express'
import { expect, onTestFinished, test } from 'vitest'
import type { AuditEvent } from '../../src/domain/audit.ts'
import { rightsToAll } from '../../src/domain/scope.ts'
import { auditRoutes } from '../../src/http/api/audit.ts'
import { auditFile } from '../../src/http/api/audit-file.ts'
import { Call } from '../../src/http/api/call.ts'
import { type Caller, setCaller } from '../../src/http/caller.ts'

const EVENT: AuditEvent = { id: 'id', at: 0, kind: 'login.refused', user: 'bob', detail: 'x'.repeat(10_000) }

test('a CSV file contains nothing that a spreadsheet would execute', () => {
  const cellOf = (user: string) =>
    auditFile.csv.lineOf({ ...EVENT, user, detail: 'end' }).split(/refused,|,,,,end/)[1]
  for (const [user, cell] of [
    ['bob', 'bob'],
    ['=1+1', "'=1+1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', '\\u{9}=1'],
    ['\n=1', '\\u{a}=1'],
    ['b\u202eo\u009bb', 'b\\u{202e}o\\u{9b}b'],
    ['＝1', "'＝1"],
    ['＋1', "'＋1"],
    ['－1', "'－1"],
    ['＠1', "'＠1"],
    ['bob;ann', '"bob;ann"'],
    ['bob;=1', `"bob;'=1"`],
    ['bob;"=1"', `"bob;'""=1"""`],
    ['bob;;-1', `"bob;;'-1"`],
    ['a-b@c', 'a-b@c'],
  ])
    expect([user, cellOf(user ?? '')]).toEqual([user, cell])
})

test('an export that its client does not receive is aborted', async () => {
  let chunks = 0
  const trail = {
    async list() {
      chunks += 1
      return Array.from({ length: 500 }, () => EVENT)
    },
    tail: () => Promise.reject(new Error('is not asked for')),
    positionOf: () => Promise.reject(new Error('is not asked for')),
  }
  const { exportAuditEvents } = auditRoutes({ recordsOf: () => ({ audit: trail }) as never }, 300)
  let socket: Socket | undefined
  const app = express().get('/', async (request, response) => {
    socket = request.socket
    setCaller(response, { rights: rightsToAll(['audit:read']) } as Caller)
    await exportAuditEvents?.(new Call(request, response))
  })
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  onTestFinished(() => void client.destroy())
  client.on('error', () => {})
  client.pause().write('GET /?limit=100000 HTTP/1.1\r\nHost: x\r\n\r\n')
  await expect.poll(() => socket?.destroyed, { timeout: 4_000 }).toBe(true)
  const read = chunks
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(chunks).toBe(read)
})
