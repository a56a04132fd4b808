import { z } from 'zod'
import type { Network } from '../../domain/network.ts'
import type { Path } from '../../schema/config-error.ts'
import { filePath, secret } from '../../schema/scalars.ts'
import { checkSecretLength } from '../../schema/shared-secret.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import { readNamedSecret } from './remote-server.ts'

/** A gateway that takes Disconnect-Requests (RFC 5176). The port is the one that RFC 5176 §2.3 names. */
export const disconnectSchema = z.strictObject({
  port: z.int().min(1).max(65_535).default(3799),
  secret: secret().optional(),
  secret_file: filePath().optional(),
})

type Parsed = PartialConfig<z.output<typeof disconnectSchema>>

/** @param networks of the gateway; undefined: one of them has a fault. @param gateway where its entry stands. */
export function checkDisconnect(
  { secret: inline }: Parsed,
  networks: readonly (Network | undefined)[],
  gateway: Path,
  diagnostics: Diagnostics,
): void {
  const path = [...gateway, 'disconnect']
  const has = (...key: readonly string[]) => diagnostics.given([...gateway, ...key])
  if (!has('address'))
    diagnostics.fault(path, 'the gateway has no address that a Disconnect-Request could go to', 'add address')
  if (['secret', 'secret_file'].every((key) => !has(key) && !has('disconnect', key)))
    diagnostics.fault(path, 'has no shared secret', 'add secret_file or secret')
  const isWide = (network: Network | undefined) =>
    network !== undefined && network.prefix < (network.base.kind() === 'ipv4' ? 32 : 128)
  if (networks.some(isWide))
    diagnostics.fault(
      path,
      'the gateway’s address is a network, and a Disconnect-Request goes to one server',
      'name the address of each server',
    )
  if (diagnostics.given([...path, 'secret']) && diagnostics.given([...path, 'secret_file']))
    diagnostics.fault(path, 'has a secret and a secret_file', 'keep one of the two')
  if (inline !== undefined) checkSecretLength(inline, [...path, 'secret'], diagnostics)
}

/** @returns the secret of its own that a file holds. */
export async function readDisconnectSecret(
  { secret_file: file }: Parsed,
  folder: string,
  path: Path,
  diagnostics: Diagnostics,
) {
  return readNamedSecret(folder, file, [...path, 'secret_file'], diagnostics)
}
