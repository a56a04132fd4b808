import { parseLoginName } from '../../domain/login-name.ts'
import { parsePlace } from '../../domain/network.ts'
import { Problem } from '../problem.ts'
import type { Call } from './call.ts'

/** The canonical user name that the filter `user` means, under which limits and lockouts are kept. @throws Problem */
export function usernameIn(call: Call): string | undefined {
  const user = call.query('user')
  if (user === undefined) return undefined
  const name = parseLoginName(user)
  if (name === undefined) throw wrong('/query/user', 'is not a valid user name')
  return name.username
}

/** An address or a client's network, in canonical form. @throws Problem */
export function addressIn(call: Call, parameter = 'address'): string | undefined {
  const typed = call.query(parameter)
  if (typed === undefined) return undefined
  const address = parsePlace(typed)
  if (address === undefined) throw wrong(`/query/${parameter}`, 'is not an IP address')
  return address
}

export function orderIn(call: Call): 'newest' | 'oldest' {
  return call.query('sort') === 'oldest' ? 'oldest' : 'newest'
}

function wrong(path: string, message: string): Problem {
  return new Problem('invalid-request', { errors: [{ path, message }] })
}
