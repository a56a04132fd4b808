import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { Connection } from '../../src/identity/ldap/wire/connection.ts'
import { PresenceFilter } from '../../src/identity/ldap/wire/requests.ts'
import { Deadlines } from '../../src/pacing/deadlines.ts'
import { entry, reference, searchDone } from '../real/hostile-ldap.ts'

/** A connection in clear to a server that only listens, or answers whatever comes as the test says. */
async function openConnection({
  mustBeSecret = false,
  answer = (_socket: Socket): void => {},
  withinMs = 200,
} = {}) {
  const heard: Buffer[] = []
  const server = createServer((socket) => {
    socket
      .on('error', () => {})
      .on('data', (octets: Buffer) => {
        heard.push(octets)
        answer(socket)
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  const clock = systemClock
  const deadlines = new Deadlines({ clock, intervalMs: 20 })
  onTestFinished(() => {
    socket.destroy()
    server.close()
  })
  const connection = new Connection({ socket, mustBeSecret, edition: 0, deadlines, clock })
  const until = () => clock.monotonic() + withinMs
  const filter = new PresenceFilter({ attribute: 'objectClass' })
  const order = { base: 'dc=x', scope: 'sub', filter, attributes: ['cn'], timeLimit: 5 } as const
  return {
    heard,
    connection,
    bind: (name: string, password: string) => connection.bind(name, password, until()),
    search: (sizeLimit: number) => connection.search({ ...order, sizeLimit }, until()),
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

it('an answer of as many entries as were asked for is read, one of more ends the connection', async () => {
  const answer = (socket: Socket) => {
    for (const cn of ['a', 'b']) socket.write(entry(1, `cn=${cn}`, { cn: [cn] }))
    socket.write(searchDone(1))
  }
  const { search } = await openConnection({ answer })
  expect((await search(2)).entries.map(({ dn }) => dn)).toEqual(['cn=a', 'cn=b'])
  const greedy = await openConnection({ answer })
  await expect(greedy.search(1)).rejects.toThrow('it sent more entries than were asked for')
  expect(greedy.connection.isLost).toBe(true)
})

it.each([
  ['entries', entry(1, 'cn=a', { cn: ['x'.repeat(8000)] })],
  ['references', reference(1, `ldap://${'x'.repeat(8000)}/`)],
])(
  'an answer of too many octets ends the connection, however small its messages are: %s',
  async (_what, message) => {
    const answer = (socket: Socket) => {
      for (let count = 0; count < 1000; count += 1) socket.write(message)
    }
    const { connection, search } = await openConnection({ answer, withinMs: 5000 })
    await expect(search(1000)).rejects.toThrow('it sent more than an answer may hold')
    expect(connection.isLost).toBe(true)
  },
)
