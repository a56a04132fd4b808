import { type ClientRequest, type IncomingMessage, request as requestByHttp } from 'node:http'
import { request as requestByHttps } from 'node:https'
import { Unavailable } from '../domain/errors.ts'

/** What openid-client and jose ask for. */
interface FetchOptions {
  readonly method: string
  readonly headers: Readonly<Record<string, string>> | Headers
  readonly body?: unknown
  readonly signal?: AbortSignal
}

export type Fetch = (url: string, options: FetchOptions) => Promise<Response>

export const PROVIDER = 'single sign-on'
/** More than the keys and the description of any provider. */
const MAX_ANSWER_OCTETS = 512 * 1024

/**
 * As the fetch of the web, with its own CA certificates and a limit on the size of answers; follows no redirect.
 * @param authorities in PEM; absent: the system's. @param timeoutMs of one request, from the look-up of the name on.
 */
export function boundedFetch(authorities: string | undefined, timeoutMs: number): Fetch {
  return async (url, { method, headers, body, signal }) => {
    const ends = [AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])]
    const options = {
      method,
      headers: Object.fromEntries(new Headers(headers)),
      signal: AbortSignal.any(ends),
      agent: false,
    } as const
    try {
      const request: ClientRequest = url.startsWith('https:')
        ? requestByHttps(url, { ...options, ca: authorities, minVersion: 'TLSv1.2' })
        : requestByHttp(url, options)
      return await answerTo(request, body === undefined || body === null ? '' : String(body))
    } catch (error) {
      const { host } = new URL(url)
      const cause = options.signal.aborted ? 'no answer in time' : causeOf(error)
      throw new Unavailable(PROVIDER, `${host}: ${cause}`, { cause: error })
    }
  }
}

/** Of several addresses that were tried, the first. */
function causeOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  return first instanceof Error ? first.message : String(first)
}

async function answerTo(request: ClientRequest, body: string): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  request.once('response', resolve)
  request.once('error', reject)
  request.end(body)
  const incoming = await promise
  // From here on a broken connection shows in the reading.
  request.on('error', () => undefined)
  const chunks: Buffer[] = []
  let octets = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    octets += chunk.length
    if (octets > MAX_ANSWER_OCTETS) throw new Error(`the answer has more than ${MAX_ANSWER_OCTETS} octets`)
    chunks.push(chunk)
  }
  const { statusCode = 0, headers } = incoming
  if (statusCode < 200) throw new Error(`an answer with the status ${statusCode}`)
  const mayHaveBody = ![204, 205, 304].includes(statusCode)
  return new Response(mayHaveBody ? Buffer.concat(chunks) : null, {
    status: statusCode,
    headers: textHeaders(headers),
  })
}

function textHeaders(headers: IncomingMessage['headers']): Headers {
  const known = new Headers()
  for (const [name, value] of Object.entries(headers)) if (typeof value === 'string') known.set(name, value)
  return known
}
