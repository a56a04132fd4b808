import type { Request, Response } from 'express'
import { basePathOf } from '../../http/base-path.ts'

const MAX_FIELD_LENGTH = 4096

/** A field of the form that was sent; empty where there is none. */
export function field(request: Request, name: string, most = MAX_FIELD_LENGTH): string {
  const [value = ''] = fields(request, name, most)
  return value
}

/** All fields of one name. @param most characters of each. */
export function fields(request: Request, name: string, most = MAX_FIELD_LENGTH): readonly string[] {
  const body: unknown = request.body
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return []
  const value = (body as Readonly<Record<string, unknown>>)[name]
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  return values.filter((each) => typeof each === 'string' && each.length <= most) as string[]
}

/** A parameter of the address; empty where there is none, or several. */
export function parameter(request: Request, name: string): string {
  const value: unknown = request.query[name]
  return typeof value === 'string' && value.length <= MAX_FIELD_LENGTH ? value.trim() : ''
}

/** Redirects to the next page by GET, so that a reload sends nothing twice. @param path from the root: `/desk`. */
export function goTo(response: Response, path: string): void {
  response.redirect(303, `${basePathOf(response.req)}${path}`)
}
