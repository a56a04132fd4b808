import { constants, gzipSync } from 'node:zlib'
import type { Request, Response } from 'express'

/** Smaller answers fit into one packet as they are. */
const LEAST_OCTETS = 1000
/** A page of 100 kB takes about a millisecond; the best level would take five. */
const LEVEL = 4

/**
 * Sends HTML, compressed where the client can read that. A compressed answer tells by its length how much of it repeats
 * what its client sent (BREACH), so nothing that is to stay secret may stand in it as it is.
 */
export function sendCompressed(response: Response, html: string): void {
  response.vary('Accept-Encoding').type('html')
  if (html.length < LEAST_OCTETS || encodingFor(response.req, ['gzip']) === undefined)
    return void response.send(html)
  response
    .set('Content-Encoding', 'gzip')
    .send(gzipSync(html, { level: LEVEL, memLevel: constants.Z_MAX_MEMLEVEL }))
}

/** The first of these that the client can read; undefined for none. */
export function encodingFor<Encoding extends string>(
  request: Request,
  encodings: readonly Encoding[],
): Encoding | undefined {
  return encodings.find((encoding) => request.acceptsEncodings(encoding) === encoding)
}
