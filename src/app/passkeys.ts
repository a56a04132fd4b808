import type { Config } from '../config/schema.ts'
import type { PasskeyChallenge, PasskeyChallenges, PasskeySite } from '../domain/passkey.ts'
import type { EphemeralState } from './ephemeral.ts'

/** Passkeys that are being asked at one time; each costs about half a kilobyte. */
const MAX_PASSKEY_CHALLENGES = 10_000

/** For whom passkeys are made; undefined where browsers offer none: at an address without TLS that is not this machine's. */
export function passkeySiteOf({ http, portal, secondFactor }: Config): PasskeySite | undefined {
  const url = URL.parse(portal.publicUrl ?? '')
  if (http === undefined || url === null) return undefined
  const { protocol, hostname, origin } = url
  if (protocol !== 'https:' && hostname !== 'localhost') return undefined
  return { rpId: hostname, origin, name: secondFactor.totp.issuer }
}

export function openPasskeyChallenges({ open }: Pick<EphemeralState, 'open'>): PasskeyChallenges {
  return open<PasskeyChallenge>('passkey challenges', MAX_PASSKEY_CHALLENGES)
}
