import type { Request, Response } from 'express'
import { type Caller, callerOf } from '../caller.ts'
import { Problem } from '../problem.ts'

/** What an operation answers; a body is sent as JSON. */
export interface Answer {
  readonly status?: number
  readonly body?: unknown
}

/** Handles one operation of the contract, whose request was validated. Returns undefined if it sent the answer itself. */
export type Handler = (call: Call) => Promise<Answer | undefined>

/** By `operationId`. */
export type Handlers = Readonly<Record<string, Handler>>

/** A request to an operation of the contract. */
export class Call {
  readonly request: Request
  readonly response: Response

  constructor(request: Request, response: Response) {
    this.request = request
    this.response = response
  }

  get caller(): Caller {
    return callerOf(this.request)
  }

  /** A path parameter. */
  path(name: string): string {
    return String(this.request.params[name])
  }

  /** A query parameter; undefined where it was left out. */
  query(name: string): string | undefined {
    const value: unknown = this.request.query[name]
    return value === undefined ? undefined : String(value)
  }

  /** A query parameter that is a list. */
  list(name: string): readonly string[] | undefined {
    const value: unknown = this.request.query[name]
    if (value === undefined) return undefined
    return Array.isArray(value) ? value.map(String) : String(value).split(',')
  }

  /** A query parameter that is an integer. */
  number(name: string): number {
    const value = Number(this.query(name))
    // The validator accepts `1e999` as a number within bounds.
    if (Number.isSafeInteger(value)) return value
    throw new Problem('invalid-request', {
      errors: [{ path: `/query/${name}`, message: 'is not an integer' }],
    })
  }

  /** A query parameter that is a time, in wall milliseconds. */
  time(name: string): number | undefined {
    const text = this.query(name)
    return text === undefined ? undefined : millisecondsOf(text, name)
  }

  /** The body, whose type the contract has checked. */
  body<T>(): T {
    return this.request.body as T
  }
}

/** RFC 3339 allows times that JavaScript does not, such as leap seconds. @throws Problem */
export function millisecondsOf(text: string, path: string): number {
  const at = Date.parse(text)
  if (Number.isNaN(at))
    throw new Problem('invalid-request', { errors: [{ path, message: 'is not a valid time' }] })
  return at
}
