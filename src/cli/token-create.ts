import type { Command } from 'commander'
import { suggestOneOf } from '../config/closest.ts'
import { newTokenSecret, tokenHash } from '../domain/api-token.ts'
import { systemClock } from '../domain/clock.ts'
import { parseDuration } from '../domain/duration.ts'
import { OperatorError } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'
import { agentScope, gatewayOfScope, isScope, SCOPES, type Scope } from '../domain/scope.ts'
import { type CommonOptions, command, readable, recordAudit, withRecords } from './command.ts'
import { operator } from './operator.ts'
import { moment, print } from './output.ts'

interface Options extends CommonOptions {
  readonly name: string
  readonly scope: readonly string[]
  readonly expires: string
}

const DEFAULT_EXPIRY = '90d'
const MAX_NAME_LENGTH = 64

export function tokenCreateCommand(): Command {
  return command('create', 'make a token for the HTTP API: prints it, this once')
    .requiredOption('--name <name>', 'what it is for, as monitoring')
    .requiredOption(
      '--scope <scope...>',
      `what it may do: ${SCOPES.join(', ')}; or, alone, ${agentScope('NAME')} for the agent of that gateway`,
    )
    .option('--expires <duration>', 'how long it is good, as 30d; or never', DEFAULT_EXPIRY)
    .action(create)
}

async function create({ name, scope, expires, ...options }: Options): Promise<void> {
  readable('--name', name)
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(name) || name.length > MAX_NAME_LENGTH)
    throw new OperatorError(
      `--name: "${name}" is no name: up to ${MAX_NAME_LENGTH} letters, digits, ".", "_" and "-"`,
    )
  const wanted = wordsOf(scope)
  const now = systemClock.now()
  const expiresAt = expires === 'never' ? undefined : now + durationOf(expires)
  const secret = newTokenSecret(systemRandom)
  await withRecords(options, async (store, config) => {
    const may = rightsOf(
      wanted,
      config.gateways.map((gateway) => gateway.name),
    )
    const scopes = may.gateway === undefined ? may.scopes : [agentScope(may.gateway)]
    const answer = await store.records.tokens.add({
      id: systemRandom.id(),
      name,
      hash: tokenHash(secret.reveal()) ?? '',
      ...may,
      createdAt: now,
      createdBy: operator(),
      expiresAt,
    })
    if (answer === 'exists')
      throw new OperatorError(`there is a token ${name}; revoke it first, or take another name`)
    await recordAudit(store, { kind: 'token.made', detail: `${name}: ${scopes.join(' ')}` })
    print(options.json, { name, token: secret.reveal(), scopes, expiresAt }, () => [
      secret.reveal(),
      '',
      `${name} may: ${scopes.join(', ')}`,
      expiresAt === undefined ? 'It does not expire.' : `It expires ${moment(expiresAt)}.`,
      'It is not shown again. Send it as the header  Authorization: Bearer …',
    ])
  })
}

function wordsOf(typed: readonly string[]): ReadonlySet<string> {
  const wanted = new Set(typed.flatMap((each) => each.split(',')).map((each) => each.trim()))
  for (const each of wanted)
    if (!isScope(each) && gatewayOfScope(each) === undefined)
      throw new OperatorError(
        `--scope: there is no "${each}"; known: ${SCOPES.join(', ')}, ${agentScope('NAME')}`,
      )
  return wanted
}

/** @throws OperatorError on the scope of an agent beside another one, or of a gateway that is not configured. */
function rightsOf(
  wanted: ReadonlySet<string>,
  gateways: readonly string[],
): { readonly scopes: readonly Scope[]; readonly gateway?: string } {
  const [first = ''] = wanted
  const named = [...wanted].map(gatewayOfScope).find((gateway) => gateway !== undefined)
  if (named === undefined) return { scopes: SCOPES.filter((each) => wanted.has(each)) }
  if (wanted.size > 1)
    throw new OperatorError(
      `--scope: ${agentScope(named)} stands alone, so that a stolen token of an agent can do nothing else; make a token of its own for the other scopes`,
    )
  if (gateways.includes(named)) return { scopes: [], gateway: named }
  throw new OperatorError(
    `--scope: ${first} names no gateway of the configuration; ${suggestOneOf(named, gateways)}`,
  )
}

function durationOf(typed: string): number {
  const ms = parseDuration(typed)
  if (ms === undefined || ms === 0)
    throw new OperatorError(`--expires: "${typed}" is not a duration; write it as 30d, or never`)
  return ms
}
