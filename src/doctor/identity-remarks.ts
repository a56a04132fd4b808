import type { Remark } from '../domain/identity-provider.ts'
import { type Check, warning } from './finding.ts'

/** What does not fit at the identity stores that can be asked. */
export function checkIdentityRemarks(
  find: () => Promise<readonly (Remark & { readonly store: string })[]>,
): Check {
  return async () =>
    (await find()).map(({ store, problem, remedy }) => warning(`identity ${store}`, problem, remedy))
}
