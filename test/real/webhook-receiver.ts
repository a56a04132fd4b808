import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The parts of a CloudEvent that tests look at. */
interface ReceivedEvent {
  readonly specversion: string
  readonly id: string
  readonly source: string
  readonly type: string
  readonly time: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface WebhookReceiver {
  readonly url: string
  /** For `secret_file`. */
  readonly secret: string
  /** All that came with a right signature, in that order. */
  readonly events: readonly ReceivedEvent[]
  readonly bodies: readonly string[]
  /** Headers of the last request. */
  readonly headers: IncomingHttpHeaders
  /** Why requests were refused. */
  readonly refused: readonly string[]
  /** What it answers from now on; 204 at first. Only with 204 does it keep what came. */
  answerWith(status: number): void
  stop(): Promise<void>
}

/** How far the clocks may differ, and how long a captured request can be used. */
const TOLERANCE_S = 300

/** A receiver that verifies as docs/log.md shows it. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const key = randomBytes(32)
  const events: ReceivedEvent[] = []
  const bodies: string[] = []
  const refused: string[] = []
  const seen = { status: 204, headers: {} as IncomingHttpHeaders }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    seen.headers = request.headers
    const why = faultOf(request.headers, body, key)
    if (why !== undefined) refused.push(why)
    if (why === undefined && seen.status === 204) {
      bodies.push(body)
      events.push(...(JSON.parse(body) as readonly ReceivedEvent[]))
    }
    response.writeHead(why === undefined ? seen.status : 401).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    secret: `whsec_${key.toString('base64')}`,
    events,
    bodies,
    refused,
    get headers() {
      return seen.headers
    },
    answerWith(status) {
      seen.status = status
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function faultOf(headers: IncomingHttpHeaders, body: string, key: Buffer): string | undefined {
  const [id, at] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])]
  if (!(Math.abs(Date.now() / 1000 - Number(at)) <= TOLERANCE_S)) return 'too old'
  const right = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest()
  const shown = String(headers['webhook-signature'])
    .split(' ')
    .map((each) => Buffer.from(each.replace(/^v1,/, ''), 'base64'))
  const isRight = shown.some((each) => each.length === right.length && timingSafeEqual(each, right))
  return isRight ? undefined : 'wrong signature'
}
