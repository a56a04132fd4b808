import express, { type Express, type RequestHandler } from 'express'
import type { Log } from '../domain/log.ts'
import { isWithin, type Network } from '../domain/network.ts'
import { atMost } from './busy.ts'
import { protectiveHeaders } from './headers.ts'
import { withoutPort } from './peer.ts'
import { nothingHere, type ProblemPage, writeProblem } from './refusals.ts'
import { tellUnnamedProxies } from './unnamed-proxy.ts'

const MAX_HEALTH_CHECKS = 20

export interface AppOptions {
  /** Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  readonly trustedProxies: readonly Network[]
  /** Clients of everything but the portal. */
  readonly allow: readonly Network[]
  /** Requests in progress at a time. */
  readonly maxInFlight: number
  /** In order. */
  readonly routes: readonly RequestHandler[]
  /** Shows refusals to browsers; absent: every refusal is a JSON document. */
  readonly problemPage?: ProblemPage
  readonly log: Log
}

/** The Express application: what all requests pass, and the routes. */
export function httpApp({
  trustedProxies,
  allow,
  maxInFlight,
  routes,
  problemPage,
  log,
}: AppOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  app.set('query parser', 'simple')
  app.set('trust proxy', trusting(trustedProxies))
  app.use(protectiveHeaders())
  app.use(tellUnnamedProxies(trusting(trustedProxies), allow, log))
  app.use(unlessFull(maxInFlight))
  for (const route of routes) app.use(route)
  app.use(nothingHere)
  app.use(writeProblem(log, problemPage))
  return app
}

/** Health checks have slots of their own, so that a busy broker still answers them. */
function unlessFull(maxInFlight: number): RequestHandler {
  const forWork = atMost(maxInFlight)
  const forHealth = atMost(MAX_HEALTH_CHECKS)
  return (request, response, next) =>
    (request.path === '/healthz' ? forHealth : forWork)(request, response, next)
}

export function trusting(proxies: readonly Network[]): (address: string) => boolean {
  return (address) => isWithin(proxies, withoutPort(address))
}
