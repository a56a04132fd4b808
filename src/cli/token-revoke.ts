import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { type CommonOptions, command, recordAudit, withRecords } from './command.ts'
import { operator } from './operator.ts'
import { print } from './output.ts'

export function tokenRevokeCommand(): Command {
  return command('revoke', 'make a token worth nothing, at once').argument('<name>').action(revoke)
}

async function revoke(name: string, options: CommonOptions): Promise<void> {
  await withRecords(options, async (store) => {
    const revoked = await store.records.tokens.revoke(name, operator(), systemClock.now())
    if (revoked === undefined) throw new OperatorError(`there is no token ${name}, or it was revoked before`)
    await recordAudit(store, { kind: 'token.revoked', detail: name })
    print(options.json, { name, revoked: true }, () => [`${name} is worth nothing any more.`])
  })
}
