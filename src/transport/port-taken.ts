import type { Service } from './exchange.ts'
import { holderOfUdpPort } from './port-holder.ts'

export class PortTaken extends Error {
  override readonly name = 'PortTaken'
}

/** Why a place cannot be listened on, in words for the operator. @param error as the system reports it. */
export async function listeningFault(
  error: unknown,
  { address, port, service }: { readonly address: string; readonly port: number; readonly service: Service },
): Promise<Error> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const where = `${address}:${port} (${service})`
  if (code === 'EADDRINUSE') {
    const holder = await holderOfUdpPort(port)
    const who = holder === undefined ? 'another program' : `${holder.command} (pid ${holder.pid})`
    return new PortTaken(`cannot listen on ${where}: ${who} holds the port`, { cause: error })
  }
  if (code === 'EADDRNOTAVAIL') {
    return new PortTaken(`cannot listen on ${where}: this machine has no address ${address}`, {
      cause: error,
    })
  }
  if (code === 'EACCES') {
    return new PortTaken(`cannot listen on ${where}: ports below 1024 need more rights`, { cause: error })
  }
  return error instanceof Error ? error : new Error(String(error))
}
