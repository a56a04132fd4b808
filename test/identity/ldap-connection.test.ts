import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { Deadlines } from '../../src/domain/deadlines.ts'
import { Connection } from '../../src/identity/ldap/connection.ts'
import { NOBODY } from '../../src/identity/ldap/job.ts'

/** A connection in clear to a server that only listens. */
async function openConnection({ mustBeSecret = false } = {}) {
  const heard: Buffer[] = []
  const server = createServer((socket) => void socket.on('data', (octets: Buffer) => heard.push(octets)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  const clock = systemClock
  const deadlines = new Deadlines({ clock, everyMs: 20 })
  onTestFinished(() => {
    socket.destroy()
    server.close()
  })
  const connection = new Connection({ socket, mustBeSecret, edition: 0, deadlines, clock })
  const until = clock.monotonic() + 200
  return {
    heard,
    connection,
    bind: (name: string, password: string) => connection.bind(name, password, NOBODY, until),
  }
}

it('a bind without a password or a name, which would succeed as nobody, is never sent', async () => {
  const { heard, bind } = await openConnection()
  await expect(bind('uid=bob,dc=x', '')).rejects.toThrow('a bind needs a name and a password')
  await expect(bind('', 'right')).rejects.toThrow('a bind needs a name and a password')
  await expect(bind('uid=bob,dc=x', 'right')).rejects.toThrow('it does not answer')
  expect(Buffer.concat(heard).includes('right')).toBe(true)
  expect(heard).toHaveLength(1)
})

it('a bind where TLS was asked for does not go over a connection in clear, and ends it', async () => {
  const { heard, connection, bind } = await openConnection({ mustBeSecret: true })
  await expect(bind('uid=bob,dc=x', 'right')).rejects.toThrow('the connection is not secret')
  expect(connection.isLost).toBe(true)
  expect(heard).toEqual([])
})
