import type { Command } from 'commander'
import { newTokenSecret, tokenHash } from '../domain/api-token.ts'
import { systemClock } from '../domain/clock.ts'
import { parseDuration } from '../domain/duration.ts'
import { systemRandom } from '../domain/random.ts'
import { isScope, SCOPES, type Scope } from '../domain/scope.ts'
import { Complaint } from './complaint.ts'
import { type CommonOptions, verb, withStore, witness } from './office.ts'
import { operator } from './operator.ts'
import { moment, print } from './output.ts'

interface Options extends CommonOptions {
  readonly name: string
  readonly scope: readonly string[]
  readonly expires: string
}

const DEFAULT_EXPIRY = '90d'
const LONGEST_NAME = 64

export function tokenCreateCommand(): Command {
  return verb('create', 'make a token for the HTTP API: prints it, this once')
    .requiredOption('--name <name>', 'what it is for, as monitoring')
    .requiredOption('--scope <scope...>', `what it may do: ${SCOPES.join(', ')}`)
    .option('--expires <duration>', 'how long it is good, as 30d; or never', DEFAULT_EXPIRY)
    .action(create)
}

async function create({ name, scope, expires, ...options }: Options): Promise<void> {
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(name) || name.length > LONGEST_NAME)
    throw new Complaint(
      `--name: "${name}" is no name: up to ${LONGEST_NAME} letters, digits, ".", "_" and "-"`,
    )
  const scopes = scopesOf(scope)
  const now = systemClock.now()
  const expiresAt = expires === 'never' ? undefined : now + durationOf(expires)
  const secret = newTokenSecret(systemRandom)
  await withStore(options, async (store) => {
    const answer = await store.records.tokens.add({
      id: systemRandom.id(),
      name,
      hash: tokenHash(secret.reveal()) ?? '',
      scopes,
      createdAt: now,
      createdBy: operator(),
      expiresAt,
    })
    if (answer === 'exists')
      throw new Complaint(`there is a token ${name}; revoke it first, or take another name`)
    await witness(store, { kind: 'token.made', detail: `${name}: ${scopes.join(' ')}` })
    print(options.json, { name, token: secret.reveal(), scopes, expiresAt }, () => [
      secret.reveal(),
      '',
      `${name} may: ${scopes.join(', ')}`,
      expiresAt === undefined ? 'It does not expire.' : `It expires ${moment(expiresAt)}.`,
      'It is not shown again. Send it as the header  Authorization: Bearer …',
    ])
  })
}

function scopesOf(typed: readonly string[]): readonly Scope[] {
  const wanted = new Set(typed.flatMap((each) => each.split(',')).map((each) => each.trim()))
  for (const each of wanted)
    if (!isScope(each)) throw new Complaint(`--scope: there is no "${each}"; known: ${SCOPES.join(', ')}`)
  return SCOPES.filter((each) => wanted.has(each))
}

function durationOf(typed: string): number {
  const ms = parseDuration(typed)
  if (ms === undefined || ms === 0)
    throw new Complaint(`--expires: "${typed}" is no duration; write it as 30d, or never`)
  return ms
}
