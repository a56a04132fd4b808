import type { Request } from 'express'
import { parseLoginName } from '../../domain/login-name.ts'
import { parsePlace } from '../../domain/network.ts'
import { parameter } from '../frame/forms.ts'

const RECORD_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What somebody typed into the one box for a user or an address. */
export interface Wanted {
  /** As it was typed. */
  readonly typed: string
  /** Stem. */
  readonly user?: string
  readonly address?: string
  /** Neither: nothing can be found under it. */
  readonly isNothing: boolean
}

export function wantedIn(request: Request, name = 'q'): Wanted {
  const typed = parameter(request, name)
  if (typed === '') return { typed, isNothing: false }
  const address = parsePlace(typed)
  if (address !== undefined) return { typed, address, isNothing: false }
  const user = parseLoginName(typed)?.stem
  return { typed, user, isNothing: user === undefined }
}

/** One of a few words; the first where another or none was given. */
export function oneOf<T extends string>(request: Request, name: string, words: readonly [T, ...T[]]): T {
  const given = parameter(request, name)
  return words.find((word) => word === given) ?? words[0]
}

/** One of the names; undefined where another or none was given. */
export function maybeOf<T extends string>(
  request: Request,
  name: string,
  names: readonly T[],
): T | undefined {
  const given = parameter(request, name)
  return names.find((each) => each === given)
}

/** The identifier after which a page goes on. */
export function afterIn(request: Request): string | undefined {
  return recordId(parameter(request, 'after'))
}

export function recordId(text: unknown): string | undefined {
  return typeof text === 'string' && RECORD_ID.test(text) ? text : undefined
}

/** An address with parameters; those that are empty are left out. */
export function searchText(path: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => !!entry[1])
  const text = new URLSearchParams(given).toString()
  return text === '' ? path : `${path}?${text}`
}

/** One page of a list, and what the next one goes on after. */
export interface ListPage<T> {
  readonly items: readonly T[]
  readonly next?: string
}

/** @param find is asked for one more than fits, which shows whether a page follows. */
export async function listPage<T extends { readonly id: string }>(
  size: number,
  find: (limit: number) => Promise<readonly T[]>,
): Promise<ListPage<T>> {
  const found = await find(size + 1)
  const items = found.slice(0, size)
  return found.length > size ? { items, next: items.at(-1)?.id } : { items }
}
