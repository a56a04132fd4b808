import type { Request, Response } from 'express'
import type { AuditEvent } from '../../domain/audit.ts'
import { earliestId } from '../../domain/record-id.ts'
import { overOf } from '../../domain/scope.ts'
import { releaseSlot } from '../busy.ts'
import type { Caller } from '../caller.ts'
import type { LiveFeed } from '../live-feed.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import { demand } from './authenticate.ts'
import type { Handlers } from './call.ts'
import { eventWire } from './wire.ts'

type EventServices = Pick<HttpServices, 'clock' | 'maySee' | 'recordsOf'>

/** Streams at a time, in total and per caller, and the time between two heartbeats. */
const LIMITS = { most: 100, mostOfOne: 8, heartbeatMs: 15_000 }

/** Octets that may wait for a slow client before it is disconnected; it reconnects and is sent what it missed. */
const MAX_WAITING = 256 * 1024
/** A proxy in front must not buffer the events. */
const HEADERS = { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' }
/** How far back a client that reconnects is sent what it missed, in milliseconds and in events. */
const CATCH_UP_MS = 5 * 60_000
const CATCH_UP = 500

type Topic = 'lockouts' | 'logins'

const PREFIX: Readonly<Record<Topic, string>> = { lockouts: 'lockout.', logins: 'login.' }

/** The open streams, which end when the broker stops. */
export class EventStreams {
  readonly #open = new Set<{ readonly key: string; readonly response: Response }>()

  /** @throws Problem `busy` */
  add(key: string, response: Response, most: number, mostOfOne: number): void {
    const own = [...this.#open].filter((stream) => stream.key === key)
    if (this.#open.size >= most || own.length >= mostOfOne) throw new Problem('busy', { retryAfter: 30 })
    const stream = { key, response }
    this.#open.add(stream)
    response.once('close', () => this.#open.delete(stream))
  }

  endAll(): void {
    for (const { response } of this.#open) response.end()
  }
}

export function eventRoutes(
  { recordsOf, maySee, clock }: EventServices,
  feed: LiveFeed,
  streams: EventStreams,
  { most, mostOfOne, heartbeatMs } = LIMITS,
): Handlers {
  function beginStream(request: Request, response: Response): void {
    releaseSlot(request, response, () => {})
    response.set(HEADERS)
    response.write('retry: 3000\n\n')
    request.socket.setNoDelay(true)
  }

  /** Those of users whom the caller may see. */
  async function seenBy(caller: Caller, events: readonly AuditEvent[]): Promise<readonly AuditEvent[]> {
    if (overOf(caller.rights) === undefined) return events
    const seen = new Map<string, boolean>()
    for (const { user } of events)
      if (user !== undefined && !seen.has(user)) seen.set(user, await maySee(user, caller))
    return events.filter(({ user }) => user !== undefined && seen.get(user) === true)
  }

  async function missed(
    caller: Caller,
    lastSeen: string | undefined,
    prefixes: readonly string[],
  ): Promise<readonly AuditEvent[]> {
    const floor = earliestId(clock.now() - CATCH_UP_MS)
    if (lastSeen === undefined || lastSeen < floor) return []
    const events = await recordsOf(caller).audit.list({ after: lastSeen, order: 'oldest', limit: CATCH_UP })
    return events.filter(({ kind }) => prefixes.some((prefix) => kind.startsWith(prefix)))
  }

  /** Ends the stream when the caller's right to it ends. */
  function keepAlive(response: Response, caller: Caller): NodeJS.Timeout {
    return setInterval(() => {
      if (caller.until !== undefined && caller.until <= clock.now()) response.end()
      else if (!response.writableEnded) response.write(': still here\n\n')
      void caller.isStillGood().then(
        (isGood) => isGood || response.end(),
        () => response.end(),
      )
    }, heartbeatMs)
  }

  return {
    async streamEvents(call) {
      const { request, response, caller } = call
      const topics = (call.list('topics') ?? ['lockouts']) as readonly Topic[]
      if (topics.includes('logins')) demand(caller, 'audit:read', true)
      if (request.method === 'HEAD') {
        response.set(HEADERS).end()
        return undefined
      }
      const prefixes = topics.map((topic) => PREFIX[topic])
      const past = await missed(caller, request.get('last-event-id'), prefixes)
      // The client has disconnected meanwhile, and no event will say so.
      if (request.socket.destroyed) return undefined
      streams.add(caller.key, response, most, mostOfOne)
      beginStream(request, response)
      const pastIds = new Set(past.map(({ id }) => id))
      response.write(past.map(eventText).join(''))
      const send = (events: readonly AuditEvent[]) => {
        if (response.writableEnded) return
        if (events.length > 0) response.write(events.map(eventText).join(''))
        if (response.writableLength > MAX_WAITING) response.destroy()
      }
      // One batch after the other, in their order.
      let sent = Promise.resolve()
      const unlisten = feed.listen((events) => {
        const wanted = events.filter(
          ({ id, kind }) => !pastIds.has(id) && prefixes.some((prefix) => kind.startsWith(prefix)),
        )
        sent = sent
          .then(async () => send(await seenBy(caller, wanted)))
          // Which of them are the caller's cannot be told: the client comes back and is sent them then.
          .catch(() => void response.end())
      })
      const heartbeat = keepAlive(response, caller)
      response.once('close', () => {
        unlisten()
        clearInterval(heartbeat)
      })
      return undefined
    },
  }
}

/** One event in the form of https://html.spec.whatwg.org/multipage/server-sent-events.html. JSON has no line breaks. */
function eventText(event: AuditEvent): string {
  return `id: ${event.id}\nevent: ${event.kind}\ndata: ${JSON.stringify(eventWire(event))}\n\n`
}
