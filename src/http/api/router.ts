import express, { type RequestHandler, Router } from 'express'
import { middleware as contractMiddleware } from 'express-openapi-validator'
import type { AgentGateway } from '../../domain/agent.ts'
import type { Log } from '../../domain/log.ts'
import type { Network } from '../../domain/network.ts'
import { noBodyBeyond, refuseDepthBeyond } from '../body.ts'
import { reacquireSlot, releaseSlot } from '../busy.ts'
import { callerOf, setCaller } from '../caller.ts'
import { type Contract, type Operation, withHead } from '../contract.ts'
import { refuseForgery } from '../forgery.ts'
import { onlyFrom } from '../peer.ts'
import { Problem } from '../problem.ts'
import { nothingHere, writeProblem } from '../refusals.ts'
import { type Authentication, demandStillGood } from './authenticate.ts'
import { Call, type Handler, type Handlers } from './call.ts'
import type { Retries } from './retries.ts'
import { refuseHidden } from './texts.ts'

export interface ApiOptions {
  readonly contract: Contract
  readonly handlers: Handlers
  readonly authentication: Authentication
  /** Networks that may use all operations but those marked `x-from-everywhere`. */
  readonly allow: readonly Network[]
  /** Whose agents may come from their own networks too. */
  readonly agentGateways: readonly AgentGateway[]
  readonly retries: Retries
  readonly findBrowserSession: RequestHandler
  readonly publicUrl?: string
  readonly log: Log
  /** Whether answers are validated against the contract too, as in tests. */
  readonly checkAnswers?: boolean
}

/** More than any body of the contract has. */
export const MAX_BODY_OCTETS = 64 * 1024
/** Nested levels, more than any body of the contract has. */
const MAX_BODY_DEPTH = 16

/**
 * The routes of the contract. Each operation has one handler, and the contract alone says who may call it. No body is
 * read before the caller is known.
 * @throws Error where an operation lacks a handler, or a handler its operation.
 */
export function apiRouter(options: ApiOptions): Router {
  const { contract, handlers } = options
  const missing = contract.operations.filter(({ id }) => handlers[id] === undefined).map(({ id }) => id)
  const extra = Object.keys(handlers).filter((id) => !contract.operations.some((each) => each.id === id))
  if (missing.length + extra.length > 0)
    throw new Error(
      `openapi.yaml and the API differ: no handler for ${missing.join(', ') || 'none'}; no operation for ${extra.join(', ') || 'none'}`,
    )
  const validating = contractMiddleware({
    apiSpec: withHead(contract.document) as never,
    validateApiSpec: false,
    validateRequests: true,
    validateResponses: options.checkAnswers ?? false,
    validateSecurity: false,
    fileUploader: false,
  })
  const forgery = refuseForgery(options.publicUrl, options.log)
  const router = Router({ caseSensitive: true, strict: true })
  for (const operation of contract.operations) {
    const handler = handlers[operation.id]
    if (handler === undefined) continue
    router[operation.method](
      operation.path,
      ...admitting(operation, options, forgery),
      ...reading(operation),
      ...validating,
      ...(operation.admission === 'everybody' || operation.method === 'get' ? [] : [stillAdmitted]),
      answering(operation, handler, options.retries),
    )
  }
  for (const path of new Set(contract.operations.map((operation) => operation.path)))
    router.all(path, otherMethods(contract, path))
  // The API answers with JSON problems, never with pages.
  for (const root of new Set(contract.operations.map(({ path }) => `/${path.split('/')[1]}`)))
    router.use(root, nothingHere, writeProblem(options.log))
  return router
}

/** Reads the body. */
function reading({ maxBody = MAX_BODY_OCTETS, hasForeignTexts }: Operation): RequestHandler[] {
  return [
    releaseSlot,
    noBodyBeyond(maxBody),
    express.json({ limit: maxBody, inflate: false, strict: true, verify: refuseDepthBeyond(MAX_BODY_DEPTH) }),
    reacquireSlot,
    ...(hasForeignTexts ? [] : [refuseHidden]),
  ]
}

function admitting(operation: Operation, options: ApiOptions, forgery: RequestHandler): RequestHandler[] {
  const { admission, isForAPart, isFromEverywhere } = operation
  const steps: RequestHandler[] = isFromEverywhere ? [] : [onlyFrom(options.allow)]
  if (admission === 'agent') steps.splice(0, 1, onlyFromGateway(options))
  if (admission === 'everybody') return steps
  const authenticating: RequestHandler = async (request, response, next) => {
    const caller = await options.authentication.callerOf(request, admission, isForAPart)
    setCaller(response, caller)
    // Browsers add cookies by themselves, but no tokens: only sessions need protection against forgery.
    if (caller.kind === 'person') forgery(request, response, next)
    else next()
  }
  return [...steps, options.findBrowserSession, authenticating]
}

/** An agent comes from its gateway, which need not be among those who manage the broker. */
function onlyFromGateway({ allow, agentGateways }: ApiOptions): RequestHandler {
  return (request, response, next) => {
    const own = agentGateways.find(({ name }) => name === request.params.gateway)
    onlyFrom([...allow, ...(own?.networks ?? [])])(request, response, next)
  }
}

/** The caller's rights may have been revoked while the body was received. */
const stillAdmitted: RequestHandler = async (request, _response, next) => {
  await demandStillGood(callerOf(request))
  next()
}

function answering(operation: Operation, handler: Handler, retries: Retries): RequestHandler {
  return async (request, response) => {
    const call = new Call(request, response)
    const answer = operation.isRepeatable
      ? await retries.once(call, async () => (await handler(call)) ?? {})
      : await handler(call)
    if (answer === undefined) return
    response.status(answer.status ?? 200)
    if (answer.body === undefined) response.end()
    else response.json(answer.body)
  }
}

function otherMethods({ operations }: Contract, path: string): RequestHandler {
  const known = operations.filter((operation) => operation.path === path).map(({ method }) => method)
  const methods = known.flatMap((method) => (method === 'get' ? ['get', 'head'] : [method]))
  const headers = { Allow: methods.map((method) => method.toUpperCase()).join(', ') }
  return () => {
    throw new Problem('method-not-allowed', { headers })
  }
}
