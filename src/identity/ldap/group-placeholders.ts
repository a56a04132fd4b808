/** What the filter of a search for groups may leave open: the user's typed name, entry, uid and group number. */
export const GROUP_PLACEHOLDERS = ['user', 'dn', 'uid', 'gid'] as const
