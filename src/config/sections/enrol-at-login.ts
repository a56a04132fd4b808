import type { z } from 'zod'
import type { Path, Report } from '../fault.ts'
import type { Draft } from '../schema-walk.ts'
import type { shape } from '../shape.ts'

/** What a prompt of the VPN has room for, beside its own words. */
const LONGEST_URL = 64

/** A prompt that sends users to the portal must name it, and the portal must be there. */
export function checkEnrolAtLogin(draft: Draft<z.output<typeof shape>>, report: Report): void {
  const wishes: Path[] = []
  if (draft.second_factor?.enrol_at_login === true) wishes.push(['second_factor', 'enrol_at_login'])
  for (const [index, policy] of (draft.policies ?? []).entries())
    if (policy?.enrol_at_login === true) wishes.push(['policies', index, 'enrol_at_login'])

  const [first] = wishes
  if (first === undefined) return
  if (draft.second_factor?.required === false)
    report.warn(first, 'never applies, as second_factor.required is false')
  if (draft.second_factor?.mode === 'only')
    report.fault(first, 'with second_factor.mode: only there is no password by which to know the user')
  if (!report.given(['http']))
    report.fault(first, 'needs the portal, and there is no section http', 'add one: http: {}')
  if (!report.given(['portal', 'public_url']))
    report.fault(first, 'needs the address of the portal', 'add portal: { public_url: https://… }')
  const url = draft.portal?.public_url
  if (url !== undefined && url.length > LONGEST_URL)
    report.fault(
      ['portal', 'public_url'],
      `is ${url.length} signs long; a VPN prompt has room for ${LONGEST_URL}`,
    )
}
