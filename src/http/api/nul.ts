import type { RequestHandler } from 'express'
import { Problem } from '../problem.ts'

/** Refuses texts with a NUL, which no store keeps. After the contract, so that there is nothing deep to look through. */
export const refuseNul: RequestHandler = (request, _response, next) => {
  const parts: Readonly<Record<string, unknown>> = {
    params: request.params,
    query: request.query,
    body: request.body,
  }
  for (const [name, part] of Object.entries(parts))
    if (holdsNul(part))
      throw new Problem('invalid-request', { errors: [{ path: `/${name}`, message: 'holds a NUL' }] })
  next()
}

function holdsNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0')
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsNul)
}
