import type { Config } from '../config/schema.ts'
import type { PasskeyChallenge, PasskeyChallenges, PasskeySite } from '../domain/passkey.ts'
import type { Runtime } from '../domain/runtime.ts'
import { wantsPasskey } from '../domain/scope.ts'
import { PasskeyAssertions } from '../login/passkey-assertions.ts'
import { EnrollingPasskeys } from '../manage/enrolling-passkeys.ts'
import type { EphemeralState } from './ephemeral.ts'
import type { Store } from './storage.ts'

/** Challenges that may be open at one time; each costs half a kilobyte. */
const MAX_CHALLENGES = 50_000

/** For whom passkeys are made; undefined where the portal has no address for them. */
export function passkeySiteOf({ http, portal, secondFactor }: Config): PasskeySite | undefined {
  if (http === undefined || portal.passkeys === undefined) return undefined
  return { ...portal.passkeys, name: secondFactor.totp.issuer }
}

/**
 * Whether a passkey gives a user with these groups what no code does: a role that requires one, or VPN logins that are
 * approved. Then a code must not change the passkeys, or it would give the same.
 */
export function passkeysOutrankCodes({ http, policies, secondFactor }: Config) {
  const isApproved =
    secondFactor.mode === 'approve' || policies.some(({ secondFactorMode }) => secondFactorMode === 'approve')
  return (groups: readonly string[]) => isApproved || (http !== undefined && wantsPasskey(groups, http.roles))
}

export function openPasskeyChallenges({ open }: Pick<EphemeralState, 'open'>): PasskeyChallenges {
  return open<PasskeyChallenge>('passkey challenges', MAX_CHALLENGES)
}

/** What enrols passkeys and verifies their answers at the pages. */
export function passkeyParts(
  config: Config,
  { records }: Pick<Store, 'records'>,
  state: Pick<EphemeralState, 'open'>,
  { clock, random }: Pick<Runtime, 'clock' | 'random'>,
) {
  const site = passkeySiteOf(config)
  if (site === undefined) return undefined
  const { passkeys, audit } = records
  const options = { passkeys, audit, challenges: openPasskeyChallenges(state), site, clock, random }
  return { assertions: new PasskeyAssertions(options), enrolling: new EnrollingPasskeys(options) }
}
