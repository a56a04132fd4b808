import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { startBroker } from './broker-server.ts'
import { type Case, type Context, localBroker, PLAIN, type Subject } from './case.ts'
import type { CodeMode } from './server.ts'

/** What it costs a login that the audit trail is sent on. */
export const AUDIT_CASES: readonly Case[] = [
  {
    name: 'audit-append',
    about: 'a whole login, password and code in one, with syslog by TCP and a webhook, against neither',
    operation: 'append',
    inFlight: 32,
    parts: ['login'],
    prepare: (around) => withAndWithout(around, 'append'),
  },
  {
    name: 'audit-code',
    about: 'the same with mode: only, the code without a password, so without argon2',
    operation: 'code',
    inFlight: 64,
    parts: ['login'],
    prepare: (around) => withAndWithout(around, 'only'),
  },
]

async function withAndWithout(around: Context, mode: CodeMode) {
  const { users, profiles } = around
  const folder = await around.store('audit', { from: 0, to: users, local: true })
  const key = folder.file('webhook.key')
  writeFileSync(key, `whsec_${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })
  const syslog = await listening(around, createServer(drain))
  const hook = createHttpServer((request, response) => {
    request.resume().once('end', () => response.writeHead(204).end())
  })
  const webhook = await listening(around, hook)
  const more = `audit:
  syslog: [{ name: siem, url: "tcp://127.0.0.1:${syslog}" }]
  webhook: [{ name: soc, url: "http://127.0.0.1:${webhook}/", secret_file: ${key} }]`
  const sends: Subject = {
    name: 'syslog and webhook',
    start: () => startBroker({ folder, mode, users, profiles, more }),
  }
  return {
    variants: PLAIN,
    subjects: [sends, { ...(await localBroker(around, mode)), name: 'neither' }],
  } as const
}

function drain(socket: Socket): void {
  socket.on('error', () => undefined).resume()
}

async function listening({ defer }: Context, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  defer(async () => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}
