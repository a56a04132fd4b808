import type { RequestHandler } from 'express'
import { Problem } from './problem.ts'

/** Lets so many requests be worked on at one time; one more is refused at once, so that a flood of them waits nowhere. */
export function atMost(requests: number): RequestHandler {
  let working = 0
  return (_request, response, next) => {
    if (working >= requests) throw new Problem('busy', { retryAfter: 1 })
    working += 1
    response.once('close', () => {
      working -= 1
    })
    next()
  }
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
