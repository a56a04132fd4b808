import type { RequestHandler } from 'express'
import { Problem } from './problem.ts'

/**
 * Refuses bodies of more octets than this: by the declared length before anything is read, or else at the first octet
 * too many, where a body parser would read to the end. The parser must follow directly, since this starts the stream.
 */
export function noBodyBeyond(octets: number): RequestHandler {
  return (request, _response, next) => {
    if (Number(request.headers['content-length'] ?? 0) > octets) throw new Problem('body-too-large')
    if (request.headers['transfer-encoding'] === undefined) return next()
    let received = 0
    const count = (chunk: Buffer) => {
      received += chunk.length
      if (received <= octets) return
      request.off('data', count)
      next(new Problem('body-too-large'))
    }
    request.on('data', count)
    next()
  }
}

const OPENING = new Set(Buffer.from('[{'))
const CLOSING = new Set(Buffer.from(']}'))
const QUOTE = '"'.charCodeAt(0)
const BACKSLASH = '\\'.charCodeAt(0)

/**
 * For the JSON parser's `verify`: refuses a body that nests deeper than this before any recursive code can run out of
 * stack on it.
 * @param levels nested arrays and objects. @throws Error, which the parser reports as a malformed body.
 */
export function refuseDepthBeyond(levels: number) {
  return (_request: unknown, _response: unknown, body: Buffer): void => {
    let depth = 0
    let isInText = false
    for (let at = 0; at < body.length; at++) {
      const octet = body[at] as number
      if (isInText) {
        if (octet === BACKSLASH) at++
        else if (octet === QUOTE) isInText = false
      } else if (octet === QUOTE) isInText = true
      else if (OPENING.has(octet)) depth += 1
      else if (CLOSING.has(octet)) depth -= 1
      if (depth > levels) throw new Error(`the body nests deeper than ${levels} levels`)
    }
  }
}
