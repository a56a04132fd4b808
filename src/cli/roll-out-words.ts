import { OperatorError } from '../domain/errors.ts'
import type { StoreListing } from '../domain/store-users.ts'

/** What a list of users lacks. */
export function cannotList(stores: readonly string[]): readonly string[] {
  if (stores.length === 0) return []
  return [`${stores.join(', ')}: cannot list their users; those seen at logins are taken from the records`]
}

/** @throws OperatorError where no identity store of this name can list its users. */
export function checkStoreName(name: string | undefined, listings: readonly StoreListing[]): void {
  if (name === undefined) return
  const names = listings.map(({ store }) => store)
  const found = listings.find(({ store }) => store === name)
  if (found === undefined)
    throw new OperatorError(
      `--store: there is no identity store named ${name}; there are ${names.join(', ')}`,
    )
  if (found.users === undefined)
    throw new OperatorError(`--store: ${name} cannot list its users; name them one by one`)
}
