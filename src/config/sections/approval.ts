import type { Path } from '../../schema/config-error.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import type { ConfigInput } from '../schema.ts'
import { addressFault } from './passkeys.ts'

/** A VPN prompt has no room for a longer one beside its own text. */
const MAX_URL_LENGTH = 64

/** What approving a VPN login with a passkey needs of other sections. */
export function checkApproval(
  { second_factor: factor, policies = [], portal }: PartialConfig<ConfigInput>,
  diagnostics: Diagnostics,
): void {
  const places: Path[] = factor?.mode === 'approve' ? [['second_factor', 'mode']] : []
  for (const [index, policy] of policies.entries()) {
    const path: Path = ['policies', index, 'second_factor', 'mode']
    const mode = policy?.second_factor?.mode
    if (mode === undefined) continue
    if (policy?.deny) diagnostics.fault(path, 'has no meaning in a policy that refuses', 'leave it out')
    if (factor?.mode === 'only')
      diagnostics.fault(
        path,
        'comes after the password, and second_factor.mode: only has none',
        'leave it out, or choose another second_factor.mode',
      )
    if (mode === 'approve') places.push(path)
  }
  const [first] = places
  if (first === undefined) return
  if (!diagnostics.given(['http']))
    diagnostics.fault(first, 'approve needs the portal, and there is no section http', 'add one: http: {}')
  if (!diagnostics.given(['portal', 'public_url'])) {
    const remedy = 'add portal: { public_url: https://… }'
    diagnostics.fault(first, 'approve needs the address of the portal, at which passkeys are used', remedy)
  }
  const url = portal?.public_url
  if (url === undefined) return
  const fault = addressFault(url)
  if (fault !== undefined) diagnostics.fault(first, `approve needs passkeys: ${fault[0]}`, fault[1])
  if (url.length > MAX_URL_LENGTH)
    diagnostics.fault(
      ['portal', 'public_url'],
      `has ${url.length} characters; a VPN prompt has room for ${MAX_URL_LENGTH}`,
    )
}
