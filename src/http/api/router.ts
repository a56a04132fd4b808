import express, { type RequestHandler, Router } from 'express'
import { middleware as contractMiddleware } from 'express-openapi-validator'
import type { Log } from '../../domain/log.ts'
import type { Network } from '../../domain/network.ts'
import { noBodyBeyond } from '../body.ts'
import { comeBack, stepOut } from '../busy.ts'
import { callerOf, setCaller } from '../caller.ts'
import type { Contract, Operation } from '../contract.ts'
import { refuseForgery } from '../forgery.ts'
import { onlyFrom } from '../peer.ts'
import { Problem } from '../problem.ts'
import { nothingHere, writeProblem } from '../refusals.ts'
import { type Authentication, demandStillGood } from './authenticate.ts'
import { Call, type Handler, type Handlers } from './call.ts'
import { refuseNul } from './nul.ts'
import type { Retries } from './retries.ts'

export interface ApiOptions {
  readonly contract: Contract
  readonly handlers: Handlers
  readonly authentication: Authentication
  /** From where everything but the operations for everywhere can be reached. */
  readonly allow: readonly Network[]
  readonly retries: Retries
  readonly visiting: RequestHandler
  readonly publicUrl?: string
  readonly log: Log
  /** Whether answers are held against the contract too, as tests want it. */
  readonly checkAnswers?: boolean
}

/** Octets: more than any body of the contract needs. */
export const LARGEST_BODY = 64 * 1024

/**
 * The routes of the contract: each operation has its handler and each handler its operation, and who may call is read
 * from the contract alone. Nothing of a request is read before its caller is known.
 * @throws Error where the contract and the handlers differ.
 */
export function apiRouter(options: ApiOptions): Router {
  const { contract, handlers } = options
  const missing = contract.operations.filter(({ id }) => handlers[id] === undefined).map(({ id }) => id)
  const extra = Object.keys(handlers).filter((id) => !contract.operations.some((each) => each.id === id))
  if (missing.length + extra.length > 0)
    throw new Error(
      `openapi.yaml and the API differ: no handler for ${missing.join(', ') || 'none'}; no operation for ${extra.join(', ') || 'none'}`,
    )
  const checks = [
    stepOut,
    noBodyBeyond(LARGEST_BODY),
    express.json({ limit: LARGEST_BODY, inflate: false, strict: true }),
    comeBack,
    ...contractMiddleware({
      apiSpec: contract.document as never,
      validateApiSpec: false,
      validateRequests: true,
      validateResponses: options.checkAnswers ?? false,
      validateSecurity: false,
      fileUploader: false,
    }),
    refuseNul,
  ]
  const router = Router({ caseSensitive: true, strict: true })
  // Express would take a HEAD for a GET, which the contract does not say.
  for (const { path } of contract.operations) router.head(path, otherMethods(contract, path))
  for (const operation of contract.operations) {
    const handler = handlers[operation.id]
    if (handler === undefined) continue
    router[operation.method](
      operation.path,
      ...admitting(operation, options),
      ...checks,
      ...(operation.admission === 'everybody' || operation.method === 'get' ? [] : [stillAdmitted]),
      answering(operation, handler, options.retries),
    )
  }
  for (const path of new Set(contract.operations.map((operation) => operation.path)))
    router.all(path, otherMethods(contract, path))
  // Whatever else a browser is shown as a page, here it is a document.
  for (const root of new Set(contract.operations.map(({ path }) => `/${path.split('/')[1]}`)))
    router.use(root, nothingHere, writeProblem(options.log))
  return router
}

function admitting(operation: Operation, options: ApiOptions): RequestHandler[] {
  const { admission, isFromEverywhere } = operation
  const steps: RequestHandler[] = isFromEverywhere ? [] : [onlyFrom(options.allow)]
  if (admission === 'everybody') return steps
  const forgery = refuseForgery(options.publicUrl)
  const authenticating: RequestHandler = async (request, response, next) => {
    const caller = await options.authentication.callerOf(request, admission)
    setCaller(request, caller)
    // What a browser does by itself rests on its cookie; a token is nothing that a browser adds.
    if (caller.kind === 'person') forgery(request, response, next)
    else next()
  }
  return [...steps, options.visiting, authenticating]
}

/** A body may take its time, and the right to send it may be taken away meanwhile. */
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
  const headers = { Allow: known.map((method) => method.toUpperCase()).join(', ') }
  return () => {
    throw new Problem('method-not-allowed', { headers })
  }
}
