import { PasskeyAssertions } from '../login/passkey-assertions.ts'
import { Approving } from '../manage/approving.ts'
import type { HttpParts } from './http.ts'
import { approvalsOf, loginSettings } from './login.ts'
import { openPasskeyChallenges, passkeySiteOf } from './passkeys.ts'

/** What the page for approvals works with; undefined where browsers offer no passkeys. */
export function approvingOf({
  config,
  attempts,
  store,
  ephemeral,
  runtime,
}: HttpParts): Approving | undefined {
  const site = passkeySiteOf(config)
  if (site === undefined) return undefined
  const { clock, random } = runtime
  const { records } = store
  const { lockoutRules, exempt } = loginSettings(config)
  return new Approving({
    approvals: approvalsOf(config, ephemeral.open, { clock, random }),
    assertions: new PasskeyAssertions({
      ...{ passkeys: records.passkeys, audit: records.audit, site, clock, random },
      challenges: openPasskeyChallenges(ephemeral),
    }),
    limits: attempts,
    records: records.login,
    audit: records.audit,
    lockoutRules,
    exempt,
    clock,
    random,
  })
}
