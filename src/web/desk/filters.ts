import type { Request } from 'express'
import { parseLoginName } from '../../domain/login-name.ts'
import { parseSearchedPlace } from '../../domain/network.ts'
import { parameter } from '../layout/forms.ts'

const RECORD_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What is meant for an address or a network, whether it is one or not. */
const LIKE_A_PLACE = /^\d{1,3}(\.\d{1,3}){3}(\/.*)?$|^[0-9a-f]*:[0-9a-f:.]*(\/.*)?$/i

/** What was typed into the one box for a user or an address. */
export interface Query {
  readonly typed: string
  /** The canonical user name. */
  readonly user?: string
  readonly address?: string
  /** Whether it is neither a user name nor an address, so that nothing can be found. */
  readonly isInvalid: boolean
}

export function queryIn(request: Request, name = 'q'): Query {
  return queryOf(parameter(request, name))
}

export function queryOf(typed: string): Query {
  if (typed === '') return { typed, isInvalid: false }
  const address = parseSearchedPlace(typed)
  if (address !== undefined) return { typed, address, isInvalid: false }
  const user = LIKE_A_PLACE.test(typed) ? undefined : parseLoginName(typed)?.username
  return { typed, user, isInvalid: user === undefined }
}

/** One of the choices; the first where another or none was given. */
export function oneOf<T extends string>(
  request: Request,
  name: string,
  choices: readonly [T, ...(readonly T[])],
): T {
  return maybeOf(request, name, choices) ?? choices[0]
}

/** One of the choices; undefined where another or none was given. */
export function maybeOf<T extends string>(
  request: Request,
  name: string,
  choices: readonly T[],
): T | undefined {
  const given = parameter(request, name)
  return choices.find((each) => each === given)
}

export function recordId(text: unknown): string | undefined {
  return typeof text === 'string' && RECORD_ID.test(text) ? text : undefined
}

type Parameters = Readonly<Record<string, string | undefined>>

/** An address with parameters; those that are empty are left out. */
export function searchText(path: string, parameters: Parameters): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => !!entry[1])
  const text = new URLSearchParams(given).toString()
  return text === '' ? path : `${path}?${text}`
}

/** The page of a user, by whatever name. */
export function personPath(name: string): string {
  return `/desk/users/${encodeURIComponent(name)}`
}

/** One page of a list, with the links that the pager shows. */
interface ListPage<T> {
  readonly items: readonly T[]
  /** Identifier of the item before this page. */
  readonly after?: string
  readonly firstPage: string
  readonly nextPage?: string
}

export interface ListOptions<T> {
  readonly path: string
  /** The parameters of the search, which the links repeat. */
  readonly filter: Parameters
  readonly size: number
  /** Asks for one item more than fits, which shows whether a page follows; absent where nothing can be found. */
  readonly find?: (page: { readonly after?: string; readonly limit: number }) => Promise<readonly T[]>
}

export async function listPage<T extends { readonly id: string }>(
  request: Request,
  { path, filter, size, find }: ListOptions<T>,
): Promise<ListPage<T>> {
  const after = recordId(parameter(request, 'after'))
  const found = find === undefined ? [] : await find({ after, limit: size + 1 })
  const items = found.slice(0, size)
  const last = found.length > size ? items.at(-1)?.id : undefined
  return {
    items,
    after,
    firstPage: searchText(path, filter),
    nextPage: last && searchText(path, { ...filter, after: last }),
  }
}
