import { createSocket } from 'node:dgram'
import { checkMessageAuthenticator, signReply } from '../src/radius/authenticators.ts'
import { Code } from '../src/radius/codes.ts'
import { decodePacket } from '../src/radius/packet.ts'
import { SharedSecret } from '../src/radius/shared-secret.ts'

/**
 * Answers Status-Server with the broker's codec and nothing else: what a process of Node can do at most on this
 * machine. Takes a port and a shared secret.
 */
const [port, text = ''] = process.argv.slice(2)
const secret = new SharedSecret(Buffer.from(text))
const socket = createSocket('udp4')
socket.on('message', (octets, { address, port: from }) => {
  const request = decodePacket(octets)
  if (checkMessageAuthenticator(request, secret) !== 'valid') return
  socket.send(
    signReply({ code: Code.AccessAccept, request, attributes: [], secret, messageAuthenticator: true }),
    from,
    address,
  )
})
socket.bind(Number(port), '127.0.0.1', () => process.stdout.write('listening\n'))
