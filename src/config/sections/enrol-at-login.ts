import type { Path } from '../../schema/config-error.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import type { ConfigInput } from '../schema.ts'

/** A VPN prompt has no room for a longer one beside its own text. */
const MAX_URL_LENGTH = 64

/** A prompt that sends users to the portal needs the portal and its address. */
export function checkEnrolAtLogin(
  { second_factor: factor, policies = [], portal }: PartialConfig<ConfigInput>,
  diagnostics: Diagnostics,
): void {
  const places: Path[] = factor?.enrol_at_login === true ? [['second_factor', 'enrol_at_login']] : []
  for (const [index, policy] of policies.entries())
    if (policy?.enrol_at_login === true) places.push(['policies', index, 'enrol_at_login'])
  const [first] = places
  if (first === undefined) return
  if (factor?.required === false) diagnostics.warn(first, 'never applies, as second_factor.required is false')
  if (factor?.mode === 'only')
    diagnostics.fault(first, 'second_factor.mode: only has no password that could identify the user')
  if (portal?.enrol === 'invited')
    diagnostics.fault(
      first,
      'lets a password alone begin an enrolment, and portal.enrol is invited',
      'leave one of the two out',
    )
  if (!diagnostics.given(['http']))
    diagnostics.fault(first, 'needs the portal, and there is no section http', 'add one: http: {}')
  if (!diagnostics.given(['portal', 'public_url']))
    diagnostics.fault(first, 'needs the address of the portal', 'add portal: { public_url: https://… }')
  const length = portal?.public_url?.length ?? 0
  if (length > MAX_URL_LENGTH)
    diagnostics.fault(
      ['portal', 'public_url'],
      `has ${length} characters; a VPN prompt has room for ${MAX_URL_LENGTH}`,
    )
}
