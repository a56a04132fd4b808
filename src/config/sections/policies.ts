import { z } from 'zod'
import type { AddressPool } from '../../domain/address-pool.ts'
import type { Policy, PolicyConditions } from '../../domain/policy.ts'
import { suggestOneOf } from '../closest.ts'
import type { Path, Report } from '../fault.ts'
import { name, network, text } from '../scalars.ts'
import { type Draft, isMapping } from '../schema-walk.ts'
import { checkReply, type ReplyRules, replyShape, resolveReply } from './reply.ts'

const whenShape = z.strictObject({
  groups: z.array(text()).min(1).optional(),
  gateways: z.array(name()).min(1).optional(),
  networks: z.array(network()).min(1).optional(),
})

const policyShape = z.strictObject({
  name: name(),
  when: whenShape.prefault({}),
  deny: z.boolean().default(false),
  enrol_at_login: z.boolean().optional(),
  reply: replyShape.optional(),
})

/** There is no default: who gets in is for the operator to write down. */
export const policiesShape = z.array(policyShape)

type Parsed = z.output<typeof policiesShape>

/** @param gateways names of all gateways; undefined where a fault hides one of them, as are the pools. */
export function checkPolicies(
  draft: Draft<Parsed>,
  gateways: readonly string[] | undefined,
  pools: readonly AddressPool[] | undefined,
  rules: ReplyRules,
  report: Report,
): void {
  const names = new Map<string, number>()
  let catchAll: string | undefined
  if (draft.length === 0)
    report.warn(['policies'], 'is empty, so nobody is let in', 'add one: { name: everyone, reply: {} }')
  for (const [index, policy] of draft.entries()) {
    const path: Path = ['policies', index]
    const label = policy?.name ?? `policies[${index}]`
    if (catchAll !== undefined)
      report.warn(path, `${catchAll} before it applies to everybody, so it never does`, 'move it up')
    if (policy === undefined || !isMapping(report.at(path))) continue
    checkName(policy.name, index, names, report)
    checkGatewayNames(policy.when?.gateways ?? [], [...path, 'when', 'gateways'], gateways, report)
    checkDecision(policy.deny, path, report)
    if (policy.reply !== undefined) checkReply(policy.reply, [...path, 'reply'], label, pools, rules, report)
    if (isForEverybody([...path, 'when'], report)) catchAll ??= label
  }
}

function checkName(
  policy: string | undefined,
  index: number,
  names: Map<string, number>,
  report: Report,
): void {
  if (policy === undefined) return
  const earlier = names.get(policy)
  if (earlier === undefined) names.set(policy, index)
  else
    report.fault(
      ['policies', index, 'name'],
      `${policy} is already the name of policies[${earlier}]`,
      'give each policy a name of its own',
    )
}

/** @param denies undefined where that is not sound. */
function checkDecision(denies: boolean | undefined, path: Path, report: Report): void {
  const replies = report.given([...path, 'reply'])
  const isMisspelt = report.given([...path, 'deny']) && report.at([...path, 'deny']) === undefined
  if (denies === true && replies) report.fault(path, 'has deny and a reply', 'keep one of the two')
  if (denies === false && !isMisspelt && !replies)
    report.fault(path, 'says neither deny nor reply', 'write deny: true, or reply: {} to let in')
}

function checkGatewayNames(
  named: readonly (string | undefined)[],
  path: Path,
  gateways: readonly string[] | undefined,
  report: Report,
): void {
  for (const [index, gateway] of named.entries()) {
    if (gateway === undefined || gateways === undefined || gateways.includes(gateway)) continue
    report.fault([...path, index], `there is no gateway named ${gateway}`, suggestOneOf(gateway, gateways))
  }
}

function isForEverybody(when: Path, report: Report): boolean {
  const conditions = report.at(when)
  return !report.given(when) || (isMapping(conditions) && Object.keys(conditions).length === 0)
}

export function resolvePolicies(parsed: Parsed, pools: readonly AddressPool[]): readonly Policy[] {
  return parsed.map((policy) => {
    const when = resolveConditions(policy.when)
    return {
      ...{ name: policy.name, when },
      ...(policy.enrol_at_login !== undefined && { enrolAtLogin: policy.enrol_at_login }),
      ...(policy.reply !== undefined && { reply: resolveReply(policy.reply, pools) }),
    }
  })
}

function resolveConditions({ groups, gateways, networks }: z.output<typeof whenShape>): PolicyConditions {
  return {
    ...(groups !== undefined && { groups }),
    ...(gateways !== undefined && { gateways }),
    ...(networks !== undefined && { networks }),
  }
}
