import { parseLoginName } from '../../domain/login-name.ts'
import { parseSearchedPlace } from '../../domain/network.ts'
import { Problem } from '../problem.ts'
import type { Call } from './call.ts'

/** The canonical user name that the filter `user` means, under which limits and lockouts are kept. @throws Problem */
export function usernameIn(call: Call): string | undefined {
  const user = call.query('user')
  return user === undefined ? undefined : usernameFrom(user, '/query/user')
}

/** @param path where it stands in the request. @throws Problem */
export function usernameFrom(typed: string, path: string): string {
  const name = parseLoginName(typed)
  if (name === undefined) throw wrong(path, 'is not a valid user name')
  return name.username
}

/** An address or a client's network, in canonical form. @throws Problem */
export function addressIn(call: Call, parameter = 'address'): string | undefined {
  const typed = call.query(parameter)
  return typed === undefined ? undefined : addressFrom(typed, `/query/${parameter}`)
}

/** @param path where it stands in the request. @throws Problem */
export function addressFrom(typed: string, path: string): string {
  const address = parseSearchedPlace(typed)
  if (address === undefined) throw wrong(path, 'is not an IP address')
  return address
}

export function orderIn(call: Call): 'newest' | 'oldest' {
  return call.query('sort') === 'oldest' ? 'oldest' : 'newest'
}

function wrong(path: string, message: string): Problem {
  return new Problem('invalid-request', { errors: [{ path, message }] })
}
