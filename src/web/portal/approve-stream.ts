import type { Request, Response } from 'express'
import type { EventStreams } from '../../http/api/events.ts'
import { browserSessionOf } from '../../http/browser-session.ts'
import { releaseSlot } from '../../http/busy.ts'

const MAX_STREAMS = 500
const MAX_OF_ONE = 4
const EVERY_MS = 1000
/** Looks between two checks of the session, each of which also shows the proxy in front that the stream lives. */
const LOOKS_A_CHECK = 15
/** A proxy in front must not buffer the events. */
const HEADERS = { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' }

export interface Watched {
  /** Who watches: streams are bounded by it. */
  readonly key: string
  /** What the page shows, in a few characters. @throws Unavailable */
  readonly now: () => Promise<string>
}

/**
 * Sends an event each time that the page would show something else, until the browser leaves or its session ends. The
 * browser comes back by itself after an outage. @throws Problem `busy`
 */
export function streamChanges(
  request: Request,
  response: Response,
  streams: EventStreams,
  { key, now }: Watched,
): void {
  streams.add(key, response, MAX_STREAMS, MAX_OF_ONE)
  releaseSlot(request, response, () => {})
  response.set(HEADERS)
  response.write('retry: 3000\n\n')
  const browser = browserSessionOf(request)
  let last: string | undefined
  let looks = 0
  let isLooking = false
  const look = async () => {
    looks += 1
    if (looks % LOOKS_A_CHECK === 0) {
      if ((await browser.present()) === undefined) return void response.end()
      response.write(': still here\n\n')
    }
    const shown = await now()
    if (shown !== last && !response.writableEnded) response.write(`event: change\ndata: ${shown}\n\n`)
    last = shown
  }
  const timer = setInterval(() => {
    if (isLooking || response.writableEnded) return
    isLooking = true
    look()
      .catch(() => response.end())
      .finally(() => {
        isLooking = false
      })
  }, EVERY_MS)
  timer.unref()
  response.once('close', () => clearInterval(timer))
}
