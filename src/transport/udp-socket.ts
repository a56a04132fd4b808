import type { Socket, SocketOptions } from 'node:dgram'

/** Room in the kernel for a burst while the broker is busy, in octets. */
const RECEIVE_BUFFER = 4 * 1024 * 1024

/** What a socket of this address is made with. */
export function socketOptions(address: string): SocketOptions {
  const type = address.includes(':') ? 'udp6' : 'udp4'
  return { type, ipv6Only: type === 'udp6' }
}

export function makeRoom(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER)
  } catch {
    // The system's own size serves as well.
  }
}
