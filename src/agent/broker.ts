import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import { messageOf, Unavailable } from '../domain/errors.ts'
import type { Secret } from '../domain/secret.ts'
import { refusalOf } from './refusal-of.ts'

/** Of the agent's way of talking with the broker. */
export const PROTOCOL = 1

export interface BrokerOptions {
  readonly url: URL
  readonly gateway: string
  /** Read again for each request, so that a new token needs no restart. */
  readonly token: () => Promise<Secret>
  /** In PEM; trusted in place of the system's authorities. */
  readonly authority?: string
}

type Message = 'results' | 'reports'

const ANSWERS_WITHIN_MS = 15_000
const MAX_PROBLEM = 64 * 1024
const MAX_WORDS = 500
/** A longer one is refused by the broker. */
const MAX_BODY = 4 * 1024 * 1024

/** The requests that an agent makes, and the doctor of its gateway. Every method throws `AgentRefused`, or `Unavailable`: then it is tried again. */
export class Broker {
  readonly #options: BrokerOptions
  readonly #connections: http.Agent

  constructor(options: BrokerOptions) {
    this.#options = options
    const keep = { keepAlive: true, maxSockets: 3 }
    this.#connections =
      options.url.protocol === 'https:'
        ? new https.Agent({ ...keep, ca: options.authority })
        : new http.Agent(keep)
  }

  /** Opens the stream of orders. @param signal closes it. */
  async orders(signal: AbortSignal): Promise<IncomingMessage> {
    return this.#ask('GET', 'orders', undefined, signal)
  }

  async tell(what: Message, body: unknown): Promise<void> {
    const json = JSON.stringify(body)
    if (Buffer.byteLength(json) > MAX_BODY)
      throw new Unavailable('broker', `${what} of more than ${MAX_BODY} octets cannot be sent`)
    const response = await this.#ask('POST', what, json, AbortSignal.timeout(ANSWERS_WITHIN_MS))
    response.resume()
  }

  /** What the broker expects of the gateway, and what it drops of it: JSON. */
  async expectation(withinMs: number): Promise<string> {
    const response = await this.#ask('GET', 'expectation', undefined, AbortSignal.timeout(withinMs))
    return textIn(response, MAX_BODY)
  }

  /** Why the broker ended the stream of a token that was good before. */
  refused(data: string): Error {
    return refusalOf(401, detailIn(data), this.#options)
  }

  close(): void {
    this.#connections.destroy()
  }

  async #ask(
    method: string,
    what: Message | 'orders' | 'expectation',
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { url, gateway } = this.#options
    const token = await this.#options.token()
    const path = `api/v1/gateways/${encodeURIComponent(gateway)}/agent/${what}`
    const target = new URL(path, url.href.endsWith('/') ? url : `${url.href}/`)
    const { request } = target.protocol === 'https:' ? https : http
    try {
      const asking = request(target, {
        method,
        agent: this.#connections,
        signal,
        timeout: ANSWERS_WITHIN_MS,
        headers: {
          authorization: `Bearer ${token.reveal()}`,
          'ocbroker-agent': String(PROTOCOL),
          ...(body === undefined
            ? { accept: what === 'orders' ? 'text/event-stream' : 'application/json' }
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        },
      })
      asking.once('timeout', () =>
        asking.destroy(new Error(`no answer within ${ANSWERS_WITHIN_MS / 1000} s`)),
      )
      // The request may fail once more after it was given up.
      asking.on('error', () => {})
      asking.end(body)
      const [response] = (await once(asking, 'response')) as [IncomingMessage]
      const expected = body === undefined ? 200 : 204
      if (response.statusCode === expected) return response
      throw refusalOf(response.statusCode ?? 0, await problemIn(response), this.#options)
    } catch (error) {
      throw refusalOf(error, messageOf(error), this.#options)
    }
  }
}

async function problemIn(response: IncomingMessage): Promise<string> {
  return detailIn(await textIn(response, MAX_PROBLEM).catch(() => ''))
}

async function textIn(response: IncomingMessage, most: number): Promise<string> {
  let length = 0
  response.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > most) response.destroy(new Error('the answer is too long'))
  })
  return text(response)
}

/** What a problem document (RFC 9457) says. A proxy answers in its own words, which are left out. */
function detailIn(json: string): string {
  try {
    const { detail, title } = JSON.parse(json) as Readonly<Record<string, unknown>>
    return String(detail ?? title ?? '').slice(0, MAX_WORDS)
  } catch {
    return ''
  }
}
