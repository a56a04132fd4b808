import { once } from 'node:events'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { capConnections } from '../../src/http/connections.ts'

/** A server behind these limits. */
async function openServer(all: number, perAddress: number) {
  const server = createServer()
  capConnections(server, { all, perAddress, isProxy: (address) => address === '127.0.0.3' })
  server.on('connection', (socket) => {
    socket.on('error', () => {})
    if (!socket.destroyed) socket.write('in')
  })
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return async (from: string) => {
    const { port } = server.address() as AddressInfo
    const socket = connect({ port, host: '127.0.0.1', localAddress: from })
    onTestFinished(() => void socket.destroy())
    const word = once(socket, 'data').then(() => 'in')
    const end = once(socket, 'close').then(() => 'closed')
    socket.on('error', () => {})
    return { socket, fate: await Promise.race([word, end].map((each) => each.catch(() => 'closed'))) }
  }
}

test('one peer has so many connections at a time, and another has as many', async () => {
  const knock = await openServer(100, 2)
  const first = await knock('127.0.0.1')
  expect([first.fate, (await knock('127.0.0.1')).fate]).toEqual(['in', 'in'])
  expect((await knock('127.0.0.1')).fate).toBe('closed')
  expect((await knock('127.0.0.2')).fate).toBe('in')
  first.socket.destroy()
  await expect.poll(async () => (await knock('127.0.0.1')).fate).toBe('in')
  expect((await knock('127.0.0.1')).fate).toBe('closed')
})

test('one IPv6 customer has no more of them by having many addresses', () => {
  const server = createServer()
  capConnections(server, { all: 100, perAddress: 2, isProxy: () => false })
  const knock = (remoteAddress: string) => {
    const socket = new Socket()
    Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress })
    server.emit('connection', socket)
    return socket.destroyed ? 'closed' : 'in'
  }
  const from = ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8:0:1::1']
  expect(from.map(knock)).toEqual(['in', 'in', 'closed', 'in'])
})

test('a proxy, which speaks for many, has as many as there are', async () => {
  const knock = await openServer(4, 2)
  for (let count = 0; count < 4; count++) expect((await knock('127.0.0.3')).fate).toBe('in')
  expect((await knock('127.0.0.3')).fate).toBe('closed')
})
