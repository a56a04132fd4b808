import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { Complaint } from './complaint.ts'
import { type CommonOptions, verb, withStore, witness } from './office.ts'
import { operator } from './operator.ts'
import { print } from './output.ts'

export function tokenRevokeCommand(): Command {
  return verb('revoke', 'make a token worth nothing, at once').argument('<name>').action(revoke)
}

async function revoke(name: string, options: CommonOptions): Promise<void> {
  await withStore(options, async (store) => {
    const revoked = await store.records.tokens.revoke(name, operator(), systemClock.now())
    if (revoked === undefined) throw new Complaint(`there is no token ${name}, or it was revoked before`)
    await witness(store, { kind: 'token.revoked', detail: name })
    print(options.json, { name, revoked: true }, () => [`${name} is worth nothing any more.`])
  })
}
