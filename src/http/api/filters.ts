import { parseLoginName } from '../../domain/login-name.ts'
import { parsePlace } from '../../domain/network.ts'
import { Problem } from '../problem.ts'
import type { Call } from './call.ts'

/** Whom the filter `user` means, however the name is typed: the key of limits and lockouts. @throws Problem */
export function stemIn(call: Call): string | undefined {
  const user = call.query('user')
  if (user === undefined) return undefined
  const name = parseLoginName(user)
  if (name === undefined) throw wrong('/query/user', 'is a name that no login could carry')
  return name.stem
}

/** An address, or the network of a customer, in its one spelling. @throws Problem */
export function addressIn(call: Call, parameter = 'address'): string | undefined {
  const typed = call.query(parameter)
  if (typed === undefined) return undefined
  const address = parsePlace(typed)
  if (address === undefined) throw wrong(`/query/${parameter}`, 'is no address')
  return address
}

export function orderIn(call: Call): 'newest' | 'oldest' {
  return call.query('sort') === 'oldest' ? 'oldest' : 'newest'
}

function wrong(path: string, message: string): Problem {
  return new Problem('invalid-request', { errors: [{ path, message }] })
}
