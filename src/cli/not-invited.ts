import type { WhyNotInvited } from '../manage/inviting-many.ts'

/** Why somebody was not invited, for operators. */
export const NOT_INVITED: Readonly<Record<WhyNotInvited, string>> = {
  unknown: 'no identity store knows this name',
  forbidden: 'the user has, or may have, a right that you lack',
  unavailable: 'the identity store, or the records, could not be asked; try again later',
  barred: 'the account is disabled or has expired',
  enrolled: 'the user has an authenticator already',
  no_address:
    'no mail address is known: add mail to the directory’s entry, or ocbroker user mail to a local user',
  too_many_mails: 'the user was sent as many invitations as mail.per_user allows in a day',
  more: 'more users match; invite again',
}
