import { z } from 'zod'
import { parseAddress } from '../../domain/network.ts'
import { text } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import type { ConfigInput } from '../schema.ts'

/** Absent: the host of portal.public_url is the domain of the passkeys. */
export const passkeysSchema = z.strictObject({ rp_id: text(253) })

export interface PasskeysConfig {
  /** A domain: the host of the portal, or a parent of it. */
  readonly rpId: string
  /** Of the portal's pages. */
  readonly origin: string
}

/** @returns undefined where the portal has no address at which browsers offer passkeys. */
export function resolvePasskeys(
  publicUrl: string | undefined,
  passkeys: z.output<typeof passkeysSchema> | undefined,
): PasskeysConfig | undefined {
  if (publicUrl === undefined || addressFault(publicUrl) !== undefined) return undefined
  const { origin, hostname } = new URL(publicUrl)
  return { rpId: passkeys?.rp_id ?? hostname, origin }
}

/** Passkeys that are asked for, and cannot be had. */
export function checkPasskeys({ portal, http }: PartialConfig<ConfigInput>, diagnostics: Diagnostics): void {
  const publicUrl = portal?.public_url
  // A fault of its own is told already.
  if (publicUrl === undefined && diagnostics.at(['portal', 'public_url']) !== undefined) return
  const rpId = portal?.passkeys?.rp_id
  const fault =
    publicUrl === undefined
      ? (['passkeys need the address of the portal', 'set portal.public_url'] as const)
      : addressFault(publicUrl)
  if (rpId !== undefined && fault !== undefined) diagnostics.fault(['portal', 'passkeys'], ...fault)
  else if (rpId !== undefined && publicUrl !== undefined) checkRpId(rpId, publicUrl, diagnostics)
  if (fault === undefined) return
  for (const [role, grants] of Object.entries(http?.roles ?? {}))
    if ((grants ?? []).some((grant) => grant?.require !== undefined))
      diagnostics.fault(
        ['http', 'roles', role],
        `requires a passkey, so nobody could have it: ${fault[0]}`,
        `${fault[1]}, or take require away`,
      )
}

function checkRpId(rpId: string, publicUrl: string, diagnostics: Diagnostics): void {
  const { hostname } = new URL(publicUrl)
  const isSuffix = hostname === rpId || (rpId.includes('.') && hostname.endsWith(`.${rpId}`))
  if (isSuffix) return
  diagnostics.fault(
    ['portal', 'passkeys', 'rp_id'],
    `${rpId} is neither ${hostname}, the host of portal.public_url, nor a domain above it: browsers would refuse`,
    `write ${hostname}, or leave portal.passkeys out`,
  )
}

/** Why no browser offers passkeys at this address, and what to do (WebAuthn Level 3 §5.1.3). */
export function addressFault(publicUrl: string): readonly [problem: string, remedy: string] | undefined {
  const { protocol, hostname } = new URL(publicUrl)
  if (parseAddress(hostname.replace(/^\[(.*)\]$/, '$1')) !== undefined)
    return [
      `passkeys need a host name, and ${publicUrl} has an address`,
      'write a name into portal.public_url',
    ]
  if (protocol !== 'https:' && hostname !== 'localhost')
    return [
      `passkeys need https, and portal.public_url is ${publicUrl}`,
      'serve the portal over TLS, and write https://',
    ]
  return undefined
}
