import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Answers the requests of one connection one after another: the next is begun when the answer before it has left, so
 * that a client that sends many and reads nothing has one of them worked on. A connection on which more wait is closed.
 * @param most requests of one connection that are there at one time (pipelining, RFC 9112 §9.3.2).
 */
export function inTurn(most: number, answer: RequestListener): RequestListener {
  const lines = new WeakMap<Socket, (() => void)[]>()
  return (request, response) => {
    const { socket } = request
    const line = lines.get(socket) ?? []
    lines.set(socket, line)
    if (line.length >= most) {
      socket.destroy()
      return
    }
    line.push(() => answer(request, response))
    response.once('close', () => {
      line.shift()
      if (socket.writable) line[0]?.()
    })
    if (line.length === 1) line[0]?.()
  }
}
