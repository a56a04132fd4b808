import type { Request, Response } from 'express'
import { type Caller, callerOf } from '../caller.ts'
import { Problem } from '../problem.ts'

/** What an operation answers; a body is sent as JSON. */
export interface Answer {
  readonly status?: number
  readonly body?: unknown
}

/** One operation of the contract. What it is given has passed the contract; what it sends itself has no answer. */
export type Handler = (call: Call) => Promise<Answer | undefined>

/** By `operationId`. */
export type Handlers = Readonly<Record<string, Handler>>

/** A request in the words of the contract. */
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

  /** A part of the path. */
  path(name: string): string {
    return String(this.request.params[name])
  }

  /** A parameter of the query; undefined where it was left out. */
  query(name: string): string | undefined {
    const value: unknown = this.request.query[name]
    return value === undefined ? undefined : String(value)
  }

  /** A parameter that is a list. */
  list(name: string): readonly string[] | undefined {
    const value: unknown = this.request.query[name]
    if (value === undefined) return undefined
    return Array.isArray(value) ? value.map(String) : String(value).split(',')
  }

  /** A whole number. */
  number(name: string): number {
    const value = Number(this.query(name))
    // The contract's check takes `1e999` for a number within its bounds.
    if (Number.isSafeInteger(value)) return value
    throw new Problem('invalid-request', {
      errors: [{ path: `/query/${name}`, message: 'is no whole number' }],
    })
  }

  /** A moment, in wall milliseconds. */
  time(name: string): number | undefined {
    const text = this.query(name)
    return text === undefined ? undefined : millisecondsOf(text, name)
  }

  /** The body, of the type that the contract gives it. */
  body<T>(): T {
    return this.request.body as T
  }
}

/** RFC 3339 knows moments that JavaScript does not, such as leap seconds. @throws Problem */
export function millisecondsOf(text: string, path: string): number {
  const at = Date.parse(text)
  if (Number.isNaN(at))
    throw new Problem('invalid-request', { errors: [{ path, message: 'is no moment of the calendar' }] })
  return at
}
