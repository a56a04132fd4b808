import { OperatorError } from '../domain/errors.ts'
import { holderOfPort } from './port-holder.ts'
import type { Service } from './radius-server.ts'

/** Whether a socket could not be opened because the machine does not have the address. */
export function isUnknownAddress(error: unknown): boolean {
  return (
    codeOf(error) === 'EADDRNOTAVAIL' ||
    (error instanceof OperatorError && codeOf(error.cause) === 'EADDRNOTAVAIL')
  )
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** Why a place cannot be listened on, in words for the operator. @param error as the system reports it. */
export async function listeningFault(
  error: unknown,
  {
    address,
    port,
    service,
  }: { readonly address: string; readonly port: number; readonly service: Service | 'tls' },
): Promise<Error> {
  const code = codeOf(error)
  const where = `${address}:${port} (${service})`
  if (code === 'EADDRINUSE') {
    const holder = await holderOfPort(service === 'tls' ? 'tcp' : 'udp', port)
    const who = holder === undefined ? 'another program' : `${holder.command} (pid ${holder.pid})`
    return new OperatorError(`cannot listen on ${where}: ${who} holds the port`, { cause: error })
  }
  if (code === 'EADDRNOTAVAIL') {
    return new OperatorError(`cannot listen on ${where}: this machine has no address ${address}`, {
      cause: error,
    })
  }
  if (code === 'EACCES') {
    return new OperatorError(`cannot listen on ${where}: ports below 1024 need more rights`, { cause: error })
  }
  return error instanceof Error ? error : new Error(String(error))
}
