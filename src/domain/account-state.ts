/** Why a user who has shown the right password may not log in, where a directory says it to nobody else. */
export type AccountState =
  | 'disabled'
  | 'expired'
  | 'password_expired'
  | 'password_to_change'
  | 'outside_hours'
  | 'other_computer'
