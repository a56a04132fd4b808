import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { buildAccessRequest } from '../src/radius/authenticators.ts'
import { encodeAttribute } from '../src/radius/dictionary.ts'
import { SharedSecret } from '../src/radius/shared-secret.ts'
import type { FloodOrder } from './commands.ts'

/** Different packets, sent over and over: making each one new would be the slowest part. */
const PACKETS = 1000

/** Sends well-formed Access-Requests at a steady rate, whatever becomes of them. @returns how many were sent. */
export async function flood(order: FloodOrder): Promise<number> {
  const packets = Array.from({ length: PACKETS }, strangersRequest)
  const socket = createSocket('udp4')
  socket.bind(0, order.source)
  await once(socket, 'listening')
  socket.connect(order.target.authPort, '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => {})
  const startedAt = performance.now()
  let sent = 0
  for (let passed = 0; passed < order.milliseconds; passed = performance.now() - startedAt) {
    const due = Math.floor((passed * order.packetsPerSecond) / 1000)
    for (; sent < due; sent += 1) socket.send(packets[sent % PACKETS] ?? '')
    await nextTurn()
  }
  socket.close()
  await once(socket, 'close')
  return sent
}

function strangersRequest(_: unknown, number: number): Buffer {
  return buildAccessRequest({
    identifier: number % 256,
    authenticator: randomBytes(16),
    secret: new SharedSecret(Buffer.from('not the secret of any gateway')),
    attributes: [
      encodeAttribute('User-Name', `stranger${number}`),
      encodeAttribute('User-Password', randomBytes(16)),
      encodeAttribute('NAS-IP-Address', '127.0.0.2'),
      encodeAttribute('Calling-Station-Id', '203.0.113.9'),
    ],
    messageAuthenticator: true,
  })
}
