import type { RequestHandler, Response } from 'express'
import { SharedPlaces } from '../pacing/shared-places.ts'
import { addressOf } from './peer.ts'
import { Problem } from './problem.ts'

/** Requests that a browser sends at a time: a client gets at least these slots, however few there are. */
const MIN_PER_CLIENT = 8

/** The slots for requests in progress, in total and by the client's networks. */
class Slots {
  readonly #places: SharedPlaces
  readonly #taken = new Map<Response, () => void>()

  constructor(slots: number) {
    this.#places = new SharedPlaces(slots, Math.max(Math.ceil(slots / 4), MIN_PER_CLIENT))
  }

  /** @throws Problem `busy` */
  take(response: Response, address: string): void {
    const release = this.#places.take(address) ?? this.#takeAnswered(address)
    if (release === undefined) throw new Problem('busy', { retryAfter: 1 })
    this.#taken.set(response, release)
  }

  release(response: Response): void {
    this.#taken.get(response)?.()
    this.#taken.delete(response)
  }

  /** A request's work ends when its answer is written, even if the client has yet to receive it; no event says so. */
  #takeAnswered(address: string): (() => void) | undefined {
    for (const response of this.#taken.keys()) if (response.writableEnded) this.release(response)
    return this.#places.take(address)
  }
}

/**
 * Bounds the requests in progress, those of one client's network to a quarter of them, and those of a wider network of
 * IPv6 to half. One more is refused at once, so that a flood queues nowhere.
 */
export function atMost(requests: number): RequestHandler {
  const slots = new Slots(requests)
  return (request, response, next) => {
    const client = addressOf(request)
    const slot = {
      release: () => slots.release(response),
      reacquire() {
        if (!response.closed && !response.writableEnded) slots.take(response, client)
      },
    }
    slots.take(response, client)
    response.locals.slot = slot
    response.once('close', slot.release)
    next()
  }
}

/** Gives the slot back: until `reacquireSlot` the request only waits for its client, or streams events for hours. */
export const releaseSlot: RequestHandler = (_request, response, next) => {
  response.locals.slot?.release()
  next()
}

/** @throws Problem `busy` */
export const reacquireSlot: RequestHandler = (_request, response, next) => {
  response.locals.slot?.reacquire()
  next()
}
