import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { buffer } from 'node:stream/consumers'

export interface Ask extends Pick<RequestOptions, 'agent' | 'method'> {
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is. */
  readonly body?: string | Buffer
  /** The own address, on loopback. */
  readonly from?: string
}

/** JSON whose parts a test looks into by name. */
interface Json {
  readonly [part: string]: Json
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Of an answer in JSON; an empty object for any other. */
  readonly json: Json
}

/** One request, without anything that a browser or a library would add. */
export async function ask(url: string, options: Ask = {}): Promise<HttpAnswer> {
  const { token, json, from, agent } = options
  const body = json === undefined ? options.body : JSON.stringify(json)
  const method = options.method ?? (body === undefined ? 'GET' : 'POST')
  const headers = {
    ...(json !== undefined && { 'content-type': 'application/json' }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
    ...options.headers,
  }
  const open = url.startsWith('https:') ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const request = open(url, {
      method,
      headers,
      localAddress: from,
      agent: agent ?? false,
      rejectUnauthorized: false,
    })
    request.on('error', reject)
    request.on('response', (response) => {
      buffer(response).then((octets) => {
        const text = octets.toString('utf8')
        const isJson =
          /json/.test(response.headers['content-type'] ?? '') &&
          !/ndjson/.test(response.headers['content-type'] ?? '')
        const { statusCode: status = 0, headers: answered } = response
        resolve({ status, headers: answered, text, json: isJson && text !== '' ? JSON.parse(text) : {} })
      }, reject)
    })
    request.end(body)
  })
}
