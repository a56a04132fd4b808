import type { PasskeyStore } from '../domain/passkey.ts'
import { type Check, ok, warning } from './finding.ts'

const ABOUT = 'passkeys'
const OLD_ADDRESS =
  'give the portal its old address again, or set portal.passkeys.rp_id where that is a domain above it; otherwise these users add new ones'

/**
 * Passkeys that no browser offers at the portal's address (WebAuthn Level 3 §5.1.4.1: a browser offers those of its relying
 * party alone).
 * @param rpId of the portal; absent: it has no address at which browsers offer any.
 */
export function checkPasskeys(passkeys: Pick<PasskeyStore, 'countByRpId'>, rpId?: string): Check {
  return async () => {
    const counts = Object.entries(await passkeys.countByRpId())
    const lost = counts.filter(([madeFor]) => madeFor !== rpId)
    if (lost.length === 0) return [ok(ABOUT, 'all are for the address of the portal')]
    return lost.map(([madeFor, count]) =>
      warning(
        ABOUT,
        `${count} were made for ${madeFor}, and cannot be used at ${rpId ?? 'a portal without an address'}`,
        OLD_ADDRESS,
      ),
    )
  }
}
