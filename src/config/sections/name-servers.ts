import { contains, parseAddress, parseNetwork } from '../../domain/network.ts'
import type { Path } from '../../schema/config-error.ts'
import type { Diagnostics } from '../diagnostics.ts'

/** Warns of name servers that clients are given and not led to. Without routes the gateway's own count, or all. */
export function checkNameServers(
  {
    routes = [],
    dns = [],
  }: { readonly routes?: readonly (string | undefined)[]; readonly dns?: readonly (string | undefined)[] },
  path: Path,
  diagnostics: Diagnostics,
): void {
  const networks = routes.map((route) => (route === undefined ? undefined : parseNetwork(route)))
  // One that cannot be read may lead there.
  if (networks.length === 0 || networks.includes(undefined)) return
  for (const [index, server] of dns.entries()) {
    const address = server === undefined ? undefined : parseAddress(server)
    if (address === undefined) continue
    if (networks.some((network) => network !== undefined && contains(network, address))) continue
    diagnostics.warn(
      [...path, 'dns', index],
      `no route of the policy leads to ${address}, so clients may not reach this name server`,
      `add ${address}/${address.kind() === 'ipv4' ? 32 : 128} to routes`,
    )
  }
}
