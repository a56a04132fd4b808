import type { Command } from 'commander'
import { OperatorError } from '../domain/errors.ts'
import { type CommonOptions, command, recordAudit, withStore } from './command.ts'
import { print } from './output.ts'
import { subjectOf } from './subject.ts'

export function totpRevokeCommand(): Command {
  return command('revoke', "take away the user's authenticator and recovery codes")
    .argument('<name>')
    .action(revoke)
}

async function revoke(typed: string, options: CommonOptions): Promise<void> {
  await withStore(options, async (store) => {
    const subject = await subjectOf(typed, store)
    if (!(await store.records.enrolments.revoke(subject)))
      throw new OperatorError(`${subject} has no authenticator`)
    await recordAudit(store, { kind: 'enrolment.revoked', user: subject })
    print(options.json, { subject, revoked: true }, () => [`${subject} has no authenticator any more.`])
  })
}
