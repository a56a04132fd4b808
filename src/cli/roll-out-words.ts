/** What a list of users lacks. */
export function cannotList(stores: readonly string[]): readonly string[] {
  if (stores.length === 0) return []
  return [`${stores.join(', ')}: cannot list their users; those seen at logins are taken from the records`]
}
