import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import type { Log } from '../domain/log.ts'
import { Problem } from './problem.ts'
import { problemOf } from './problem-of.ts'

/** How long the rest of a refused body is read and dropped, so that the client can read the answer, in milliseconds. */
const LINGER_MS = 1000

/** RFC 9457 §6.1. */
const PROBLEM_TYPE = 'application/problem+json'

/** Shows a refusal as a page. @returns false where the client does not accept HTML. */
export type ProblemPage = (request: Request, response: Response, problem: Problem) => boolean

/** The last handler: nothing else answered. */
export const nothingHere: RequestHandler = () => {
  throw new Problem('not-found')
}

/**
 * The only place that turns errors into answers (RFC 9457). Neither the answer nor the log repeats anything of the body:
 * parsers quote it in their messages, passwords included.
 */
export function writeProblem(log: Log, asPage?: ProblemPage): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const known = problemOf(error)
    if (known === undefined)
      log.error('http.fault', { method: request.method, route: routeOf(request), error })
    const problem = known ?? new Problem('internal')
    if (response.headersSent) {
      // Too late for another answer: a cut connection tells the client that this one is incomplete.
      next(error)
      return
    }
    if (asPage?.(request, response, problem) === true) return readOn(request)
    if (problem.problem === 'body-too-large') sendAndLinger(request, response, problem)
    else send(response, problem)
  }
}

/** A browser shows the answer only after it has sent the whole form. A client that never stops sending is cut off. */
function readOn(request: Request): void {
  if (request.readableEnded || request.complete) return
  const late = setTimeout(() => request.socket.destroy(), LINGER_MS)
  request.once('close', () => clearTimeout(late))
  request.once('end', () => clearTimeout(late)).resume()
}

/**
 * The answer is complete at once, by its Content-Length, and the connection closes a little later. Closing it with octets
 * unread would reset it, and the client would lose the answer.
 */
function sendAndLinger(request: Request, response: Response, problem: Problem): void {
  const body = JSON.stringify(problem)
  response
    .status(problem.status)
    .set({ Connection: 'close', 'Content-Length': String(Buffer.byteLength(body)) })
    .set('Content-Type', `${PROBLEM_TYPE}; charset=utf-8`)
    .write(body)
  const end = () => response.end()
  if (request.readableEnded) return void end()
  const late = setTimeout(end, LINGER_MS)
  response.once('close', () => clearTimeout(late))
  request.once('end', end).resume()
}

function send(response: Response, problem: Problem): void {
  response.status(problem.status).set(problem.headers).type(PROBLEM_TYPE).send(JSON.stringify(problem))
}

/** The pattern that matched, never the path: paths contain user names. */
function routeOf(request: Request): string {
  const route: unknown = request.route
  const path = typeof route === 'object' && route !== null && 'path' in route ? route.path : undefined
  return typeof path === 'string' ? path : 'none'
}
