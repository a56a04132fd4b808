import { once } from 'node:events'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { capConnections } from '../../src/http/connections.ts'

/** A server behind these limits. */
async function openServer(all: number, perAddress: number) {
  const server = createServer()
  capConnections(server)({ all, perAddress, isProxy: (address) => address === '127.0.0.3' })
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

test('the limit of connections applies to each peer', async () => {
  const knock = await openServer(100, 2)
  const first = await knock('127.0.0.1')
  expect([first.fate, (await knock('127.0.0.1')).fate]).toEqual(['in', 'in'])
  expect((await knock('127.0.0.1')).fate).toBe('closed')
  expect((await knock('127.0.0.2')).fate).toBe('in')
  first.socket.destroy()
  await expect.poll(async () => (await knock('127.0.0.1')).fate).toBe('in')
  expect((await knock('127.0.0.1')).fate).toBe('closed')
})

test('many addresses of one IPv6 network share one limit', () => {
  const server = createServer()
  capConnections(server)({ all: 100, perAddress: 2, isProxy: () => false })
  const knock = (remoteAddress: string) => {
    const socket = new Socket()
    Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress })
    server.emit('connection', socket)
    return socket.destroyed ? 'closed' : 'in'
  }
  const from = ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8:0:1::1']
  expect(from.map(knock)).toEqual(['in', 'in', 'closed', 'in'])
})

test('a wider IPv6 network has half of all connections', () => {
  const server = createServer()
  capConnections(server)({ all: 6, perAddress: 2, isProxy: () => false })
  const knock = (remoteAddress: string) => {
    const socket = new Socket()
    Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress })
    server.emit('connection', socket)
    return socket.destroyed ? 'closed' : 'in'
  }
  const sites = (count: number, step: number) =>
    Array.from({ length: count }, (_, i) => knock(`2001:db8:${step}:${(i * step).toString(16)}::1`))
  expect(sites(4, 1), 'one /56').toEqual(['in', 'in', 'in', 'closed'])
  expect(sites(4, 256), 'one /48').toEqual(['in', 'in', 'in', 'closed'])
})

test('a trusted proxy has no limit of its own', async () => {
  const knock = await openServer(4, 2)
  for (let count = 0; count < 4; count++) expect((await knock('127.0.0.3')).fate).toBe('in')
  expect((await knock('127.0.0.3')).fate).toBe('closed')
})
