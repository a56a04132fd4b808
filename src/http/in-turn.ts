import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Handles the requests of one connection one after another: the next starts when the previous answer has been sent, so
 * that a client that sends many and reads nothing occupies the broker with one. Closes a connection with too many.
 * @param most pipelined requests of one connection (RFC 9112 §9.3.2).
 */
export function inTurn(most: number, answer: RequestListener): RequestListener {
  const queues = new WeakMap<Socket, (() => void)[]>()
  return (request, response) => {
    const { socket } = request
    const queue = queues.get(socket) ?? []
    queues.set(socket, queue)
    if (queue.length >= most) {
      socket.destroy()
      return
    }
    queue.push(() => answer(request, response))
    response.once('close', () => {
      queue.shift()
      if (socket.writable) queue[0]?.()
    })
    if (queue.length === 1) queue[0]?.()
  }
}
