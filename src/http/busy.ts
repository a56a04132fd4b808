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

/** Lets few through at one time, for one costly step of a request; a few more wait, in the order in which they came. */
export class Turnstile {
  readonly #places: number
  readonly #line: number
  readonly #waiting: (() => void)[] = []
  #taken = 0

  /** @param places at one time; @param line who may wait for one. */
  constructor(places: number, line: number) {
    this.#places = places
    this.#line = line
  }

  /** @throws Problem `busy` */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken < this.#places) this.#taken += 1
    else if (this.#waiting.length >= this.#line) throw new Problem('busy', { retryAfter: 1 })
    // Whoever leaves hands the place on.
    else await new Promise<void>((enter) => this.#waiting.push(enter))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#taken -= 1
      else next()
    }
  }
}
