import type { Path } from '../../schema/config-error.ts'
import { suggestOneOf } from '../closest.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import type { ConfigInput } from '../schema.ts'
import { checkTimes } from './policy-times.ts'

type Partial = PartialConfig<ConfigInput>
type PartialPolicy = NonNullable<NonNullable<Partial['policies']>[number]>

/** What conditions and rules of policies ask of other sections. */
export function checkPolicyRules(config: Partial, diagnostics: Diagnostics): void {
  for (const [index, policy] of (config.policies ?? []).entries()) {
    if (policy === undefined) continue
    const path: Path = ['policies', index]
    checkStoreNames(policy.when?.stores ?? [], [...path, 'when', 'stores'], config, diagnostics)
    checkTimes(policy.when?.times ?? [], [...path, 'when', 'times'], diagnostics)
    checkFactors(policy, path, config, diagnostics)
    if (policy.trust !== undefined) checkTrust(policy, [...path, 'trust'], config, diagnostics)
  }
}

function checkStoreNames(
  named: readonly (string | undefined)[],
  path: Path,
  { identity }: Partial,
  diagnostics: Diagnostics,
): void {
  const order = identity?.order
  if (order === undefined || order.includes(undefined)) return
  const asked = order.filter((store) => store !== undefined)
  for (const [index, store] of named.entries())
    if (store !== undefined && !asked.includes(store))
      diagnostics.fault(
        [...path, index],
        `no identity store named ${store} is asked`,
        suggestOneOf(store, asked),
      )
}

/** @param path of the policy. */
function checkFactors(
  { deny, require, trust }: PartialPolicy,
  path: Path,
  { second_factor: factor }: Partial,
  diagnostics: Diagnostics,
): void {
  const [first] = [require !== undefined && 'require', trust !== undefined && 'trust'].filter(
    (key) => key !== false,
  )
  if (first !== undefined && deny)
    diagnostics.fault([...path, first], 'has no meaning in a policy that refuses', 'leave it out')
  if (require === undefined) return
  if (trust !== undefined)
    diagnostics.fault(path, 'has require: fresh_second_factor and trust', 'keep one of the two')
  if (factor?.mode === 'only')
    diagnostics.warn(
      [...path, 'require'],
      'changes nothing, as second_factor.mode: only asks for a code each time',
    )
}

/** @param path of the key. */
function checkTrust(
  { when }: PartialPolicy,
  path: Path,
  { second_factor: factor, http }: Partial,
  diagnostics: Diagnostics,
): void {
  if (factor?.mode === 'only')
    diagnostics.fault(path, 'needs a password, and second_factor.mode: only has none', 'leave it out')
  if (when?.clients !== undefined)
    diagnostics.warn(
      path,
      'goes by what the client says of itself, and any client can say that',
      'let a network or a group decide as well',
    )
  if (when?.enrolled === false)
    diagnostics.warn(path, 'never applies: users without an authenticator are not trusted')
  if (http === undefined && !diagnostics.given(['http']))
    diagnostics.warn(
      path,
      'spares administrators’ groups by http.roles, and there is no section http',
      'users can see and end it by the command trust alone',
    )
}
