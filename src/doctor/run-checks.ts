import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, OperatorError } from '../domain/errors.ts'
import { type Check, type Finding, hint, warning } from './finding.ts'

/** A finding with the name of its check. */
export interface IdentifiedFinding extends Finding {
  readonly id: string
}

/**
 * All at once: one that hangs keeps no other back.
 * @param withinMs how long each may take. @param only the names of those that are wanted; absent: all.
 * @throws OperatorError where there is no check of a name.
 */
export async function runChecks(
  checks: Readonly<Record<string, Check>>,
  withinMs: number,
  only: readonly string[] = Object.keys(checks),
): Promise<readonly IdentifiedFinding[]> {
  const unknown = only.find((id) => !Object.hasOwn(checks, id))
  if (unknown !== undefined)
    throw new OperatorError(`there is no check ${unknown}; there is ${Object.keys(checks).sort().join(', ')}`)
  const wanted = Object.entries(checks).filter(([id]) => only.includes(id))
  const found = await Promise.all(
    wanted.map(async ([id, check]) => (await bounded(id, check, withinMs)).map((each) => ({ id, ...each }))),
  )
  return found.flat()
}

async function bounded(id: string, check: Check, withinMs: number): Promise<readonly Finding[]> {
  const end = new AbortController()
  const late = sleep(withinMs, undefined, { signal: end.signal }).then(
    () => [hint(id, `was not looked at within ${withinMs} ms`, `ocbroker doctor --only ${id}`)],
    () => [],
  )
  const looked = check().catch((error: unknown) => [
    warning(id, `could not be looked at: ${messageOf(error)}`, `ocbroker doctor --only ${id}`),
  ])
  try {
    return await Promise.race([looked, late])
  } finally {
    end.abort()
  }
}
