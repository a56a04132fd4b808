import type { RequestHandler, Response } from 'express'
import { Problem } from './problem.ts'

const leaving = new WeakMap<Response, () => void>()

/** Lets so many requests be worked on at one time; one more is refused at once, so that a flood of them waits nowhere. */
export function atMost(requests: number): RequestHandler {
  let working = 0
  return (_request, response, next) => {
    if (working >= requests) throw new Problem('busy', { retryAfter: 1 })
    working += 1
    let isIn = true
    const leave = () => {
      if (isIn) working -= 1
      isIn = false
    }
    leaving.set(response, leave)
    response.once('close', leave)
    next()
  }
}

/** For an answer that goes on for hours and costs next to nothing: it is bounded elsewhere. */
export function leaveQueue(response: Response): void {
  leaving.get(response)?.()
}

/** The same for one costly step of a request. */
export class Turnstile {
  readonly #places: number
  #taken = 0

  constructor(places: number) {
    this.#places = places
  }

  /** @throws Problem `busy` */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken >= this.#places) throw new Problem('busy', { retryAfter: 1 })
    this.#taken += 1
    try {
      return await work()
    } finally {
      this.#taken -= 1
    }
  }
}
