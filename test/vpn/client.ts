import { onTestFinished } from 'vitest'
import type { Lab } from '../real/netns.ts'
import type { Ocserv } from '../real/ocserv.ts'
import { type Openconnect, type OpenconnectOptions, openconnect } from '../real/openconnect.ts'

/** Logs in from the lab's client to the gateway on its server, until the test that asked is over. */
export async function connect(
  { client: place, server }: Lab,
  { port, pin }: Ocserv,
  login: Omit<OpenconnectOptions, 'place' | 'gateway' | 'pin'>,
): Promise<Openconnect> {
  const client = await openconnect({ place, gateway: `${server.address}:${port}`, pin, ...login })
  onTestFinished(client.disconnect)
  return client
}
