import type { RequestHandler } from 'express'
import { hiddenCharacterFault } from '../../domain/hidden-characters.ts'
import { Problem } from '../problem.ts'

/** A password may hold what it likes, but PostgreSQL stores no NUL, nor do other programs read past it. */
const SECRET: ReadonlySet<string> = new Set(['password'])

type Finding = { readonly path: string; readonly message: string }

/**
 * Refuses texts in bodies with characters that nobody sees, and a NUL anywhere. In paths and queries others pass: what
 * is stored under such a name must be found. Precedes the validation, which would not name the character; how deep a
 * body is was bounded before.
 */
export const refuseHidden: RequestHandler = (request, _response, next) => {
  const { params, query, body } = request
  const finding =
    findIn('/params', params, faultOfNul) ??
    findIn('/query', query, faultOfNul) ??
    findIn('/body', body, (text, name) => (SECRET.has(name) ? faultOfNul(text) : hiddenCharacterFault(text)))
  if (finding !== undefined) throw new Problem('invalid-request', { errors: [finding] })
  next()
}

function faultOfNul(text: string): string | undefined {
  return text.includes('\0') ? 'contains a NUL character' : undefined
}

/** @param name of the part that holds the value. */
function findIn(
  path: string,
  value: unknown,
  faultOf: (text: string, name: string) => string | undefined,
  name = '',
): Finding | undefined {
  if (typeof value === 'string') {
    const message = faultOf(value, name)
    return message === undefined ? undefined : { path, message }
  }
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, part] of Object.entries(value)) {
    // The path holds only what the contract could name.
    const step = Array.isArray(value) || /^[\w-]{1,64}$/.test(key) ? `${path}/${key}` : path
    const found = findIn(step, part, faultOf, Array.isArray(value) ? name : key)
    if (found !== undefined) return found
  }
  return undefined
}
