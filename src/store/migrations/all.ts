import type { Migration } from 'kysely'
import { records } from './0001-records.ts'
import { management } from './0002-management.ts'
import { invitations } from './0003-invitations.ts'
import { knownAddresses } from './0004-known-addresses.ts'
import { keeping } from './0005-keeping.ts'
import { customerNetworks } from './0006-customer-networks.ts'
import { leases } from './0007-leases.ts'
import { unmatchedLogins } from './0008-unmatched-logins.ts'
import { userRevisions } from './0009-user-revisions.ts'
import { tokenDrift } from './0010-token-drift.ts'
import { directoryLockouts } from './0011-directory-lockouts.ts'
import { failuresByAccount } from './0012-failures-by-account.ts'
import { repeatedEvents } from './0013-repeated-events.ts'
import { unsignedRequests } from './0014-unsigned-requests.ts'
import { reportingServer } from './0015-reporting-server.ts'
import { leasesOfAUser } from './0016-leases-of-a-user.ts'
import { sessionOrders } from './0017-session-orders.ts'
import { usage } from './0018-usage.ts'
import { ipv6Leases } from './0019-ipv6-leases.ts'
import { trusts } from './0020-trusts.ts'
import { sessionPlaces } from './0021-session-places.ts'
import { wholeNames } from './0022-whole-names.ts'
import { sessionsByAddress } from './0023-sessions-by-address.ts'
import { traffic } from './0024-traffic.ts'
import { servingBrokers } from './0025-serving-brokers.ts'
import { auditSinks } from './0026-audit-sinks.ts'
import { networksOfAttempts } from './0027-networks-of-attempts.ts'
import { lockoutHints } from './0028-lockout-hints.ts'
import { usedInvitations } from './0030-used-invitations.ts'
import { authenticators } from './0031-authenticators.ts'
import { mail } from './0032-mail.ts'
import { passkeys } from './0033-passkeys.ts'
import { grace } from './0034-grace.ts'
import { accountGroups } from './0035-account-groups.ts'
import { passwordLinks } from './0036-password-links.ts'

/**
 * Every change of the tables, run in the order of their names. One that was released is never edited: stores in
 * the field have run it.
 */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-records': records,
  '0002-management': management,
  '0003-invitations': invitations,
  '0004-known-addresses': knownAddresses,
  '0005-keeping': keeping,
  '0006-customer-networks': customerNetworks,
  '0007-leases': leases,
  '0008-unmatched-logins': unmatchedLogins,
  '0009-user-revisions': userRevisions,
  '0010-token-drift': tokenDrift,
  '0011-directory-lockouts': directoryLockouts,
  '0012-failures-by-account': failuresByAccount,
  '0013-repeated-events': repeatedEvents,
  '0014-unsigned-requests': unsignedRequests,
  '0015-reporting-server': reportingServer,
  '0016-leases-of-a-user': leasesOfAUser,
  '0017-session-orders': sessionOrders,
  '0018-usage': usage,
  '0019-ipv6-leases': ipv6Leases,
  '0020-trusts': trusts,
  '0021-session-places': sessionPlaces,
  '0022-whole-names': wholeNames,
  '0023-sessions-by-address': sessionsByAddress,
  '0024-traffic': traffic,
  '0025-serving-brokers': servingBrokers,
  '0026-audit-sinks': auditSinks,
  '0027-networks-of-attempts': networksOfAttempts,
  '0028-lockout-hints': lockoutHints,
  '0030-used-invitations': usedInvitations,
  '0031-authenticators': authenticators,
  '0032-mail': mail,
  '0033-passkeys': passkeys,
  '0034-grace': grace,
  '0035-account-groups': accountGroups,
  '0036-password-links': passwordLinks,
}
