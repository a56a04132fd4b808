import type { Request, Response } from 'express'
import type { AuditEvent } from '../../domain/audit.ts'
import type { AuditTrail } from '../../domain/audit-search.ts'
import type { Clock } from '../../domain/clock.ts'
import { earliestId } from '../../domain/record-id.ts'
import { leaveQueue } from '../busy.ts'
import type { Caller } from '../caller.ts'
import type { LiveFeed } from '../live-feed.ts'
import { Problem } from '../problem.ts'
import { demand } from './authenticate.ts'
import type { Handlers } from './call.ts'
import { eventWire } from './wire.ts'

export interface EventRoutesOptions {
  readonly feed: LiveFeed
  readonly trail: AuditTrail
  readonly clock: Clock
  /** Streams at one time, and of one caller. */
  readonly most?: number
  readonly mostOfOne?: number
  readonly heartbeatMs?: number
}

/** Octets that may wait for a client that reads slowly; then it is let go, and comes back for what it missed. */
const MOST_WAITING = 256 * 1024
/** How far back a client that comes back is told what it missed, in milliseconds, and how much of it. */
const CATCH_UP_MS = 5 * 60_000
const CATCH_UP = 500

type Topic = 'lockouts' | 'logins'

const PREFIX: Readonly<Record<Topic, string>> = { lockouts: 'lockout.', logins: 'login.' }

/** Streams that are open, to be ended when the broker stops. */
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

export function eventRoutes(options: EventRoutesOptions, streams: EventStreams): Handlers {
  const { feed, trail, clock, most = 100, mostOfOne = 8, heartbeatMs = 15_000 } = options

  function beginStream(request: Request, response: Response): void {
    leaveQueue(response)
    // A proxy in front must not keep events until it has a bufferful.
    response.set({ 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' })
    response.write('retry: 3000\n\n')
    request.socket.setNoDelay(true)
  }

  async function missed(
    lastSeen: string | undefined,
    prefixes: readonly string[],
  ): Promise<readonly AuditEvent[]> {
    const floor = earliestId(clock.now() - CATCH_UP_MS)
    if (lastSeen === undefined || lastSeen < floor) return []
    const events = await trail.search({ after: lastSeen, order: 'oldest', limit: CATCH_UP })
    return events.filter(({ kind }) => prefixes.some((prefix) => kind.startsWith(prefix)))
  }

  /** The right to listen may end before the stream does. */
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
      if (topics.includes('logins')) demand(caller, 'audit:read')
      const prefixes = topics.map((topic) => PREFIX[topic])
      const past = await missed(request.get('last-event-id'), prefixes)
      // Nothing would tell any more that the client has left.
      if (request.socket.destroyed) return undefined
      streams.add(caller.key, response, most, mostOfOne)
      beginStream(request, response)
      const told = new Set(past.map(({ id }) => id))
      response.write(past.map(eventText).join(''))
      const unlisten = feed.listen((events) => {
        if (response.writableEnded) return
        const wanted = events.filter(
          ({ id, kind }) => !told.has(id) && prefixes.some((prefix) => kind.startsWith(prefix)),
        )
        if (wanted.length > 0) response.write(wanted.map(eventText).join(''))
        if (response.writableLength > MOST_WAITING) response.destroy()
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
