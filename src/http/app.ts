import express, { type Express, type RequestHandler } from 'express'
import type { Log } from '../domain/log.ts'
import { isWithin, type Network } from '../domain/network.ts'
import { atMost } from './busy.ts'
import { protectiveHeaders } from './headers.ts'
import { withoutPort } from './peer.ts'
import { nothingHere, type ProblemPage, writeProblem } from './refusals.ts'

const MOST_HEALTH_CHECKS = 20

export interface AppOptions {
  /** Peers whose word on the client's address and scheme is taken (X-Forwarded-For, X-Forwarded-Proto). */
  readonly trustedProxies: readonly Network[]
  /** Requests that may be worked on at one time. */
  readonly maxInFlight: number
  /** In the order in which they are asked. */
  readonly routes: readonly RequestHandler[]
  /** For browsers; absent: every refusal is a JSON document. */
  readonly problemPage?: ProblemPage
  readonly log: Log
}

/** Everything that all requests pass through, around whatever answers them. */
export function httpApp({ trustedProxies, maxInFlight, routes, problemPage, log }: AppOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  app.set('query parser', 'simple')
  app.set('trust proxy', trusting(trustedProxies))
  app.use(protectiveHeaders())
  app.use(unlessFull(maxInFlight))
  for (const route of routes) app.use(route)
  app.use(nothingHere)
  app.use(writeProblem(log, problemPage))
  return app
}

/** Whether the process answers at all can be asked however busy it is. */
function unlessFull(maxInFlight: number): RequestHandler {
  const forWork = atMost(maxInFlight)
  const forHealth = atMost(MOST_HEALTH_CHECKS)
  return (request, response, next) =>
    (request.path === '/healthz' ? forHealth : forWork)(request, response, next)
}

export function trusting(proxies: readonly Network[]): (address: string) => boolean {
  return (address) => isWithin(proxies, withoutPort(address))
}
