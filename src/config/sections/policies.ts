import { z } from 'zod'
import type { AddressPool } from '../../domain/address-pool.ts'
import { MAX_CLIENT_PATTERN } from '../../domain/client-pattern.ts'
import { foldName, parseLoginName } from '../../domain/login-name.ts'
import type { Policy } from '../../domain/policy.ts'
import { echo, type Path, ValueError } from '../../schema/config-error.ts'
import { duration, fromText, name, network, scalar, text } from '../../schema/scalars.ts'
import { suggestOneOf } from '../closest.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { isMapping, type PartialConfig } from '../partial-config.ts'
import { checkNameServers } from './name-servers.ts'
import { readDeny } from './policy-deny.ts'
import { resolveTimes, timesSchema } from './policy-times.ts'
import { checkQuotas, quotasSchema, resolveQuotas } from './quota.ts'
import { checkReply, type ReplyReader, type ReplyRules, replySchema, resolveReply } from './reply.ts'
import { checkSessionLimit, resolveSessionLimit, sessionLimitSchema } from './session-limit.ts'
import { checkUniqueNames } from './unique-names.ts'

const MAX_CLIENTS = 50
const MAX_TIMES = 50

const whenSchema = z.strictObject({
  users: z.array(fromText(readUser)).min(1).optional(),
  groups: z.array(text()).min(1).optional(),
  stores: z.array(name()).min(1).optional(),
  gateways: z.array(name()).min(1).optional(),
  networks: z.array(network()).min(1).optional(),
  clients: z.array(text(MAX_CLIENT_PATTERN)).min(1).max(MAX_CLIENTS).optional(),
  times: z.array(timesSchema).min(1).max(MAX_TIMES).optional(),
  enrolled: z.boolean().optional(),
})

const policySchema = z.strictObject({
  name: name(),
  when: whenSchema.prefault({}),
  deny: scalar(readDeny).default(false),
  enrol_at_login: z.boolean().optional(),
  second_factor: z.strictObject({ mode: z.enum(['challenge', 'either', 'approve']).optional() }).optional(),
  grace: z.boolean().optional(),
  require: z.literal('fresh_second_factor').optional(),
  trust: duration({ min: '1m', max: '30d' }).optional(),
  quota: quotasSchema.optional(),
  sessions: sessionLimitSchema.optional(),
  reply: replySchema.optional(),
})

function readUser(value: string): string | ValueError {
  return parseLoginName(value) === undefined
    ? new ValueError(`${echo(value)} is no user's name`)
    : foldName(value)
}

/** There is no default: the operator decides who gets in. */
export const policiesSchema = z.array(policySchema)

type Parsed = z.output<typeof policiesSchema>

/** @param readers each gateway by its name. @param gateways names of all gateways; undefined if one of them has a fault, as are the pools. */
export function checkPolicies(
  policies: PartialConfig<Parsed>,
  gateways: readonly string[] | undefined,
  pools: readonly AddressPool[] | undefined,
  readers: ReadonlyMap<string, ReplyReader>,
  rules: ReplyRules,
  diagnostics: Diagnostics,
): void {
  let catchAll: string | undefined
  checkUniqueNames('policies', 'policy', policies, diagnostics)
  if (policies.length === 0)
    diagnostics.warn(['policies'], 'is empty, so no user gets in', 'add one: { name: everyone, reply: {} }')
  for (const [index, policy] of policies.entries()) {
    const path: Path = ['policies', index]
    const label = policy?.name ?? `policies[${index}]`
    if (catchAll !== undefined)
      diagnostics.warn(path, `never applies: ${catchAll} before it applies to everybody`, 'move it up')
    if (policy === undefined || !isMapping(diagnostics.at(path))) continue
    checkGatewayNames(policy.when?.gateways ?? [], [...path, 'when', 'gateways'], gateways, diagnostics)
    checkDecision(policy.deny, path, diagnostics)
    if (policy.quota !== undefined)
      checkQuotas(
        policy.quota,
        [...path, 'quota'],
        { denies: Boolean(policy.deny), interimMs: policy.reply?.interim },
        diagnostics,
      )
    checkSessionLimit(policy.deny, [...path, 'sessions'], diagnostics)
    if (policy.reply !== undefined) {
      checkNameServers(policy.reply, [...path, 'reply'], diagnostics)
      checkReply(
        policy.reply,
        [...path, 'reply'],
        label,
        pools,
        readersFor(policy.when?.gateways, readers),
        rules,
        diagnostics,
      )
    }
    if (isForEverybody([...path, 'when'], diagnostics)) catchAll ??= label
  }
}

/** The gateways of a policy. */
function readersFor(
  named: readonly (string | undefined)[] | undefined,
  readers: ReadonlyMap<string, ReplyReader>,
): readonly ReplyReader[] {
  return [...readers].flatMap(([name, reader]) => (named?.includes(name) !== false ? reader : []))
}

/** @param denies undefined if the key has a fault. */
function checkDecision(deny: object | false | undefined, path: Path, diagnostics: Diagnostics): void {
  const replies = diagnostics.given([...path, 'reply'])
  const isMisspelt = diagnostics.given([...path, 'deny']) && diagnostics.at([...path, 'deny']) === undefined
  if (deny && replies) diagnostics.fault(path, 'has deny and a reply', 'keep one of the two')
  if (deny === false && !isMisspelt && !replies)
    diagnostics.fault(path, 'has neither deny nor a reply', 'write deny: true, or reply: {} to let in')
}

function checkGatewayNames(
  named: readonly (string | undefined)[],
  path: Path,
  gateways: readonly string[] | undefined,
  diagnostics: Diagnostics,
): void {
  for (const [index, gateway] of named.entries()) {
    if (gateway === undefined || gateways === undefined || gateways.includes(gateway)) continue
    diagnostics.fault(
      [...path, index],
      `there is no gateway named ${gateway}`,
      suggestOneOf(gateway, gateways),
    )
  }
}

function isForEverybody(when: Path, diagnostics: Diagnostics): boolean {
  const conditions = diagnostics.at(when)
  return !diagnostics.given(when) || (isMapping(conditions) && Object.keys(conditions).length === 0)
}

export function resolvePolicies(
  parsed: Parsed,
  pools: readonly AddressPool[],
  rules: Pick<ReplyRules, 'definitionOf'>,
): readonly Policy[] {
  return parsed.map(
    ({ name, when, deny, enrol_at_login, grace, second_factor, require, trust, quota, sessions, reply }) => ({
      name,
      when: { ...when, times: resolveTimes(when.times) },
      enrolAtLogin: enrol_at_login,
      grace,
      secondFactorMode: second_factor?.mode,
      words: deny ? deny.words : undefined,
      needsFreshFactor: require === 'fresh_second_factor',
      trustMs: trust,
      quotas: quota && resolveQuotas(quota),
      sessions: sessions && resolveSessionLimit(sessions),
      reply: reply && resolveReply(reply, pools, rules),
    }),
  )
}
