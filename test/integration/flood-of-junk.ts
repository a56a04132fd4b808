import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Sends junk to a port of this machine: PORT PACKETS_A_SECOND MILLISECONDS. A third of it begins as a request would. */
const [port = 0, rate = 0, milliseconds = 0] = process.argv.slice(2).map(Number)
const junk = Array.from({ length: 999 }, (_, number) => {
  const octets = randomBytes(20 + (number % 180))
  if (number % 3 === 0) {
    octets.writeUInt8(1, 0)
    octets.writeUInt16BE(octets.length, 2)
  }
  return octets
})
const socket = createSocket('udp4')
socket.on('error', () => undefined)
await new Promise<void>((resolve) => socket.connect(port, '127.0.0.1', resolve))
const startedAt = performance.now()
let sent = 0
for (let passed = 0; passed < milliseconds; passed = performance.now() - startedAt) {
  const due = Math.floor((passed * rate) / 1000)
  for (; sent < due; sent += 1) socket.send(junk[sent % junk.length] ?? '')
  await nextTurn()
}
console.log(`sent ${sent}`)
process.exit()
