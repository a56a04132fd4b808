import type { RequestHandler, Response } from 'express'
import { customerNetwork } from '../domain/network.ts'
import { addressOf } from './peer.ts'
import { Problem } from './problem.ts'

/** As many as a browser asks for at one time, where a part of all places would be less. */
const FEWEST_OF_ONE = 8

const placesOf = new WeakMap<Response, { readonly leave: () => void; readonly comeBack: () => void }>()

/** Requests that are worked on, and for whom. */
class Places {
  readonly #places: number
  readonly #mostOfOne: number
  readonly #taken = new Map<Response, string>()
  readonly #ofCustomer = new Map<string, number>()

  constructor(places: number) {
    this.#places = places
    this.#mostOfOne = Math.max(Math.ceil(places / 4), FEWEST_OF_ONE)
  }

  /** @throws Problem `busy` */
  take(response: Response, customer: string): void {
    if (!this.#hasRoomFor(customer)) this.#leaveAnswered()
    if (!this.#hasRoomFor(customer)) throw new Problem('busy', { retryAfter: 1 })
    this.#taken.set(response, customer)
    this.#ofCustomer.set(customer, (this.#ofCustomer.get(customer) ?? 0) + 1)
  }

  leave(response: Response): void {
    const customer = this.#taken.get(response)
    if (customer === undefined) return
    this.#taken.delete(response)
    const left = (this.#ofCustomer.get(customer) ?? 1) - 1
    if (left === 0) this.#ofCustomer.delete(customer)
    else this.#ofCustomer.set(customer, left)
  }

  #hasRoomFor(customer: string): boolean {
    return this.#taken.size < this.#places && (this.#ofCustomer.get(customer) ?? 0) < this.#mostOfOne
  }

  /** The work is done with the last octet of the answer, whenever the client takes it; no event tells of that. */
  #leaveAnswered(): void {
    for (const response of this.#taken.keys()) if (response.writableEnded) this.leave(response)
  }
}

/**
 * Lets so many requests be worked on at one time, and of one customer's network no more than a quarter of them; one more
 * is refused at once, so that a flood of them waits nowhere.
 */
export function atMost(requests: number): RequestHandler {
  const places = new Places(requests)
  return (request, response, next) => {
    const customer = customerNetwork(addressOf(request))
    const leave = () => places.leave(response)
    places.take(response, customer)
    placesOf.set(response, {
      leave,
      comeBack: () => {
        if (!response.closed && !response.writableEnded) places.take(response, customer)
      },
    })
    response.once('close', leave)
    next()
  }
}

/** For an answer that goes on for hours and costs next to nothing: it is bounded elsewhere. */
export function leaveQueue(response: Response): void {
  placesOf.get(response)?.leave()
}

/** From here until `comeBack` nothing is done for the request but waiting for what its client sends. */
export const stepOut: RequestHandler = (_request, response, next) => {
  placesOf.get(response)?.leave()
  next()
}

/** @throws Problem `busy` */
export const comeBack: RequestHandler = (_request, response, next) => {
  placesOf.get(response)?.comeBack()
  next()
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
