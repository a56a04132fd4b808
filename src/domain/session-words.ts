import { parseAddress } from './network.ts'
import type { Session } from './session.ts'
import { began } from './session-limit.ts'

/** Octets after which sessions are only counted, so that the words fit into one attribute of a reply. */
const MAX_OCTETS = 130

/**
 * Where sessions are and since when, the oldest first: `192.0.2.5 (gw1, since 2026-01-15 09:12 UTC)`. Times are of UTC.
 * @param since the words of one session.
 */
export function placesOfSessions(
  sessions: readonly Session[],
  since: (gateway: string, time: string) => string,
): string {
  let places = ''
  for (const session of sessions) {
    const place = placeOf(session, since)
    const longer = places === '' ? place : `${places}; ${place}`
    if (Buffer.byteLength(longer) > MAX_OCTETS) return places === '' ? '…' : `${places}; …`
    places = longer
  }
  return places
}

function placeOf(session: Session, since: (gateway: string, time: string) => string): string {
  const { address, gateway } = session
  const time = `${new Date(began(session)).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const about = since(gateway, time)
  // A gateway may write any text for an address, and ocserv puts the words into XML as they are.
  return address === undefined || parseAddress(address) === undefined ? about : `${address} (${about})`
}
