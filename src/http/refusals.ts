import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import type { Log } from '../domain/log.ts'
import { Problem } from './problem.ts'
import { problemOf } from './problem-of.ts'

/** How long the rest of a refused body is swallowed, so that the client comes to read the answer, in milliseconds. */
const LINGER_MS = 1000

/** Shows a refusal as a page. @returns false where the client wants something else than pages. */
export type ProblemPage = (request: Request, response: Response, problem: Problem) => boolean

/** The last handler: nothing else answered. */
export const nothingHere: RequestHandler = () => {
  throw new Problem('not-found')
}

/**
 * The one place that turns errors into answers (RFC 9457). Neither the answer nor the log holds anything of the body:
 * messages of parsers quote it, passwords included.
 */
export function writeProblem(log: Log, asPage?: ProblemPage): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const known = problemOf(error)
    if (known === undefined)
      log.error('http.fault', { method: request.method, route: routeOf(request), error })
    const problem = known ?? new Problem('internal')
    if (response.headersSent) {
      // Too late for an answer: a cut connection at least says that this one is not whole.
      next(error)
      return
    }
    if (problem.problem === 'body-too-large') closeSoon(request, response)
    if (asPage?.(request, response, problem) !== true) send(response, problem)
  }
}

function closeSoon({ socket }: Request, response: Response): void {
  response.set('Connection', 'close')
  response.once('finish', () => setTimeout(() => socket.destroy(), LINGER_MS).unref())
}

function send(response: Response, problem: Problem): void {
  response
    .status(problem.status)
    .set(problem.headers)
    .type('application/problem+json')
    .send(JSON.stringify(problem))
}

/** The pattern that matched, never the path: names stand in paths. */
function routeOf(request: Request): string {
  const route: unknown = request.route
  const path = typeof route === 'object' && route !== null && 'path' in route ? route.path : undefined
  return typeof path === 'string' ? path : 'none'
}
