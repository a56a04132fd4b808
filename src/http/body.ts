import type { RequestHandler } from 'express'
import { Problem } from './problem.ts'

/**
 * Refuses bodies of more octets than this: by their declared length before any of it is read, and otherwise at the
 * first octet too many. The parsers behind it would first read all of it to its end. They have to stand directly behind
 * it, as it makes the body flow.
 */
export function noBodyBeyond(octets: number): RequestHandler {
  return (request, _response, next) => {
    if (Number(request.headers['content-length'] ?? 0) > octets) throw new Problem('body-too-large')
    if (request.headers['transfer-encoding'] === undefined) return next()
    let come = 0
    const count = (chunk: Buffer) => {
      come += chunk.length
      if (come <= octets) return
      request.off('data', count)
      next(new Problem('body-too-large'))
    }
    request.on('data', count)
    next()
  }
}
