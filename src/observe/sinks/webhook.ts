import { createHash, createHmac } from 'node:crypto'
import { type ClientRequest, type IncomingMessage, request as requestByHttp } from 'node:http'
import { request as requestByHttps } from 'node:https'
import type { AuditEvent } from '../../domain/audit.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Secret } from '../../domain/secret.ts'
import { auditFields, type FieldNames } from '../audit-fields.ts'
import type { AuditSink } from './sink.ts'
import { optionsOf, type SinkTls } from './sink-tls.ts'

export interface WebhookOptions {
  readonly name: string
  readonly url: string
  /** `whsec_` and the key in base64. */
  readonly secret: Secret
  readonly tls?: SinkTls
  /** Events in one request, at most. */
  readonly batch: number
  readonly names: FieldNames
  readonly clock: Clock
}

const SECRET_PREFIX = 'whsec_'

/**
 * Posts the audit trail to a URL: CloudEvents 1.0 as a batch in JSON, signed as Standard Webhooks describe it
 * (https://www.standardwebhooks.com), so that their libraries verify it.
 */
export function webhookSink(options: WebhookOptions): AuditSink {
  const { name, batch, names, clock } = options
  return {
    name,
    batch,
    async send(events, signal) {
      const body = JSON.stringify(events.map((event) => cloudEvent(event, names)))
      const at = Math.trunc(clock.now() / 1000)
      const response = await post(body, headersFor(body, at, options.secret), options, signal)
      const { statusCode = 0 } = response
      if (statusCode < 200 || statusCode > 299) throw new Error(`the receiver answered with ${statusCode}`)
    },
  }
}

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
function cloudEvent(event: AuditEvent, names: FieldNames): object {
  const { id, kind, at, user } = event
  return {
    specversion: '1.0',
    id,
    // One for all brokers: an event that comes twice has the same source and id, whichever broker sends it.
    source: 'urn:ocbroker',
    type: `ocbroker.${kind}`,
    time: new Date(at).toISOString(),
    subject: user,
    datacontenttype: 'application/json',
    data: auditFields(event, names),
  }
}

/** @param at seconds since 1970. */
function headersFor(body: string, at: number, secret: Secret): Readonly<Record<string, string | number>> {
  // The same events have the same identifier when they come again.
  const id = `batch_${createHash('sha256').update(body).digest('hex').slice(0, 32)}`
  const key = Buffer.from(secret.reveal().slice(SECRET_PREFIX.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')
  return {
    'Content-Type': 'application/cloudevents-batch+json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'User-Agent': 'ocbroker',
    'Webhook-Id': id,
    'Webhook-Timestamp': at,
    'Webhook-Signature': `v1,${signature}`,
  }
}

/** Resolves with the head of the answer; its body is of no interest. No redirect is followed. */
function post(
  body: string,
  headers: Readonly<Record<string, string | number>>,
  { url, tls }: WebhookOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const options = { method: 'POST', headers, signal, agent: false }
  const request: ClientRequest = url.startsWith('https:')
    ? requestByHttps(url, { ...options, ...optionsOf(tls) })
    : requestByHttp(url, options)
  request.once('response', (response) => {
    response.destroy()
    resolve(response)
  })
  request.once('error', (error) => reject(signal.aborted ? new Error('no answer in time') : error))
  request.end(body)
  return promise
}
